"""The body as Unity's humanoid: which bone is which, the T-pose, and the same joints either way."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.spatial.transform import Rotation

from inperson.app.outputs.humanoid import BONES, JOINT_OF_BONE, PELVIS, Humanoid
from inperson.app.outputs.shown import Shown, ShownPoses
from inperson.avatar.body import JOINT_NAMES, load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.tracking.fit.so3 import log_all
from tests.app.outputs.hearing import JOINT, standing, states, turned

UNITY = (
    *("Hips", "LeftUpperLeg", "RightUpperLeg", "LeftLowerLeg", "RightLowerLeg", "LeftFoot", "RightFoot", "Spine"),
    *("Chest", "Neck", "Head", "LeftShoulder", "RightShoulder", "LeftUpperArm", "RightUpperArm", "LeftLowerArm"),
    *("RightLowerArm", "LeftHand", "RightHand", "LeftToes", "RightToes", "LeftEye", "RightEye", "Jaw"),
    *(
        f"{side}{finger}{bone}"
        for side in ("Left", "Right")
        for finger in ("Thumb", "Index", "Middle", "Ring", "Little")
        for bone in ("Proximal", "Intermediate", "Distal")
    ),
    "UpperChest",
)
"""UnityEngine.HumanBodyBones without its end mark, in Unity's order."""


@pytest.fixture(scope="module")
def humanoid() -> Humanoid:
    return Humanoid(load_body())


def test_every_bone_is_a_joint_and_every_joint_a_bone() -> None:
    assert sorted(BONES) == sorted(UNITY)
    assert sorted(JOINT_OF_BONE.values()) == sorted(JOINT_NAMES)
    for bone, joint in (("Hips", "pelvis"), ("LeftLittleDistal", "left_pinky3"), ("RightUpperArm", "right_shoulder")):
        assert BONES[JOINT[joint]] == bone


def test_no_rotation_is_vrms_t_pose(humanoid: Humanoid) -> None:
    still = np.tile(np.eye(3), (55, 1, 1))
    state = standing().with_full_pose(log_all(humanoid.joint_rotations(still)))
    _, joints, _ = BodyPoser(load_body(), state.betas).joint_transforms(state)
    for side, x in (("left", 1.0), ("right", -1.0)):
        for begin, end, along in (
            ("shoulder", "elbow", (x, 0, 0)),
            ("elbow", "wrist", (x, 0, 0)),
            ("wrist", "middle1", (x, 0, 0)),
            ("index1", "index2", (x, 0, 0)),
            ("pinky2", "pinky3", (x, 0, 0)),
            ("thumb1", "thumb2", (x / np.sqrt(2), 0, 1 / np.sqrt(2))),
            ("thumb2", "thumb3", (x / np.sqrt(2), 0, 1 / np.sqrt(2))),
        ):
            bone = joints[JOINT[f"{side}_{end}"]] - joints[JOINT[f"{side}_{begin}"]]
            np.testing.assert_allclose(bone / np.linalg.norm(bone), along, atol=1e-5)
    rest = BodyPoser(load_body(), state.betas).rest_joints
    trunk_and_legs = [k for k in range(24) if not any(word in JOINT_NAMES[k] for word in ("elbow", "wrist"))]
    np.testing.assert_allclose(joints[trunk_and_legs], rest[trunk_and_legs], atol=1e-6)


@given(states())
@settings(max_examples=30)
def test_a_model_of_the_same_size_has_its_joints_where_the_body_has(state: BodyState) -> None:
    """The T-pose's skeleton, turned bone by bone as another program would, ends at the body's own joints."""
    body = load_body()
    humanoid = Humanoid(body)
    pose = humanoid.pose(state)
    places, turns = np.zeros((55, 3)), np.zeros((55, 3, 3))
    for joint, parent in enumerate(body.parents):
        if parent < 0:
            places[joint], turns[joint] = pose.joints[PELVIS], pose.local[joint]
        else:
            places[joint] = places[parent] + turns[parent] @ pose.offsets[joint]
            turns[joint] = turns[parent] @ pose.local[joint]
    bare = replace(state, expression=state.expression[:0])
    _, joints, _ = BodyPoser(body, state.betas).joint_transforms(bare)
    np.testing.assert_allclose(places, joints, atol=1e-5)
    np.testing.assert_allclose(turns, pose.world, atol=1e-9)
    expected = Rotation.from_rotvec(state.full_pose).as_matrix()
    np.testing.assert_allclose(humanoid.joint_rotations(pose.local), expected, atol=1e-6)


def test_somebody_before_a_webcam_stands_on_the_floor_at_the_origin() -> None:
    body = load_body()
    poses = ShownPoses(body)
    state = standing(transl=np.array([0.3, 0.1, -1.4], np.float32))
    pose, origin = poses(Shown(state))
    soles = BodyPoser(body, state.betas).pose(state).vertices[:, 1].min()
    np.testing.assert_allclose(origin, [pose.joints[PELVIS, 0], soles, pose.joints[PELVIS, 2]], atol=0.01)
    for _ in range(100):
        poses(Shown(state))
    moved = replace(state, transl=state.transl + np.float32([1.0, 0.0, 0.0]))
    np.testing.assert_array_equal(poses(Shown(moved))[1], poses(Shown(state))[1])  # the place has settled
    np.testing.assert_array_equal(poses(Shown(moved, in_play_space=True))[1], 0.0)  # a play space has a floor
    np.testing.assert_allclose(poses(Shown(moved))[1][0], pose.joints[PELVIS, 0] + 1.0, atol=1e-6)  # settled anew


def test_the_height_is_the_bodys(humanoid: Humanoid) -> None:
    body = load_body()
    for betas in (np.zeros(0), np.array([2.0, -1.0]), np.array([-2.0, 1.0])):
        vertices = body.shaped(betas)
        assert humanoid.height(betas) == pytest.approx(np.ptp(vertices[:, 1]), abs=0.02)


def test_a_raised_knee_does_not_lift_the_floor(humanoid: Humanoid) -> None:
    """The lowest sole carries."""
    poses = ShownPoses(load_body())
    raised = turned(standing(), left_hip=(-1.2, 0, 0), left_knee=(1.2, 0, 0))
    assert poses(Shown(raised))[1][1] == pytest.approx(ShownPoses(load_body())(Shown(standing()))[1][1], abs=1e-6)
