"""Binding against plain loops, and against the body itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.avatar.body import load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.synthetic.basemesh import BaseMesh, load_base_mesh
from inperson.synthetic.binding import bind
from inperson.synthetic.mhassets import NUM_HM08_VERTICES, OffsetScale, Proxy
from inperson.synthetic.surfaces import BodyPose, BoundSurface
from tests.synthetic.people import undressed

POINTS, BETAS = 12, 3


def proxy_of(indices: np.ndarray, weights: np.ndarray, offsets: np.ndarray, scales: tuple[OffsetScale, ...]) -> Proxy:
    hides = np.zeros(NUM_HM08_VERTICES, bool)
    return Proxy("p", indices, weights, offsets, scales, hides, 50, None, None)  # type: ignore[arg-type]


def random_base(rng: np.random.Generator) -> BaseMesh:
    """Twelve points standing in for hm08; joint 0 carries all."""
    weights = np.zeros((POINTS, 55), np.float32)
    weights[:, 0] = 1.0
    q, _ = np.linalg.qr(rng.normal(size=(POINTS, 3, 3)))
    return BaseMesh(
        template=rng.normal(size=(POINTS, 3)).astype(np.float32),
        shapedirs=0.05 * rng.normal(size=(POINTS, 3, BETAS)).astype(np.float32),
        exprdirs=0.1 * rng.normal(size=(POINTS, 3, 2)).astype(np.float32),
        weights=weights,
        R_tpose_from_rest=q.astype(np.float32),
    )


def bound_one_by_one(proxy: Proxy, base: BaseMesh, positions: np.ndarray) -> np.ndarray:
    """The formula of the .mhclo format for given base positions, vertex by vertex."""
    scale = np.zeros(3)
    for s in proxy.scales:
        axis = base.R_tpose_from_rest[s.vertex_a][:, s.axis]
        scale[s.axis] = abs(axis @ (positions[s.vertex_a] - positions[s.vertex_b])) / s.denominator
    out = []
    for index, weight, offset in zip(proxy.indices, proxy.weights, proxy.offsets, strict=True):
        v, R = np.zeros(3), np.zeros((3, 3))
        for i, w in zip(index, weight, strict=True):
            v += w * positions[i]
            R += w * base.R_tpose_from_rest[i]
        out.append(v + R @ (offset * scale))
    return np.array(out)


@given(seed=st.integers(0, 10_000))
def test_binding_is_the_formula_for_every_shape(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = random_base(rng)
    weights = rng.uniform(-0.2, 1.0, (5, 3))
    proxy = proxy_of(
        rng.integers(0, POINTS, (5, 3)),
        weights / weights.sum(axis=1, keepdims=True),
        0.3 * rng.normal(size=(5, 3)),
        (OffsetScale(0, 0, 1, 0.7), OffsetScale(1, 2, 3, 1.3), OffsetScale(2, 4, 5, 0.4)),
    )
    bound = bind(proxy, base)
    betas = 0.05 * rng.normal(size=BETAS)  # small: no measured distance may change sign
    by_loops = bound_one_by_one(proxy, base, base.template + base.shapedirs @ betas)
    np.testing.assert_allclose(bound.template + bound.shapedirs @ betas, by_loops, atol=2e-3)
    np.testing.assert_allclose(bound.template, bound_one_by_one(proxy, base, base.template), atol=1e-5)
    np.testing.assert_allclose(bound.weights.sum(axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize("name", ["neutral", "male", "female"])
def test_the_base_mesh_contains_the_body(name: str) -> None:
    body = load_body(name)
    base = load_base_mesh(body)
    skin = body.vertex_part == 0
    np.testing.assert_allclose(base.template[body.hm08_index][skin], body.v_template[skin], atol=2e-4)
    np.testing.assert_allclose(base.shapedirs[body.hm08_index][skin], body.shapedirs[skin], atol=3e-4)


def test_bound_to_the_body_it_moves_with_the_body() -> None:
    """Skin bound one to one follows expression, correctives and joints as the body's own vertices do."""
    person = undressed()
    body, base = person.body, load_base_mesh(person.body)
    arm = np.flatnonzero(body.weights[:, 18] > 0.3)
    n = len(arm)
    indices = np.repeat(body.hm08_index[arm][:, None], 3, axis=1).astype(np.int64)
    weights = np.tile([1.0, 0.0, 0.0], (n, 1))
    surface = BoundSurface.of(
        bind(proxy_of(indices, weights, np.zeros((n, 3)), ()), base), person.betas, body.shaped(person.betas)
    )
    state = person.rest()
    pose = 0.3 * np.random.default_rng(0).normal(size=(55, 3))
    pose[18] = (0.0, -1.2, 0.0)
    posed = BodyPose.of(BodyPoser(body, person.betas), state.with_full_pose(pose))
    away = np.linalg.norm(surface.vertices(posed) - posed.body.vertices[arm], axis=1)
    assert np.median(away) < 1e-3
    assert away.max() < 6e-3


def test_a_body_without_a_base_mesh_is_named() -> None:
    stranger = load_body("neutral").__class__
    body = load_body("neutral")
    other = stranger(**{f: getattr(body, f) for f in body.__slots__ if f != "name"}, name="guest")
    with pytest.raises(BadInputError, match="guest"):
        load_base_mesh(other)


def test_rest_state_has_the_bodys_sizes() -> None:
    person = undressed()
    rest = person.rest()
    assert isinstance(rest, BodyState)
    assert rest.betas.shape == (person.body.num_betas,)
    assert rest.expression.shape == (person.body.num_expression,)
