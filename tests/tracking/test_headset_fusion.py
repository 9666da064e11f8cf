"""The whole of fusion: sources part by part, changes without jumps, recentring, any step of time."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.dispatcher import Dispatcher
from scipy.spatial.transform import Rotation

from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.state import BodyState, Source
from inperson.tracking.headset_crossover import CROSSOVER_S, RotationCrossover, VectorCrossover
from inperson.tracking.play_calibration import PlayCalibration
from tests.tracking import headset_cases as cases
from tests.tracking.headset_cases import FRAME_NS, JOINT

ARRAYS = (
    *("global_orient", "transl", "body_pose", "left_hand_pose", "right_hand_pose"),
    *("jaw_pose", "leye_pose", "reye_pose", "expression", "confidence", "betas"),
)
SHOWN = [JOINT[name] for name in ("pelvis", "head", "left_elbow", "left_wrist", "left_index3", "right_wrist")]


def gesturing() -> BodyState:
    state = cases.standing()
    pose = state.full_pose.copy()
    pose[JOINT["left_shoulder"]] = Rotation.from_euler("xyz", [0, -60, -40], degrees=True).as_rotvec()
    pose[JOINT["left_elbow"]] = 0.0, -1.2, 0.0
    pose[25:37, 2] = -0.5
    return cases.hung(state.with_full_pose(pose), cases.view()[:3, 3])


def assert_finite(state: BodyState) -> None:
    for name in ARRAYS:
        array = getattr(state, name)
        assert array.dtype == np.float32, name
        assert np.isfinite(array).all(), name


def test_with_nothing_at_all_somebody_stands_where_the_play_space_begins():
    state = cases.fusion().fuse(None, HeadsetPose(5, None))
    assert_finite(state)
    assert state.time_ns == 5
    assert state.source == (Source.HELD,) * 5
    assert not state.confidence.any()
    np.testing.assert_allclose(cases.eyes_of(state), cases.view()[:3, 3], atol=1e-4)
    assert cases.joints_of(state)[0][0][2, 2] == pytest.approx(-1.0, abs=1e-3)  # faces -z


def test_each_part_says_where_it_comes_from():
    camera = replace(
        gesturing(), confidence=np.array([0.8, 0.7, 0.6, 0.9, 0.9], np.float32), source=(Source.CAMERA,) * 5
    )
    pose = replace(cases.reported(gesturing()), right_hand=None)
    state = cases.fusion().fuse(camera, pose)
    assert state.source == (Source.HEADSET, Source.HEADSET, Source.CAMERA, Source.CAMERA, Source.HELD)
    np.testing.assert_allclose(state.confidence, [1.0, 1.0, 0.6, 0.45, 0.0], atol=1e-6)


def test_a_webcam_that_went_away_is_forgotten():
    camera = replace(gesturing(), source=(Source.CAMERA,) * 5)
    machine = cases.fusion()
    pose = HeadsetPose(0, cases.view())
    assert machine.fuse(camera, pose).source[1] == Source.CAMERA
    camera = replace(camera, source=(Source.EXTERNAL,) * 5)
    assert machine.fuse(camera, pose).source[:2] == (Source.HEADSET, Source.EXTERNAL)
    later = machine.fuse(camera, replace(pose, time_ns=2_000_000_000))
    assert later.source[1:] == (Source.HELD,) * 4


PARTS_LOST = {
    "hand": lambda pose: replace(pose, left_hand=None),
    "both hands": lambda pose: replace(pose, left_hand=None, right_hand=None),
    "head": lambda pose: replace(pose, T_play_from_head=None),
    "everything": lambda pose: HeadsetPose(pose.time_ns, None),
    "hand to controller": lambda pose: replace(
        pose, left_hand=None, T_play_from_left_grip=cases.rigid((-0.3, 1.2, -0.3))
    ),
}


@pytest.mark.parametrize("lost", PARTS_LOST)
@pytest.mark.parametrize("webcam", [False, True])
def test_losing_and_regaining_a_part_never_jumps(lost, webcam):
    calibration = PlayCalibration(np.eye(4), cases.eye_height(), 0.02) if webcam else None
    machine = cases.fusion(calibration)
    camera = cases.standing() if webcam else None
    places = []
    for k in range(240):
        at = (k + 1) * FRAME_NS
        share = np.clip((k - 60) / 80, 0.0, 1.0)
        wearer = cases.hung(gesturing(), cases.view(x=0.15 * share, z=-0.1 * share)[:3, 3])
        pose = cases.reported(wearer, at)
        if 60 <= k < 140:
            pose = PARTS_LOST[lost](pose)
        seen = None if camera is None else replace(camera, time_ns=at)
        state = machine.fuse(seen, pose)
        assert_finite(state)
        places.append(cases.joints_of(state)[1][SHOWN])
    steps = np.diff(places, axis=0)
    # A hand may go a metre in a quarter of a second, but it picks up speed and loses it: no frame stands out.
    assert np.linalg.norm(np.diff(steps, axis=0), axis=2).max() < 0.025
    assert np.linalg.norm(steps, axis=2).max() < 0.09
    assert np.linalg.norm(steps, axis=2)[:, :2].max() < 0.025
    apart = np.linalg.norm(np.asarray(places[139]) - places[-1], axis=1)
    assert apart.max() > 0.05  # there was something to go back to
    regained, wished = cases.joints_of(state)[1], cases.joints_of(wearer)[1]
    for joint in ("head", "left_wrist", "right_wrist"):
        np.testing.assert_allclose(regained[JOINT[joint]], wished[JOINT[joint]], atol=0.02)


def test_losing_and_regaining_the_webcam_never_jumps():
    """It sees a bow, a raised knee and a raised arm that the head alone does not tell."""
    camera = cases.standing()
    pose = camera.full_pose.copy()
    pose[JOINT["left_hip"]], pose[JOINT["left_knee"]] = (-1.2, 0.0, 0.0), (1.3, 0.0, 0.0)
    pose[JOINT["right_shoulder"], 2], pose[JOINT["spine1"], 0] = 0.3, 0.3
    camera = camera.with_full_pose(pose)
    machine, shown = cases.fusion(), [*SHOWN, JOINT["left_knee"], JOINT["left_ankle"], JOINT["right_ankle"]]
    places = []
    for k in range(260):
        at = (k + 1) * FRAME_NS
        seen = replace(camera, time_ns=at) if k < 60 or k >= 130 else None
        places.append(cases.joints_of(machine.fuse(seen, HeadsetPose(at, cases.view())))[1][shown])
    steps = np.diff(places, axis=0)
    change = np.linalg.norm(np.diff(steps, axis=0), axis=2)
    assert change[:, :6].max() < 0.02
    assert change[:, 6:].max() < 0.05  # a knee that straightens is quick; a jump would be 0.4
    apart = np.linalg.norm(places[129] - places[-1], axis=1)
    assert (apart[[5, 6, 7]] > 0.2).all()  # arm, knee and foot went down, and up again
    np.testing.assert_allclose(places[-1], places[58], atol=0.03)


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from([-3, 0, 1, 5, 11, 30, 400, 10**4, 10**7]), min_size=2, max_size=12), st.integers(0, 99)
)
def test_any_step_of_time_and_any_loss_gives_finite_states(steps_ms, seed):
    rng = np.random.default_rng(seed)
    machine, now = cases.fusion(PlayCalibration(np.eye(4), 1.6, 0.02)), 0
    known = cases.reported(gesturing())
    for step in steps_ms:
        now += step * 1_000_000
        pose = replace(known, time_ns=now)
        for name in ("T_play_from_head", "left_hand", "right_hand"):
            if rng.uniform() < 0.3:
                pose = replace(pose, **{name: None})
        camera = replace(cases.standing(), time_ns=now) if rng.uniform() < 0.5 else None
        state = machine.fuse(camera, pose)
        assert_finite(state)
        assert state.time_ns == now


def test_the_same_inputs_give_the_same_states():
    first, second = cases.fusion(), cases.fusion()
    for k in range(20):
        pose = replace(cases.reported(gesturing()), time_ns=k * FRAME_NS)
        a, b = first.fuse(None, pose), second.fuse(None, pose)
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_recentring_moves_everything_and_changes_nothing_else():
    T = cases.rigid((0.4, 0.0, -0.7), Rotation.from_euler("y", 100, degrees=True))
    calibration = PlayCalibration(cases.rigid((0.0, 1.2, -1.0), Rotation.from_euler("y", np.pi)), 1.6, 0.02)
    stays, moves = cases.fusion(calibration), cases.fusion(calibration)
    known = cases.reported(gesturing())
    camera = cases.standing()
    for k in range(80):
        at = k * FRAME_NS
        seen = replace(camera, time_ns=at) if k % 40 < 30 else None
        pose = replace(known, time_ns=at)
        if 35 < k < 60:
            pose = replace(pose, left_hand=None, T_play_from_head=None)
        if k == 50:
            moves.recentred(T)
        expected = stays.fuse(seen, pose)
        found = moves.fuse(seen, pose if k < 50 else in_space(pose, T))
        G, P = cases.joints_of(expected)
        G_found, P_found = cases.joints_of(found)
        if k >= 50:
            G, P = T[:3, :3] @ G, P @ T[:3, :3].T + T[:3, 3]
        np.testing.assert_allclose(P_found, P, atol=2e-4)
        np.testing.assert_allclose(G_found, G, atol=2e-3)


def in_space(pose: HeadsetPose, T: np.ndarray) -> HeadsetPose:
    """The same pose in a recentred play space."""

    def hand(joints):
        if joints is None:
            return None
        turned = Rotation.from_matrix(T[:3, :3]) * Rotation.from_quat(joints.quats_xyzw)
        positions = joints.positions @ T[:3, :3].T + T[:3, 3]
        return replace(joints, positions=positions.astype(np.float32), quats_xyzw=turned.as_quat().astype(np.float32))

    head = None if pose.T_play_from_head is None else T @ pose.T_play_from_head
    return replace(pose, T_play_from_head=head, left_hand=hand(pose.left_hand), right_hand=hand(pose.right_hand))


def test_given_inputs_are_not_changed():
    camera, pose = gesturing(), cases.reported(gesturing())
    before = camera.full_pose.copy(), pose.left_hand.quats_xyzw.copy(), pose.T_play_from_head.copy()
    machine = cases.fusion()
    states = [machine.fuse(camera, replace(pose, time_ns=k * FRAME_NS)) for k in range(3)]
    kept = [state.full_pose.copy() for state in states]
    machine.fuse(None, HeadsetPose(10 * FRAME_NS, cases.view(yaw=40)))
    np.testing.assert_array_equal(camera.full_pose, before[0])
    np.testing.assert_array_equal(pose.left_hand.quats_xyzw, before[1])
    np.testing.assert_array_equal(pose.T_play_from_head, before[2])
    for state, full_pose in zip(states, kept, strict=True):
        np.testing.assert_array_equal(state.full_pose, full_pose)


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_rotations_cross_over_against_a_plain_reference(seed):
    """The offset at the change, on the right of the target, dies out with a smoothstep; rows are independent."""
    rng = np.random.default_rng(seed)
    crossover, count = RotationCrossover(3), 3
    shown, offset, since, last = [None] * 3, [Rotation.identity()] * 3, [0.0] * 3, [None] * 3
    for _ in range(12):
        target = Rotation.from_rotvec(rng.normal(size=(count, 3)))
        sources, dt = rng.integers(0, 2, count), float(rng.uniform(0.0, 0.1))
        found = crossover(sources, target.as_matrix(), dt)
        for k in range(count):
            if sources[k] != last[k]:
                offset[k] = Rotation.identity() if last[k] is None else target[k].inv() * shown[k]
                since[k], last[k] = 0.0, sources[k]
            since[k] += dt
            t = min(since[k] / CROSSOVER_S, 1.0)
            left = Rotation.from_rotvec((1 - t * t * (3 - 2 * t)) * offset[k].as_rotvec())
            shown[k] = target[k] * left
            np.testing.assert_allclose(found[k], shown[k].as_matrix(), atol=1e-9)


def test_numbers_cross_over_each_on_its_own():
    crossover = VectorCrossover(2)
    np.testing.assert_array_equal(crossover(0, np.array([1.0, 5.0]), 0.01), [1.0, 5.0])
    half = crossover(np.array([1, 0]), np.array([3.0, 6.0]), CROSSOVER_S / 2)
    np.testing.assert_allclose(half, [2.0, 6.0])
    np.testing.assert_allclose(crossover(np.array([1, 0]), np.array([4.0, 7.0]), CROSSOVER_S), [4.0, 7.0])


def compiled() -> int:
    """How many variants of kernels this process has compiled for fusion."""
    modules = [module for name, module in sys.modules.items() if name.startswith("inperson.tracking.")]
    kernels = {id(k): k for module in modules for k in vars(module).values() if isinstance(k, Dispatcher)}
    return sum(len(kernel.signatures) for kernel in kernels.values())


def test_nothing_is_compiled_once_a_fusion_is_made():
    machine = cases.fusion(PlayCalibration(np.eye(4), 1.6, 0.02))
    before = compiled()
    assert before > 10
    known, camera = cases.reported(gesturing()), cases.standing()
    grip = cases.rigid((-0.2, 1.1, -0.3)).astype(np.float32)
    for k in range(24):
        pose = replace(known, time_ns=k * FRAME_NS)
        if k % 2:
            pose = replace(pose, left_hand=None, T_play_from_left_grip=grip)
        if k % 3 == 0:
            pose = replace(pose, T_play_from_head=None)
        if k % 5 == 0:
            pose = replace(pose, T_play_from_head=cases.view(y=0.9).astype(np.float32))
        machine.fuse(replace(camera, time_ns=pose.time_ns) if k % 4 else None, pose)
    assert compiled() == before


def test_forgetting_is_starting_anew():
    pose = replace(cases.reported(gesturing()), time_ns=10**9)
    used, fresh = cases.fusion(), cases.fusion()
    cases.settled(used, HeadsetPose(0, cases.view(x=1.0, yaw=120)), cases.standing())
    used.forget()
    a, b = used.fuse(None, pose), fresh.fuse(None, pose)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
