"""Inverse kinematics: hands go where they are told."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.avatar.skinning import BodyPoser
from inperson.synthetic.arm_ik import HandGoal, reach
from tests.synthetic.people import undressed

PERSON = undressed()
JOINTS = PERSON.poser.rest_joints
SHOULDERS = 0.5 * (JOINTS[16] + JOINTS[17])
UNIT = st.floats(-1.0, 1.0)


def direction(x: float, y: float, z: float) -> np.ndarray:
    v = np.array([x, y, z]) + 1e-3
    return v / np.linalg.norm(v)


@settings(max_examples=60)
@given(
    x=st.floats(0.0, 0.4),
    y=st.floats(-0.35, 0.2),
    z=st.floats(0.15, 0.4),
    fx=UNIT,
    fy=UNIT,
    fz=UNIT,
    px=UNIT,
    py=UNIT,
)
def test_wrist_and_hand_meet_the_goal(x, y, z, fx, fy, fz, px, py) -> None:
    fingers = direction(fx, fy, fz)
    palm = np.cross(fingers, direction(px, py, 0.7))
    if np.linalg.norm(palm) < 0.1:
        return
    palm /= np.linalg.norm(palm)
    goal = HandGoal(np.array([x, y, z]), fingers, palm, np.array([0.5, -1.0, -0.3]))
    mirror = np.array([-1.0, 1.0, 1.0])
    other = HandGoal(goal.position * mirror, fingers * mirror, palm * mirror, goal.elbow * mirror)
    state = reach(PERSON.rest(), JOINTS, goal, other)
    transforms, joints, _ = BodyPoser(PERSON.body, PERSON.betas).joint_transforms(state)
    for wrist, sign, g in ((20, 1.0, goal), (21, -1.0, other)):
        reachable = np.linalg.norm(g.position - (JOINTS[wrist - 4] - SHOULDERS)) < 0.95 * (
            np.linalg.norm(JOINTS[wrist - 2] - JOINTS[wrist - 4]) + np.linalg.norm(JOINTS[wrist] - JOINTS[wrist - 2])
        )
        if reachable:
            np.testing.assert_allclose(joints[wrist] - SHOULDERS, g.position, atol=2e-3)
        R = transforms[wrist, :, :3]
        np.testing.assert_allclose(R @ np.array([sign, 0.0, 0.0]), g.fingers, atol=1e-3)
        np.testing.assert_allclose(R @ np.array([0.0, -1.0, 0.0]), g.palm, atol=1e-3)
    np.testing.assert_allclose(joints[21] * mirror, joints[20], atol=6e-3)


def test_elbows_bend_only_forward() -> None:
    goal = HandGoal(
        np.array([0.2, -0.2, 0.3]), np.array([0, 1.0, 0]), np.array([0, 0, 1.0]), np.array([0.5, -1, -0.3])
    )
    state = reach(PERSON.rest(), JOINTS, goal, None)
    bend = Rotation.from_rotvec(state.body_pose[17]).apply([1.0, 0.0, 0.0])
    assert bend[2] > 0.3, "the forearm turns towards +z, about -y"
    assert (state.body_pose[18] == 0).all(), "the other arm stays"


def test_out_of_reach_is_approached_straight() -> None:
    goal = HandGoal(
        np.array([0.3, 0.0, 3.0]), np.array([0, 0, 1.0]), np.array([0, -1.0, 0]), np.array([0.5, -1, -0.3])
    )
    state = reach(PERSON.rest(), JOINTS, goal, None)
    _, joints, _ = BodyPoser(PERSON.body, PERSON.betas).joint_transforms(state)
    straight = np.linalg.norm(joints[20] - joints[16])
    full = np.linalg.norm(JOINTS[18] - JOINTS[16]) + np.linalg.norm(JOINTS[20] - JOINTS[18])
    assert straight == pytest.approx(full, rel=0.01)
    along = (joints[20] - joints[16]) / straight
    to_goal = goal.position - (JOINTS[16] - SHOULDERS)
    np.testing.assert_allclose(along, to_goal / np.linalg.norm(to_goal), atol=0.02)


def test_collars_are_respected() -> None:
    pose = PERSON.rest().body_pose.copy()
    pose[12] = (0.0, 0.0, 0.25)
    goal = HandGoal(
        np.array([0.25, 0.0, 0.3]), np.array([0, 1.0, 0]), np.array([0, 0, 1.0]), np.array([0.5, -1, -0.3])
    )
    state = reach(replace(PERSON.rest(), body_pose=pose), JOINTS, goal, None)
    _, joints, _ = BodyPoser(PERSON.body, PERSON.betas).joint_transforms(state)
    np.testing.assert_allclose(joints[20] - SHOULDERS, goal.position, atol=2e-3)
    np.testing.assert_array_equal(state.body_pose[12], pose[12])
