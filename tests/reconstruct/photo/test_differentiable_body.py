"""The fit's own body against the live one, and its derivatives against differences."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.avatar.body import load_body
from inperson.avatar.skinning import BodyPoser
from inperson.reconstruct.photo.differentiable_body import DifferentiableBody, FitPose
from inperson.tracking.fit.so3 import exp_all

MOVING = np.ones(55, bool)
MOVING[[4, 5, 22, 40]] = False


@cache
def flexible() -> DifferentiableBody:
    return DifferentiableBody(load_body("neutral"), MOVING)


def random_pose(seed: int, size: float = 0.4) -> FitPose:
    rng = np.random.default_rng(seed)
    body = flexible()
    expression = rng.uniform(0, 0.6, body.num_coefficients - body.num_betas)
    coefficients = np.concatenate([rng.normal(size=body.num_betas), expression])
    return FitPose(exp_all(rng.normal(size=(55, 3)) * size), rng.normal(size=3) * 0.2 + (0, 0, -2), coefficients)


def random_places(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed + 1000)
    return rng.integers(0, len(flexible().body.faces), count), rng.dirichlet(np.ones(3), count)


@pytest.mark.parametrize("seed", range(3))
def test_points_are_where_the_live_body_has_them(seed):
    """To a tenth of a millimetre mostly: weights averaged over a face are not quite the skinning of its corners."""
    body, pose = flexible(), random_pose(seed)
    state = body.state(pose)
    poser = BodyPoser(body.body, state.betas)
    face, barycentric = random_places(seed, 300)
    correctives = poser.unposed_vertices(state) - poser.shaped_vertices - body.body.exprdirs @ state.expression
    found = body.place(body.frames(pose), body.surface_points(face, barycentric, correctives))
    true = np.einsum("nk,nkx->nx", barycentric, poser.pose(state).vertices[body.body.faces[face]])
    error = np.linalg.norm(found - true, axis=1)
    assert np.median(error) < 1e-4
    assert error.max() < 5e-3
    assert np.percentile(error, 95) < 1e-3


def test_joints_are_the_live_bodys():
    body, pose = flexible(), random_pose(7)
    state = body.state(pose)
    joints = BodyPoser(body.body, state.betas).joint_transforms(state)[1]
    np.testing.assert_allclose(body.place(body.frames(pose), body.joint_points()), joints, atol=1e-5)


@settings(max_examples=8)
@given(st.integers(0, 10**6))
def test_the_jacobian_is_the_derivative(seed):
    body, pose = flexible(), random_pose(seed)
    points = body.surface_points(*random_places(seed, 20))
    J = body.jacobian(body.frames(pose), points)
    step = np.random.default_rng(seed).normal(size=body.num_columns)
    h = 1e-5
    ahead = body.place(body.frames(body.moved(pose, h * step)), points)
    behind = body.place(body.frames(body.moved(pose, -h * step)), points)
    np.testing.assert_allclose(J @ step, (ahead - behind) / (2 * h), atol=2e-6)


@pytest.mark.parametrize(("seed", "directions"), [(0, 1), (1, 2), (2, 3)])
def test_the_jacobian_along_directions_is_the_plain_one(seed, directions):
    body, pose = flexible(), random_pose(seed)
    frames, points = body.frames(pose), body.surface_points(*random_places(seed, 60))
    across = np.random.default_rng(seed).normal(size=(60, directions, 3))
    found, plain = body.jacobian_along(frames, points, across), across @ body.jacobian(frames, points)
    np.testing.assert_allclose(found, plain, atol=1e-11)
    assert np.abs(plain[:, :, body.first_coefficient :]).max() > 1e-3


def test_joints_that_do_not_move_have_no_columns():
    body = flexible()
    assert body.first_coefficient == 3 + 3 * MOVING.sum()
    pose = random_pose(1)
    moved = body.moved(pose, np.ones(body.num_columns))
    np.testing.assert_array_equal(moved.rotations[~MOVING], pose.rotations[~MOVING])
    assert (np.abs(moved.rotations[MOVING] - pose.rotations[MOVING]).max(axis=(1, 2)) > 0.1).all()
