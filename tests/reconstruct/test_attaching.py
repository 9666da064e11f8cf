"""Attaching points to the body: geometry of triangles, and riding on what moves alike rather than on what is near."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.avatar.body import JOINT_NAMES, BodyModel, load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.reconstruct.attaching import attach, nearest_on_triangle

coordinates = st.floats(-2, 2, width=32)
points3 = st.tuples(coordinates, coordinates, coordinates).map(lambda p: np.array(p, np.float32))


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body("neutral")


@settings(max_examples=200)
@given(p=points3, a=points3, b=points3, c=points3)
def test_no_other_point_of_the_triangle_is_nearer(p, a, b, c) -> None:
    u, v, w = nearest_on_triangle(p, a, b, c)
    assert u + v + w == pytest.approx(1, abs=1e-5)
    assert min(u, v, w) >= -1e-6
    grid = np.array([(i, j, 20 - i - j) for i in range(21) for j in range(21 - i)]) / 20
    others = np.linalg.norm(grid @ np.stack([a, b, c]) - p, axis=1)
    assert np.linalg.norm(u * a + v * b + w * c - p) <= others.min() + 1e-3


def probes_of(body: BodyModel) -> list[BodyState]:
    rest = BodyState.rest(0, body.num_expression)
    states = [rest]
    for seed in range(3):
        rng = np.random.default_rng(seed)
        pose = np.zeros((55, 3))
        for name in ("left_shoulder", "right_shoulder", "left_elbow", "left_index1", "left_middle1", "head", "jaw"):
            pose[JOINT_NAMES.index(name)] = rng.normal(scale=0.4, size=3)
        states.append(rest.with_full_pose(pose))
    return states


def test_points_of_the_body_ride_on_themselves(body: BodyModel) -> None:
    rng = np.random.default_rng(0)
    faces = rng.integers(0, len(body.faces), 300)
    b = rng.dirichlet([2.0, 2.0, 2.0], 300)
    corners = body.faces[faces]
    poser, probes = BodyPoser(body, np.zeros(0)), probes_of(body)

    def on_surface(values: np.ndarray) -> np.ndarray:
        return np.einsum("nk,nkc->nc", b, values[corners])

    truth = np.stack([on_surface(poser.pose(state).vertices) for state in probes])
    found = attach(body, np.zeros(0), on_surface(body.v_template), on_surface(body.weights), probes, truth)
    assert np.quantile(found.error, 0.99) < 1e-4
    here = np.einsum("nk,nkc->nc", found.barycentric, body.v_template[body.faces[found.face_index]])
    assert np.quantile(np.linalg.norm(here - on_surface(body.v_template), axis=1), 0.99) < 1e-4


def test_what_turns_with_the_hand_rides_on_the_hand_though_the_forearm_is_nearer(body: BodyModel) -> None:
    """A cuff that sticks out from the wrist over the forearm, but moves rigidly with the hand."""
    wrist, elbow = JOINT_NAMES.index("left_wrist"), JOINT_NAMES.index("left_elbow")
    poser = BodyPoser(body, np.zeros(0))
    rest = BodyState.rest(0, body.num_expression)
    joints = poser.rest_joints
    point = 0.7 * joints[wrist] + 0.3 * joints[elbow] + np.array([0.0, 0.05, 0.0])
    probes = [rest]
    for axis in np.eye(3):
        pose = np.zeros((55, 3))
        pose[wrist] = 0.6 * axis
        probes.append(rest.with_full_pose(pose))
    truth = []
    for state in probes:
        T = poser.pose(state).T_posed_from_rest[wrist]
        truth.append((T[:, :3] @ point + T[:, 3])[None])
    weights = np.zeros((1, 55), np.float32)
    weights[0, wrist] = 1
    found = attach(body, np.zeros(0), point[None], weights, probes, np.stack(truth))
    hand = body.weights[body.faces[found.face_index[0]]][:, [wrist, *range(25, 40)]].sum(axis=1)
    assert hand.mean() > 0.9
    assert found.error[0] < 0.01
    turn = Rotation.from_rotvec([0.6, 0, 0]).apply(point - joints[wrist]) + joints[wrist] - truth[1][0]
    assert np.linalg.norm(turn) < 1e-4
