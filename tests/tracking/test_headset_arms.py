"""Arms reach where the headset has the wrists, bend as arms do, and never jump."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.avatar.headset_pose import HeadsetPose
from inperson.tracking.headset_arms import natural_pole, solve_arm
from inperson.tracking.headset_frames import twist_about
from inperson.tracking.headset_two_bone import two_bones
from tests.tracking import headset_cases as cases
from tests.tracking.headset_cases import FRAME_NS, JOINT

UPPER, LOWER = np.array([0.28, 0.0, 0.01]), np.array([0.27, 0.0, 0.005])
REACH = float(np.linalg.norm(UPPER) + np.linalg.norm(LOWER))
HINGE = np.array([0.0, -1.0, 0.0])
directions = st.tuples(*[st.floats(-1.0, 1.0)] * 3).filter(lambda d: np.linalg.norm(d) > 0.05)
turns = st.tuples(*[st.floats(-3.0, 3.0)] * 3)


def unit(v) -> np.ndarray:
    return np.asarray(v, float) / np.linalg.norm(v)


@settings(max_examples=200)
@given(directions, st.floats(0.02, 0.9999), directions, st.floats(-0.5, 0.5))
def test_two_bones_meet_every_reachable_target(direction, share, pole, height):
    origin, target = np.array([0.1, height, 0.0]), share * REACH * unit(direction)
    first, second = two_bones(origin, origin + target, UPPER, LOWER, HINGE, unit(pole))
    np.testing.assert_allclose(first @ UPPER + second @ LOWER, target, atol=1e-6 + 2e-3 * (share < 0.05))
    for R in (first, second):
        np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-9)
    line, elbow = unit(target), first @ UPPER
    aside = pole - line * (line @ np.asarray(pole))
    if np.linalg.norm(aside) > 0.1:
        assert (elbow - line * (line @ elbow)) @ aside >= -1e-9
    bend = Rotation.from_matrix(first.T @ second).as_rotvec()
    assert np.linalg.norm(np.cross(bend, HINGE)) < 0.1  # the bones' own slant out of the hinge's plane
    assert share < 0.1 or bend @ HINGE > -0.05  # folded, half a turn either way


@settings(max_examples=100)
@given(directions, st.floats(1.0, 50.0), directions)
def test_two_bones_stretch_straight_towards_what_is_out_of_reach(direction, share, pole):
    target = share * REACH * unit(direction)
    first, second = two_bones(np.zeros(3), target, UPPER, LOWER, HINGE, unit(pole))
    np.testing.assert_allclose(first @ UPPER + second @ LOWER, REACH * unit(direction), atol=1e-6)


@pytest.mark.parametrize("target", [(0.0, 0.0, 0.0), (1e-12, 0.0, 0.0), (0.0, -1e-7, 0.0)])
def test_two_bones_of_a_target_at_their_origin_are_finite(target):
    for R in two_bones(np.zeros(3), np.array(target), UPPER, LOWER, HINGE, np.array([0.0, 1.0, 0.0])):
        assert np.isfinite(R).all()
        np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-9)


@settings(max_examples=200)
@given(directions, st.floats(0.05, 1.5), turns, st.sampled_from([1.0, -1.0]), st.floats(-3.0, 3.0))
def test_an_arm_meets_its_wrist_and_splits_the_twist(direction, share, turn, side, swivel):
    shoulder, wrist = np.array([0.2 * side, 0.0, 0.0]), np.array([0.2 * side, 0.0, 0.0])
    wrist = wrist + share * REACH * unit(direction)
    upper, lower = UPPER * [side, 1, 1], LOWER * [side, 1, 1]
    goal = Rotation.from_rotvec(turn).as_matrix()
    first, fore, hand = solve_arm(shoulder, wrist, goal, upper, lower, side, swivel)
    assert np.isfinite(first).all()
    assert np.isfinite(fore).all()
    np.testing.assert_array_equal(hand, goal)
    reached = shoulder + first @ upper + fore @ lower
    if share < 1.0:
        assert np.linalg.norm(reached - wrist) < 2e-3
    else:
        np.testing.assert_allclose(unit(reached - shoulder), unit(direction), atol=1e-6)


def test_twist_is_the_turn_about_the_bone():
    rng = np.random.default_rng(0)
    for _ in range(50):
        axis, angle = unit(rng.normal(size=3)), rng.uniform(-3.1, 3.1)
        across = np.cross(axis, rng.normal(size=3))
        swing = Rotation.from_rotvec(rng.uniform(0.0, 2.5) * unit(across))
        R = swing * Rotation.from_rotvec(angle * axis)
        assert twist_about(R.as_matrix(), axis) == pytest.approx(angle, abs=1e-9)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_elbows_are_where_elbows_are(side):
    ahead = natural_pole(np.array([0.0, -0.3, 0.95]) / np.hypot(0.3, 0.95), 0.7, side)
    assert ahead[1] < -0.6  # below,
    assert side * ahead[0] > 0.2  # and a little outside, of a hand ahead
    hanging = natural_pole(unit([0.05 * side, -1.0, 0.05]), 0.97, side)
    assert hanging[2] < -0.7  # behind a hanging arm
    above = natural_pole(unit([0.1 * side, 1.0, 0.1]), 0.95, side)
    assert above[2] > 0.5  # ahead of a raised one


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_a_small_motion_of_the_hand_moves_the_elbow_a_little(seed):
    """Sweeps where hands go (not straight behind the back) with the hand turning; no elbow pops."""
    rng = np.random.default_rng(seed)
    start, end = (sector(rng) for _ in range(2))
    turn = Rotation.from_rotvec(rng.normal(0.0, 0.6, 3))
    spin = Rotation.from_rotvec(rng.normal(0.0, 1.0, 3))
    shoulder, shares = np.array([0.2, 0.0, 0.0]), np.linspace(0.0, 1.0, 300)
    path = []
    for share in shares:
        wrist = shoulder + (1 - share) * start + share * end
        hand = (Rotation.from_rotvec(share * spin.as_rotvec()) * turn).as_matrix()
        first, fore, _ = solve_arm(shoulder, wrist, hand, UPPER, LOWER, 1.0, 0.0)
        path.append(np.concatenate([first @ UPPER, (fore @ [[0.0], [0.0], [0.1]])[:, 0]]))
    assert np.abs(np.diff(path, axis=0)).max() < 0.02


def sector(rng) -> np.ndarray:
    """A wrist in front of, beside, above or below the left shoulder, well within reach."""
    direction = unit([rng.uniform(-0.6, 1.0), rng.uniform(-1.0, 0.9), rng.uniform(0.2, 1.0)])
    return rng.uniform(0.45, 0.9) * REACH * direction


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_fused_wrists_are_where_the_headset_has_them(seed):
    rng = np.random.default_rng(seed)
    machine = cases.fusion()
    hands, wished = {}, {}
    shoulders = cases.joints_of(cases.standing())[1]
    for side, sign in (("left", -1.0), ("right", 1.0)):  # facing -z, the left hand is at negative x
        direction = unit([sign * rng.uniform(-0.3, 1.0), rng.uniform(-1.0, 0.8), -rng.uniform(0.2, 1.0)])
        position = shoulders[JOINT[f"{side}_shoulder"]] + rng.uniform(0.4, 0.85) * 0.5 * direction
        rotation = Rotation.from_rotvec(rng.normal(0.0, 0.7, 3))
        hands[f"{side}_hand"] = cases.wrist_only(position, rotation)
        wished[side] = position, rotation.as_matrix() @ rest_wrist(side).T
    state = machine.fuse(None, HeadsetPose(0, cases.view(), **hands))
    G, P = cases.joints_of(state)
    for side, (position, rotation) in wished.items():
        assert np.linalg.norm(P[JOINT[f"{side}_wrist"]] - position) < 2e-3
        assert cases.angle_between(G[JOINT[f"{side}_wrist"]], rotation) < 0.1


def rest_wrist(side: str) -> np.ndarray:
    rest = cases.poser().rest_joints.astype(float)
    return cases.xr_frame(rest[JOINT[f"{side}_middle1"]] - rest[JOINT[f"{side}_wrist"]], np.array([0.0, 1.0, 0.0]))


def test_the_elbow_goes_where_the_webcam_sees_it():
    """The same wrists with the elbows raised: the webcam's elbows win over natural ones."""
    raised = cases.standing()
    pose = raised.full_pose.copy()
    pose[JOINT["left_shoulder"]] = Rotation.from_euler("xyz", [90, 0, -10], degrees=True).as_rotvec()
    pose[JOINT["left_elbow"]] = 0.0, -1.6, 0.0
    raised = cases.hung(raised.with_full_pose(pose), cases.view()[:3, 3])
    wrist = cases.reported(raised)
    elbow = cases.joints_of(raised)[1][JOINT["left_elbow"]]
    alone = cases.settled(cases.fusion(), wrist)
    seen = cases.settled(cases.fusion(), wrist, camera=raised)
    away_alone, away_seen = (
        np.linalg.norm(cases.joints_of(state)[1][JOINT["left_elbow"]] - elbow) for state in (alone, seen)
    )
    assert away_alone > 0.10
    assert away_seen < 0.04


def test_arms_the_headset_does_not_know_are_the_webcams():
    camera = cases.standing()
    pose = camera.full_pose.copy()
    rng = np.random.default_rng(3)
    arm = [JOINT[f"left_{part}"] for part in ("collar", "shoulder", "elbow", "wrist")]
    pose[arm] += rng.normal(0.0, 0.3, (4, 3)).astype(np.float32)
    camera = camera.with_full_pose(pose)
    state = cases.fusion().fuse(camera, replace(cases.reported(camera), left_hand=None))
    np.testing.assert_allclose(state.full_pose[arm], pose[arm], atol=1e-5)


def test_a_hand_out_of_reach_is_pointed_at():
    far = cases.wrist_only((-0.3, 1.3, -3.0), Rotation.identity())
    state = cases.fusion().fuse(None, HeadsetPose(0, cases.view(), left_hand=far))
    _, P = cases.joints_of(state)
    shoulder, elbow, wrist = (P[JOINT[f"left_{part}"]] for part in ("shoulder", "elbow", "wrist"))
    line = unit(np.array([-0.3, 1.3, -3.0]) - shoulder)
    np.testing.assert_allclose(unit(elbow - shoulder), line, atol=1e-3)
    np.testing.assert_allclose(unit(wrist - elbow), line, atol=1e-3)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_controller_is_in_the_middle_of_the_closed_hand(side):
    """By OpenXR's grip: the origin in the palm's hollow, -z out at the thumb, x across the palm to the right."""
    grip = cases.rigid((0.25 if side == "right" else -0.25, 1.1, -0.3), Rotation.from_euler("x", 45, degrees=True))
    pose = HeadsetPose(0, cases.view(), **{f"T_play_from_{side}_grip": grip})
    state = cases.fusion().fuse(None, pose)
    G, P = cases.joints_of(state)
    knuckle, thumb, little = (P[JOINT[f"{side}_{name}"]] for name in ("middle1", "thumb2", "pinky1"))
    in_grip = np.linalg.inv(grip)
    assert np.linalg.norm(P[JOINT[f"{side}_middle1"]] - grip[:3, 3]) < 0.06
    assert (in_grip[:3, :3] @ (thumb - little))[2] < -0.02
    out_of_palm = -G[JOINT[f"{side}_wrist"]][:, 1]
    across = in_grip[:3, :3] @ out_of_palm
    assert across[0] * (1.0 if side == "left" else -1.0) > 0.95
    tips = P[[JOINT[f"{side}_{finger}3"] for finger in ("middle", "ring", "pinky")]]
    assert np.linalg.norm(tips - grip[:3, 3], axis=1).max() < 0.07
    assert np.linalg.norm(tips - knuckle, axis=1).max() < 0.07


def test_a_slow_hand_has_no_jumping_elbow_in_a_session():
    machine, elbows = cases.fusion(), []
    for k in range(200):
        phase = 2 * np.pi * k / 200
        position = (-0.25 - 0.2 * np.sin(phase), 1.2 + 0.25 * np.cos(phase), -0.3 + 0.1 * np.sin(2 * phase))
        hand = cases.wrist_only(position, Rotation.from_euler("xyz", [phase * 0.3, 0.5 * np.sin(phase), 0.0]))
        state = machine.fuse(None, HeadsetPose(k * FRAME_NS, cases.view(), left_hand=hand))
        elbows.append(cases.joints_of(state)[1][JOINT["left_elbow"]])
    assert np.linalg.norm(np.diff(elbows, axis=0), axis=1).max() < 0.03


@pytest.mark.parametrize("pitch", [-50, -20, 0])
def test_arms_of_which_nothing_is_known_hang_down_however_the_trunk_leans(pitch):
    machine = cases.fusion()
    cases.settled(machine, HeadsetPose(0, cases.view()))
    T = cases.view(y=cases.eye_height() - 0.3, z=-0.4, pitch=pitch)
    state = cases.settled(machine, HeadsetPose(1_500_000_000, T))
    G, P = cases.joints_of(state)
    assert G[JOINT["spine3"]][1, 1] < 0.9  # it leans
    for side in ("left", "right"):
        arm = unit(P[JOINT[f"{side}_elbow"]] - P[JOINT[f"{side}_shoulder"]])
        assert arm[1] < -0.9
