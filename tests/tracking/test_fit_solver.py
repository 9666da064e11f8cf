"""The compiled Levenberg-Marquardt finds SciPy's minimum, and the truth when the landmarks say it."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.linalg import solve as dense_solve

from inperson.avatar.state import BodyState
from inperson.tracking.fit.contact import find_contacts
from inperson.tracking.fit.observe import build_problem
from inperson.tracking.fit.problem import no_past, unknown_columns
from inperson.tracking.fit.reference import residuals_reference, solve_reference
from inperson.tracking.fit.so3 import exp_all, exp_so3, log_all, log_so3, right_jacobian_inverse
from inperson.tracking.fit.solver import damped_step, fit, huber_cost
from inperson.tracking.ideal_observation import landmarks_of, observe_state
from tests.tracking.fit_cases import CAMERA, MOVING, body, person, random_case, skeleton_model, talking_state

NO_PAST = no_past(np.tile(np.eye(3), (55, 1, 1)), np.zeros(3))


def cost_of(problem, rotations, transl) -> float:
    contacts = find_contacts(problem, rotations, transl)
    r, huber = residuals_reference(problem, contacts, rotations, transl)
    return huber_cost(r, huber, len(r))


def joints_of(rotations, transl) -> np.ndarray:
    rest = BodyState.rest(body().num_betas, body().num_expression)
    state = rest.with_full_pose(log_all(rotations))
    return landmarks_of(skeleton_model(), state)[1] + transl


def test_reaches_scipys_minimum():
    """Same cost, same joints, from the same start: arms and trunk free, the rest held."""
    case = random_case(7, off=0.05)
    moving = np.zeros(55, bool)
    moving[[0, 3, 6, 9, 12, 15, 16, 17, 18, 19, 20, 21]] = True
    problem = case.problem._replace(dof=unknown_columns(moving))
    ours = fit(problem, case.rotations, case.transl, 40)
    contacts = find_contacts(problem, ours.rotations, ours.transl)
    theirs = solve_reference(problem, contacts, case.rotations, case.transl)
    assert ours.cost == pytest.approx(theirs.cost, rel=2e-3)
    np.testing.assert_allclose(
        joints_of(ours.rotations, ours.transl), joints_of(theirs.rotations, theirs.transl), atol=2e-3
    )


@settings(max_examples=8)
@given(seed=st.integers(0, 10_000))
def test_cost_never_rises_and_the_reported_cost_is_true(seed: int):
    case = random_case(seed)
    costs = [fit(case.problem, case.rotations, case.transl, n).cost for n in (1, 2, 4, 8)]
    assert costs[0] <= cost_of(case.problem, case.rotations, case.transl) * (1 + 1e-9)
    assert costs[-1] < 0.5 * costs[0]


@settings(max_examples=8)
@given(seed=st.integers(0, 10_000))
def test_perfect_landmarks_give_the_pose_back(seed: int):
    """No noise: landmarks project to where they were seen, hands to a pixel, joints in space to centimetres."""
    rng = np.random.default_rng(seed)
    state = talking_state(rng)
    obs = observe_state(skeleton_model(), state, CAMERA)
    problem = build_problem(obs, person(), NO_PAST, MOVING)
    truly = exp_all(state.full_pose.astype(np.float64))
    assume(len(find_contacts(problem, truly, state.transl.astype(np.float64)).sample) == 0)  # no hand in the trunk
    start = exp_all(state.full_pose + rng.normal(0.0, 0.2, (55, 3)))
    start[~MOVING] = np.eye(3)
    result = fit(problem, start, state.transl + 0.05, 30)
    truth = landmarks_of(skeleton_model(), state)[1]
    error = np.linalg.norm(joints_of(result.rotations, result.transl) - truth, axis=1)
    assert np.median(error[25:]) < 0.03
    assert np.median(error[:22]) < 0.05


def test_held_joints_do_not_move():
    case = random_case(1)
    moving = MOVING.copy()
    moving[25:40] = False
    result = fit(case.problem._replace(dof=unknown_columns(moving)), case.rotations, case.transl, 5)
    np.testing.assert_array_equal(result.rotations[25:40], case.rotations[25:40])
    assert not np.allclose(result.rotations[40:], case.rotations[40:])


def test_limits_pull_an_impossible_elbow_back():
    """An elbow started bent 60 degrees the wrong way ends on the side to which elbows bend."""
    rng = np.random.default_rng(5)
    state = talking_state(rng, spread=0.0)
    obs = observe_state(skeleton_model(), state, CAMERA)
    problem = build_problem(obs, person(), NO_PAST, MOVING)
    start = exp_all(state.full_pose.astype(np.float64))
    exp_so3(np.array([0.0, 1.0, 0.0]), start[18])
    result = fit(problem, start, state.transl, 40)
    bone = result.rotations[18] @ np.array([1.0, 0.0, 0.0])
    assert bone[2] > 0.5


@settings(max_examples=50)
@given(st.lists(st.floats(-3.0, 3.0), min_size=3, max_size=3))
def test_log_inverts_exp(w: list[float]):
    vector = np.array(w)
    angle = np.linalg.norm(vector)
    R, back = np.empty((3, 3)), np.empty(3)
    exp_so3(vector, R)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    log_so3(R, back)
    again = np.empty((3, 3))
    exp_so3(back, again)
    np.testing.assert_allclose(again, R, atol=1e-8)
    if angle < np.pi - 1e-3:
        np.testing.assert_allclose(back, vector, atol=1e-7)


@settings(max_examples=30)
@given(st.lists(st.floats(-1.7, 1.7), min_size=3, max_size=3))
def test_right_jacobian_inverse_is_the_derivative_of_log(w: list[float]):
    vector = np.array(w)
    J = np.empty((3, 3))
    right_jacobian_inverse(vector, J)
    h, R, step, out = 1e-6, np.empty((3, 3)), np.empty((3, 3)), np.empty(3)
    exp_so3(vector, R)
    for axis in range(3):
        ends = []
        for sign in (1, -1):
            exp_so3(sign * h * np.eye(3)[axis], step)
            log_so3(R @ step, out)
            ends.append(out.copy())
        np.testing.assert_allclose((ends[0] - ends[1]) / (2 * h), J[:, axis], atol=1e-6)


def test_cholesky_step_solves_the_damped_system():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(12, 30))
    H, g = A @ A.T, rng.normal(size=12)
    damped = H + 0.1 * np.diag(np.diag(H))
    np.testing.assert_allclose(damped_step(np.tril(H), g, 0.1), dense_solve(damped, -g), rtol=1e-6)
