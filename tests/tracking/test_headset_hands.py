"""Tracked hand joints become the body's finger rotations, whoever's hands they are."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.avatar.headset_pose import HAND_JOINTS, HeadsetPose
from inperson.avatar.state import Source
from inperson.tracking.headset_hands import XR_JOINT, matrix_from_quat, rest_hand, retarget_fingers, usable
from inperson.tracking.headset_skeleton import WearerSkeleton
from tests.tracking import headset_cases as cases
from tests.tracking.headset_cases import FRAME_NS, JOINT

SIDES = ("left", "right")


def with_hands(seed: int, strength: float = 1.0):
    """A standing body with random fingers (all kinds of rotations, not only flexion) and wrists."""
    rng = np.random.default_rng(seed)
    state = cases.standing()
    pose = state.full_pose.copy()
    for side, sign in (("left", 1.0), ("right", -1.0)):
        first = JOINT[f"{side}_index1"]
        pose[first : first + 15] = rng.normal(0.0, 0.15, (15, 3))
        pose[first : first + 12, 2] -= sign * rng.uniform(0.0, 1.3 * strength, 12)
        pose[JOINT[f"{side}_elbow"]] = 0.0, -sign * 1.3, 0.0
        pose[JOINT[f"{side}_wrist"]] = rng.normal(0.0, 0.3, 3)
    return cases.hung(state.with_full_pose(pose), cases.view()[:3, 3])


def finger_errors(state, expected, side: str) -> np.ndarray:
    """Degrees between the 15 local rotations of two states."""
    a, b = (Rotation.from_rotvec(getattr(s, f"{side}_hand_pose")) for s in (state, expected))
    return np.rad2deg((a.inv() * b).magnitude())


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.8, 1.0, 1.3]))
def test_a_known_hand_comes_back(seed, size):
    """Pose to XR joints to pose, with hands of other sizes. The wrist is met where the headset has it."""
    known = with_hands(seed)
    pose = replace(
        cases.reported(known, hands=False),
        **{f"{side}_hand": cases.xr_hand(known, left=side == "left", size=size) for side in SIDES},
    )
    state = cases.fusion().fuse(None, pose)
    G, P = cases.joints_of(state)
    G_known, P_known = cases.joints_of(known)
    for side in SIDES:
        assert finger_errors(state, known, side).max() < 0.5
        wrist = JOINT[f"{side}_wrist"]
        assert np.linalg.norm(P[wrist] - P_known[wrist]) < 2e-3
        assert cases.angle_between(G[wrist], G_known[wrist]) < 0.1


def test_bones_of_another_hand_point_the_same_way():
    """Fingers of other proportions: what counts is the joints' frames, so bones stay parallel to the wearer's."""
    known = with_hands(5)
    hand = cases.xr_hand(known, left=True, size=1.4)
    state = cases.fusion().fuse(None, replace(cases.reported(known), left_hand=hand))
    _, P = cases.joints_of(state)
    for finger, xr in (("index", "index"), ("pinky", "little"), ("ring", "ring"), ("middle", "middle")):
        bone = P[JOINT[f"left_{finger}2"]] - P[JOINT[f"left_{finger}1"]]
        tracked = (
            hand.positions[HAND_JOINTS.index(f"{xr}_intermediate")]
            - hand.positions[HAND_JOINTS.index(f"{xr}_proximal")]
        )
        cosine = bone @ tracked / np.linalg.norm(bone) / np.linalg.norm(tracked)
        assert np.rad2deg(np.arccos(min(cosine, 1.0))) < 1.0


@pytest.mark.parametrize("side", SIDES)
def test_joints_without_data_keep_their_pose_and_harm_no_others(side):
    known = with_hands(7)
    machine = cases.fusion()
    machine.fuse(None, cases.reported(known))
    later = with_hands(8)
    pose = cases.reported(later, FRAME_NS * 90)
    hand = getattr(pose, f"{side}_hand")
    lost = [HAND_JOINTS.index(name) for name in ("middle_intermediate", "ring_distal", "thumb_metacarpal", "palm")]
    valid = hand.valid.copy()
    valid[lost] = False
    quats = hand.quats_xyzw.copy()
    quats[lost] = np.nan
    pose = replace(pose, **{f"{side}_hand": replace(hand, valid=valid, quats_xyzw=quats)})
    state = cases.settled(machine, pose)
    errors = finger_errors(state, later, side)
    held = [k for k in range(15) if XR_JOINT[k] in lost]
    assert len(held) == 3
    children = [k + 1 for k in held if k % 3 < 2]  # stay where the world has them, so their local rotation differs
    others = [k for k in range(15) if k not in held and k not in children]
    assert errors[others].max() < 0.5
    assert finger_errors(state, known, side)[held].max() < 0.5
    assert state.confidence[1 if side == "left" else 2] == pytest.approx(12 / 15)


def test_numbers_that_are_none_are_not_believed():
    hand = cases.xr_hand(cases.standing(), left=True)
    quats, positions = hand.quats_xyzw.copy(), hand.positions.copy()
    quats[3], quats[4], positions[5] = 0.0, np.nan, np.inf
    believed = usable(replace(hand, quats_xyzw=quats, positions=positions))
    assert not believed[3:6].any()
    assert believed.sum() == 23


def test_a_palm_stands_in_for_a_lost_wrist():
    known = with_hands(11)
    hand = cases.xr_hand(known, left=True)
    valid = hand.valid.copy()
    valid[HAND_JOINTS.index("wrist")] = False
    state = cases.fusion().fuse(None, replace(cases.reported(known), left_hand=replace(hand, valid=valid)))
    wrist = JOINT["left_wrist"]
    assert np.linalg.norm(cases.joints_of(state)[1][wrist] - cases.joints_of(known)[1][wrist]) < 0.01
    assert finger_errors(state, known, "left").max() < 0.5


def test_a_hand_without_wrist_and_palm_is_not_used():
    hand = cases.xr_hand(cases.standing(), left=True)
    valid = hand.valid.copy()
    valid[:2] = False
    pose = HeadsetPose(0, cases.view(), left_hand=replace(hand, valid=valid))
    state = cases.fusion().fuse(None, pose)
    assert state.source[1] == Source.HELD
    assert state.confidence[1] == 0.0


def test_a_controller_closes_the_hand_and_says_it_does_not_see_the_fingers():
    pose = HeadsetPose(0, cases.view(), T_play_from_left_grip=cases.rigid((-0.2, 1.1, -0.3)))
    state = cases.fusion().fuse(None, pose)
    assert (state.left_hand_pose[:12, 2] < -0.3).all()  # left fingers close about -z
    assert state.source[1] == Source.HEADSET
    assert 0.0 < state.confidence[1] < 1.0


@pytest.mark.parametrize("left", [True, False])
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_retargeting_against_a_plain_reference(left, seed):
    rng = np.random.default_rng(seed)
    skeleton = WearerSkeleton.of(cases.body(), np.zeros(0))
    frames = rest_hand(cases.body(), np.zeros(0), skeleton, left=left).frames
    quats = rng.normal(size=(26, 4)).astype(np.float32)
    valid = rng.uniform(size=26) < 0.8
    wrist = Rotation.from_rotvec(rng.normal(size=3))
    held = Rotation.from_rotvec(rng.normal(size=(15, 3)))
    found = retarget_fingers(quats, valid, wrist.as_matrix(), frames, held.as_matrix())
    for finger in range(5):
        parent = wrist
        for joint in range(3 * finger, 3 * finger + 3):
            if valid[XR_JOINT[joint]]:
                turned = Rotation.from_quat(quats[XR_JOINT[joint]]) * Rotation.from_matrix(frames[joint]).inv()
                expected, parent = parent.inv() * turned, turned
            else:
                expected, parent = held[joint], parent * held[joint]
            np.testing.assert_allclose(found[joint], expected.as_matrix(), atol=1e-6)


def test_quaternions_become_matrices():
    quats = np.random.default_rng(1).normal(size=(20, 4))
    for quat in quats:
        np.testing.assert_allclose(matrix_from_quat(quat), Rotation.from_quat(quat).as_matrix(), atol=1e-12)
