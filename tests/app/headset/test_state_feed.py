"""The body a headset shows: of a motion file or a tracked person, under the wearer's head or opposite them."""

import multiprocessing
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inperson.app.headset.plan import HeadsetPlan
from inperson.app.headset.state_feed import OppositeFeed, Sources, WearerFeed
from inperson.app.motion.placing import APART_M
from inperson.app.motion.tracked import STAGES, Tracked, pack, tracked_dtype
from inperson.app.pictures.turntable import at_ease
from inperson.app.processes.mailbox import Mailbox
from inperson.avatar.body import load_body
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import Source
from inperson.errors import BadInputError
from inperson.tracking.motion_file import clip_of_states, save_motion
from inperson.tracking.play_calibration import PlayCalibration

BODY = load_body("neutral")
BETAS = np.zeros(BODY.num_betas, np.float32)
POSER = BodyPoser(BODY, BETAS)
EYES, HEAD, RIGHT_SHOULDER, LEFT_WRIST, RIGHT_WRIST = [23, 24], 15, 17, 20, 21
START_NS, FRAME_NS = 5_000_000_000, 40_000_000
FRAMES = 26


def raising(k: int):
    """At ease 1.8 m before a camera at breast height; frame by frame the right arm goes up."""
    state = at_ease(BODY.num_betas, BODY.num_expression)
    pose = state.full_pose.copy()
    pose[RIGHT_SHOULDER] = Rotation.from_rotvec([0.0, 0.0, np.deg2rad(62 - 5 * k)]).as_rotvec()
    return replace(state.with_full_pose(pose), transl=np.float32([0.1, -0.2, -1.8]), time_ns=k * FRAME_NS)


@pytest.fixture(scope="module")
def motion(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("motion") / "raise.npz"
    states = [raising(k) for k in range(FRAMES)]
    save_motion(clip_of_states(states, framerate=25.0, body_name=BODY.name, body_sha256=BODY.sha256), path)
    return str(path)


def feed_of(plan: HeadsetPlan, tracked: Mailbox | None = None):
    sources = Sources(plan, tracked)
    sources.start_ns = START_NS
    return sources.feed_for(BODY, BETAS, None)


def pose_at(seconds: float, yaw: float = 0.0, at=(0.3, 1.6, -0.4), **parts) -> HeadsetPose:
    T_play_from_head = np.eye(4)
    T_play_from_head[:3, :3] = Rotation.from_euler("y", yaw).as_matrix()
    T_play_from_head[:3, 3] = at
    return HeadsetPose(START_NS + round(seconds * 1e9), T_play_from_head, **parts)


def joints_of(state) -> np.ndarray:
    return POSER.joint_transforms(replace(state, expression=state.expression[:0]))[1].copy()


def test_a_files_wearer_hangs_from_the_headset_and_moves_by_the_file(motion):
    feed = feed_of(HeadsetPlan("ada", motion=motion))
    assert isinstance(feed, WearerFeed)
    heights = []
    for k in range(61):  # half a second at 120 Hz: between the file's frames
        state = feed.state_for(pose_at(k / 120))
        joints = joints_of(state)
        assert joints[EYES].mean(axis=0) == pytest.approx([0.3, 1.6, -0.4], abs=0.01)
        assert state.time_ns == pose_at(k / 120).time_ns
        heights.append(joints[RIGHT_WRIST, 1])
    assert (np.diff(heights) > 0).all()  # up in every single frame, not in steps
    assert np.diff(heights).max() < 3 * np.diff(heights).mean()
    assert joints[RIGHT_WRIST, 0] > joints[LEFT_WRIST, 0]  # seen from inside, looking along -z


def test_a_files_hands_are_the_files(motion):
    """Controllers of a runtime that nobody holds must not pull on the arms."""
    grip = np.eye(4)
    grip[:3, 3] = [0.0, 2.2, -1.0]
    states = [
        feed_of(HeadsetPlan("ada", motion=motion)).state_for(pose_at(0.1, **parts))
        for parts in ({}, {"T_play_from_right_grip": grip})
    ]
    np.testing.assert_array_equal(states[0].full_pose, states[1].full_pose)


def test_the_mirror_window_sees_the_wearer_from_the_front(motion):
    feed = feed_of(HeadsetPlan("ada", motion=motion))
    state = feed.state_for(pose_at(0.0))
    inside, mirrored = joints_of(state), joints_of(feed.as_mirrored(state))
    np.testing.assert_allclose(mirrored, inside * [-1, 1, -1], atol=1e-4)
    assert mirrored[LEFT_WRIST, 0] > mirrored[RIGHT_WRIST, 0]


def test_face_to_face_somebody_stands_opposite_whatever_the_wearer_does(motion):
    feed = feed_of(HeadsetPlan("ada", scene="face-to-face", motion=motion))
    assert isinstance(feed, OppositeFeed)
    one, other = (joints_of(feed.state_for(pose_at(0.2, yaw, at))) for yaw, at in ((0, (0, 1.6, 0)), (2, (1, 1, 1))))
    np.testing.assert_allclose(one, other, atol=1e-4)
    assert one[0, [0, 2]] == pytest.approx([0.0, -APART_M], abs=0.01)
    assert one[LEFT_WRIST, 0] > one[RIGHT_WRIST, 0]
    feed.recentred(np.eye(4))
    state = feed.state_for(pose_at(0.2))
    assert feed.as_mirrored(state) is state


def test_after_recentring_the_wearer_is_where_the_head_is(motion):
    feed = feed_of(HeadsetPlan("ada", motion=motion))
    for k in range(30):
        feed.state_for(pose_at(k / 60))
    T_new_from_old = np.eye(4)
    T_new_from_old[:3, 3] = [-0.3, 0.0, 0.4]
    feed.recentred(T_new_from_old)
    state = feed.state_for(pose_at(0.5, at=(0.0, 1.6, 0.0)))
    assert joints_of(state)[EYES].mean(axis=0) == pytest.approx([0.0, 1.6, 0.0], abs=0.01)


@pytest.fixture
def tracked() -> Mailbox:
    return Mailbox(multiprocessing.get_context("spawn"), tracked_dtype(BODY.num_betas, BODY.num_expression))


def put(mailbox: Mailbox, state, sequence: int) -> None:
    preview = np.zeros((2, 2, 3), np.uint8)
    record = Tracked(state, sequence, 0, np.zeros(len(STAGES)), preview, {})
    mailbox.put(pack(record, tracked_dtype(BODY.num_betas, BODY.num_expression)))


def test_a_tracked_person_is_predicted_to_display_time(tracked):
    """The arm goes up steadily; the newest frame is 60 ms old at display time."""
    feed = feed_of(HeadsetPlan("ada", scene="face-to-face"), tracked)
    heights = {}
    for k in range(12):
        put(tracked, replace(raising(k), time_ns=START_NS + k * FRAME_NS, source=(Source.CAMERA,) * 5), k)
        for ahead in (0.0, 0.06):
            state = feed.state_for(pose_at(k * FRAME_NS / 1e9 + ahead))
            heights[k, ahead] = joints_of(state)[RIGHT_WRIST, 1]
    lag = heights[11, 0.0] - heights[10, 0.0]  # of one frame
    assert heights[11, 0.06] - heights[11, 0.0] == pytest.approx(1.5 * lag, rel=0.35)


def test_nobody_seen_yet_is_nobody_opposite_but_a_wearer_all_the_same(tracked):
    assert feed_of(HeadsetPlan("ada", scene="face-to-face"), tracked).state_for(pose_at(0.0)) is None
    state = feed_of(HeadsetPlan("ada"), tracked).state_for(pose_at(0.0))
    assert joints_of(state)[EYES].mean(axis=0) == pytest.approx([0.3, 1.6, -0.4], abs=0.01)


def test_a_webcam_that_fell_silent_is_not_believed(tracked):
    """A raised arm stays up while frames come, and hangs once none has come for long."""
    feed = feed_of(HeadsetPlan("ada"), tracked)
    heights = []
    for k in range(90):
        if k < 45:
            put(tracked, replace(raising(20), time_ns=START_NS + k * FRAME_NS, source=(Source.CAMERA,) * 5), k)
        heights.append(joints_of(feed.state_for(pose_at(k * FRAME_NS / 1e9)))[RIGHT_WRIST, 1])
    assert heights[50] == pytest.approx(heights[44], abs=0.02)
    assert heights[89] < heights[44] - 0.5


def test_a_file_that_is_no_motion_is_the_users_error(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"no")
    with pytest.raises(BadInputError, match=r"x\.npz is not a readable npz"):
        feed_of(HeadsetPlan("ada", motion=str(tmp_path / "x.npz")))


def test_starting_anew_puts_the_camera_back_where_the_calibration_found_it():
    """Its heading shows in the trunk: the camera sees somebody who stands turned away from where they look."""
    T_play_from_camera = np.diag([-1.0, 1.0, -1.0, 1.0])
    seen = replace(raising(0), global_orient=np.float32([0.0, 0.4, 0.0]), source=(Source.CAMERA,) * 5)
    feed = WearerFeed(
        lambda time_ns: replace(seen, time_ns=time_ns),
        *(BODY, BETAS, PlayCalibration(T_play_from_camera, 1.6, 0.01)),
        head_only=False,
    )
    hips = [1, 2]

    def across() -> np.ndarray:
        for k in range(60):
            state = feed.state_for(pose_at(k / 60))
        left, right = joints_of(state)[hips]
        return (left - right) / np.linalg.norm(left - right)

    first = across()
    T_new_from_old = np.eye(4)
    T_new_from_old[:3, :3] = Rotation.from_euler("y", 0.5).as_matrix()
    feed.recentred(T_new_from_old)
    turned = across()
    feed.start_anew()
    assert across() == pytest.approx(first, abs=1e-3)
    assert np.linalg.norm(turned - first) > 0.2
