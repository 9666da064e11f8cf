"""The compiled residuals equal the plain ones, and their Jacobian equals finite differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.tracking.fit.contact import find_contacts
from inperson.tracking.fit.problem import Contacts, FitProblem, num_unknowns
from inperson.tracking.fit.reference import residuals_reference
from inperson.tracking.fit.rows import MAX_ENTRIES, fill_rows, max_rows
from inperson.tracking.fit.solver import retract
from tests.tracking.fit_cases import random_case


def rows_of(problem: FitProblem, contacts: Contacts, rotations: np.ndarray, transl: np.ndarray):
    """Residuals (M,), dense Jacobian (M, n) and Huber thresholds (M,)."""
    m = max_rows(problem)
    r, huber, count = np.empty(m), np.empty(m), np.zeros(m, np.int64)
    cols, vals = np.empty((m, MAX_ENTRIES), np.int64), np.empty((m, MAX_ENTRIES))
    rows = fill_rows(problem, contacts, rotations, transl, True, r, count, cols, vals, huber)
    J = np.zeros((rows, num_unknowns(problem.dof)))
    for i in range(rows):
        assert (np.diff(cols[i, : count[i]]) > 0).all(), "columns must ascend within a row"
        J[i, cols[i, : count[i]]] = vals[i, : count[i]]
    return r[:rows].copy(), J, huber[:rows].copy()


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), face=st.booleans(), left=st.booleans())
def test_jacobian_equals_finite_differences(seed: int, face: bool, left: bool):
    case = random_case(seed, hands=(left, True), face=face)
    contacts = find_contacts(case.problem, case.rotations, case.transl)
    r, J, _ = rows_of(case.problem, contacts, case.rotations, case.transl)
    rng = np.random.default_rng(seed)
    for _ in range(6):
        direction = rng.normal(size=J.shape[1])
        h = 1e-6
        ahead = rows_of(
            case.problem, contacts, *retract(case.rotations, case.transl, case.problem.dof, h * direction)
        )[0]
        behind = rows_of(
            case.problem, contacts, *retract(case.rotations, case.transl, case.problem.dof, -h * direction)
        )[0]
        assert len(ahead) == len(behind) == len(r), "no one-sided residual may switch within the step"
        numeric, analytic = (ahead - behind) / (2 * h), J @ direction
        np.testing.assert_allclose(analytic, numeric, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(numeric).max()))


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), off=st.floats(0.0, 0.8))
def test_residuals_equal_the_plain_reference(seed: int, off: float):
    case = random_case(seed, off=off)
    contacts = find_contacts(case.problem, case.rotations, case.transl)
    r, _, huber = rows_of(case.problem, contacts, case.rotations, case.transl)
    plain, plain_huber = residuals_reference(case.problem, contacts, case.rotations, case.transl)
    kept = np.abs(r) > 1e-9  # the compiled rows leave out inactive one-sided residuals
    plain_kept = np.abs(plain) > 1e-9
    np.testing.assert_allclose(np.sort(r[kept]), np.sort(plain[plain_kept]), rtol=1e-8, atol=1e-9)
    np.testing.assert_array_equal(np.sort(huber[kept]), np.sort(plain_huber[plain_kept]))


def test_contacts_are_really_exercised():
    """The random poses above do touch the trunk, both straight out and along the view."""
    kinds = set()
    for seed in range(12):
        case = random_case(seed, hands=(False, True))
        case.problem.sample_in_front[:10] = False
        contacts = find_contacts(case.problem, case.rotations, case.transl)
        kinds |= {bool(view.any()) for view in contacts.towards_camera}
    assert kinds == {True, False}


def test_a_seen_point_behind_the_trunk_is_charged_its_way_to_the_near_side():
    """A point half a metre behind the back: straight out it is free, along the view it must come all the way."""
    case = random_case(3)
    rotations, transl = np.tile(np.eye(3), (55, 1, 1)), np.array([0.0, 0.0, -1.6])
    t = case.problem.torso
    spine, chest = 9, int(np.flatnonzero(t.joint == 9)[0])
    offset = np.tile(t.centre[chest] - (0.0, 0.0, 0.5), (len(t.sample_joint), 1))
    torso = t._replace(sample_joint=np.full(len(offset), spine), sample_offset=offset)
    depths = {}
    for seen in (False, True):
        problem = case.problem._replace(torso=torso, sample_in_front=np.full(len(offset), seen))
        contacts = find_contacts(problem, rotations, transl)
        r = residuals_reference(problem, contacts, rotations, transl)[0]
        mine = (contacts.sample == 0) & (contacts.ellipsoid == chest)
        depths[seen] = r[len(r) - len(mine) :][mine].sum() / t.inv_sigma
    assert depths[False] == 0.0
    assert depths[True] == pytest.approx(0.5 + t.radii[chest, 2] + t.sample_radius[0], abs=0.02)
