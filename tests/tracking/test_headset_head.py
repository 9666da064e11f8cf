"""The head is exact; neck, spine and heading follow as bodies do."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.state import Source
from inperson.tracking.headset_heading import Heading, view_heading, yaw_of
from inperson.tracking.headset_trunk import bend_to_head, spine_share
from inperson.tracking.play_calibration import PlayCalibration
from tests.tracking import headset_cases as cases
from tests.tracking.headset_cases import FRAME_NS, JOINT

NECK = [JOINT["neck"] - 1, JOINT["head"] - 1]
SPINE = [JOINT[f"spine{k}"] - 1 for k in (1, 2, 3)]


def assert_head_is_exact(state, T):
    found = cases.view_of(state)
    assert np.linalg.norm(found[:3, 3] - T[:3, 3]) < 1e-3
    assert cases.angle_between(found[:3, :3], T[:3, :3]) < 0.1


@settings(max_examples=60)
@given(
    st.floats(-1.5, 1.5),
    st.floats(0.2, 2.3),
    st.floats(-1.5, 1.5),
    st.floats(-180, 180),
    st.floats(-89, 89),
    st.floats(-120, 120),
)
def test_the_eyes_are_where_the_headset_is(x, y, z, yaw, pitch, roll):
    machine = cases.fusion()
    machine.fuse(None, HeadsetPose(0, cases.view()))
    T = cases.view(x, y, z, yaw, pitch, roll)
    state = machine.fuse(None, HeadsetPose(FRAME_NS, T))
    assert_head_is_exact(state, T)
    assert state.source[0] == Source.HEADSET
    assert state.confidence[0] == 1.0


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_the_eyes_are_where_the_headset_is_whatever_the_webcam_says(seed, calibrated):
    rng = np.random.default_rng(seed)
    calibration = PlayCalibration(cases.rigid((0.0, 1.2, -1.5), Rotation.from_euler("y", np.pi)), 1.6, 0.02)
    machine = cases.fusion(calibration if calibrated else None)
    camera = cases.standing()
    camera = camera.with_full_pose(camera.full_pose + rng.normal(0.0, 0.5, (55, 3)).astype(np.float32))
    T = cases.view(*rng.uniform(-0.5, 0.5, 1), yaw=rng.uniform(-180, 180), pitch=rng.uniform(-80, 80))
    assert_head_is_exact(machine.fuse(camera, HeadsetPose(0, T)), T)


@pytest.mark.parametrize("yaw", [0, 90, 180, -135])
@pytest.mark.parametrize(("pitch", "roll"), [(85, 0), (-85, 0), (0, 45), (0, -45), (-60, 30), (60, -30), (0, 0)])
def test_no_neck_breaks(yaw, pitch, roll):
    machine = cases.fusion()
    cases.settled(machine, HeadsetPose(0, cases.view()))
    state = cases.settled(machine, HeadsetPose(2_000_000_000, cases.view(yaw=yaw, pitch=pitch, roll=roll)))
    assert np.rad2deg(np.linalg.norm(state.body_pose[NECK], axis=1)).max() < 40
    assert np.rad2deg(np.linalg.norm(state.body_pose[SPINE], axis=1)).max() < 35


def test_a_glance_leaves_the_trunk_and_a_turn_takes_it_along():
    machine = cases.fusion()
    cases.settled(machine, HeadsetPose(0, cases.view()))
    glance = cases.settled(machine, HeadsetPose(300_000_000, cases.view(yaw=18)), seconds=0.3)
    assert abs(heading_of(glance)) < 5
    turned = cases.settled(machine, HeadsetPose(2_000_000_000, cases.view(yaw=90)), seconds=1.5)
    assert 55 < heading_of(turned) < 95


def test_the_trunk_turns_with_the_hands():
    heading = Heading()
    head = cases.view()
    left, right = np.array([-0.5, 1.2, -0.1]), np.array([-0.1, 1.2, -0.5])
    for _ in range(300):
        turned = heading.follow(head[:3, :3], head[:3, 3], left, right, 0.011)
    alone = yaw_of(view_heading(head[:3, :3]))
    assert np.rad2deg(np.angle(np.exp(1j * (turned - alone)))) > 5


@pytest.mark.parametrize("pitch", [-90, -60, 0, 60, 90])
def test_the_heading_of_a_head_does_not_depend_on_its_pitch(pitch):
    ahead = view_heading(cases.view(yaw=30, pitch=pitch)[:3, :3])
    expected = view_heading(cases.view(yaw=30)[:3, :3])
    assert np.rad2deg(abs(yaw_of(ahead) - yaw_of(expected))) < 1e-6
    assert np.hypot(*ahead) == pytest.approx(np.hypot(*expected), abs=0.3)


def test_without_a_head_the_webcam_has_the_body_through_the_calibration():
    calibration = PlayCalibration(
        cases.rigid((0.3, 1.2, -1.5), Rotation.from_euler("y", 200, degrees=True)), 1.6, 0.02
    )
    in_play = cases.standing()
    T = np.linalg.inv(calibration.T_play_from_camera)
    turned = Rotation.from_matrix(T[:3, :3]) * Rotation.from_rotvec(in_play.global_orient)
    camera = replace(in_play, global_orient=turned.as_rotvec().astype(np.float32))
    camera = cases.hung(camera, T[:3, :3] @ cases.eyes_of(in_play) + T[:3, 3])
    state = cases.fusion(calibration).fuse(camera, HeadsetPose(0, None))
    assert np.linalg.norm(cases.eyes_of(state) - cases.eyes_of(in_play)) < 1e-3
    assert cases.angle_between(cases.joints_of(state)[0][0], cases.joints_of(in_play)[0][0]) < 0.1
    assert state.source[0] == Source.CAMERA


def test_the_trunk_leans_as_the_webcam_sees_it():
    calibration = PlayCalibration(np.eye(4), 1.6, 0.02)
    lean = Rotation.from_euler("yx", [180, 20], degrees=True)
    camera = cases.standing(global_orient=lean.as_rotvec().astype(np.float32))
    state = cases.settled(cases.fusion(calibration), HeadsetPose(0, cases.view()), camera)
    assert cases.angle_between(cases.joints_of(state)[0][0], lean.as_matrix()) < 0.5


def test_a_bow_without_a_webcam_bends_the_trunk_and_keeps_the_feet():
    machine = cases.fusion()
    upright = cases.settled(machine, HeadsetPose(0, cases.view()))
    before = cases.joints_of(upright)[1]
    for k in range(60):
        part = min(k / 40, 1.0)
        T = cases.view(y=cases.eye_height() - 0.35 * part, z=-0.42 * part, pitch=-30 * part)
        bowed = machine.fuse(None, HeadsetPose((k + 1) * 25_000_000, T))
    after = cases.joints_of(bowed)[1]
    trunk = after[JOINT["neck"]] - after[0]
    assert 35 < np.rad2deg(np.arccos(trunk[1] / np.linalg.norm(trunk))) < 80
    ankles = [JOINT["left_ankle"], JOINT["right_ankle"]]
    assert np.abs(after[ankles] - before[ankles]).max() < 0.02


def heading_of(state) -> float:
    """Degrees that the pelvis is turned to the left of -z."""
    ahead = cases.joints_of(state)[0][0][:, 2]
    return float(np.rad2deg(np.arctan2(-ahead[0], -ahead[2])))


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_bending_to_the_head_against_a_plain_reference(seed):
    rng = np.random.default_rng(seed)
    trunk = Rotation.from_rotvec(rng.normal(0.0, 0.3, (4, 3))).as_matrix()
    R_head = (Rotation.from_matrix(trunk[0]) * Rotation.from_rotvec(rng.normal(0.0, 0.6, 3))).as_matrix()
    np.testing.assert_allclose(bend_to_head(trunk, R_head), plain_bend(trunk, R_head), atol=1e-9)


def plain_bend(trunk, R_head):
    """Every spine joint turned a third of its share about the one world axis from chest to head."""
    world = [Rotation.from_matrix(R) for R in (trunk[0], *np.empty((0, 3, 3)))]
    straight = Rotation.from_matrix(trunk[0] @ trunk[1] @ trunk[2] @ trunk[3])
    between = (Rotation.from_matrix(R_head) * straight.inv()).as_rotvec()
    angle = np.linalg.norm(between)
    step = Rotation.from_rotvec(between / angle * spine_share(angle) / 3)
    local = [world[0]]
    for k in range(1, 4):
        world.append(step * world[-1] * Rotation.from_matrix(trunk[k]))
        local.append(world[-2].inv() * world[-1])
    rest = world[-1].inv() * Rotation.from_matrix(R_head)
    neck = Rotation.from_rotvec(0.5 * rest.as_rotvec())
    local += [neck, neck.inv() * rest]
    return np.stack([R.as_matrix() for R in local])


def test_what_the_spine_takes_grows_smoothly_and_stays_below_the_angle():
    angles = np.linspace(0.0, np.pi, 400)
    taken = np.array([spine_share(a) for a in angles])
    assert (np.diff(taken) >= -1e-12).all()
    assert np.abs(np.diff(taken)).max() < 1.2 * (angles[1] - angles[0])
    assert (taken <= angles + 1e-12).all()
    assert taken[0] == pytest.approx(0.0, abs=1e-9)
