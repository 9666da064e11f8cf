"""The tracker on observations of known poses: it follows, holds, eases, comes back smoothly, and learns the user."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from inperson.avatar.state import BodyState, Source
from inperson.errors import BadInputError, OutputError
from inperson.tracking.face_retarget import MEDIAPIPE_BLENDSHAPES
from inperson.tracking.fit.landmarks import JOINT
from inperson.tracking.fit.limits import rest_pose
from inperson.tracking.fit.so3 import exp_all, log_all
from inperson.tracking.head_pitch import USUAL_PITCH
from inperson.tracking.ideal_observation import LandmarkNoise, landmarks_of, observe_state
from inperson.tracking.observation import Observation
from inperson.tracking.parts import Part
from inperson.tracking.profile import UserProfile, load_profile, profile_path, save_profile
from inperson.tracking.tracker import TrackedFrame, Tracker
from tests.tracking.fit_cases import CAMERA, body, person, skeleton_model, talking_state

FRAME_NS = 33_333_333


def known_user() -> UserProfile:
    return UserProfile(body_name=body().name, body_sha256=body().sha256, betas=(0.0,) * 10)


def still_state() -> BodyState:
    return talking_state(np.random.default_rng(4), spread=0.03)


def observed(state: BodyState, frame: int, **options) -> Observation:
    return observe_state(
        skeleton_model(), replace(state, time_ns=frame * FRAME_NS), CAMERA, sequence=frame, **options
    )


def without_body(obs: Observation) -> Observation:
    return replace(
        obs, body_pixels=None, body_world=None, body_visibility=None, left_hand=None, right_hand=None, face=None
    )


def run(tracker: Tracker, observe: Callable[[int], Observation], frames: range) -> list[TrackedFrame]:
    return [tracker.update(observe(t)) for t in frames]


def joints(state: BodyState) -> np.ndarray:
    return landmarks_of(skeleton_model(), state)[1]


def pose_step(a: BodyState, b: BodyState) -> np.ndarray:
    """Angle between two states at each joint, radians."""
    ra, rb = exp_all(a.full_pose.astype(float)), exp_all(b.full_pose.astype(float))
    return np.linalg.norm(log_all(np.swapaxes(ra, 1, 2) @ rb), axis=1)


def test_follows_a_moving_person():
    """Arms waving at 0.7 Hz with landmark noise: joints stay within centimetres of the truth."""
    still, rng = still_state(), np.random.default_rng(0)
    noise = LandmarkNoise(pixels=1.5, metres=0.008)

    def state(t: int) -> BodyState:
        pose = still.full_pose.copy()
        pose[JOINT["left_shoulder"], 1] += 0.4 * np.sin(2 * np.pi * 0.7 * t / 30)
        return still.with_full_pose(pose)

    tracker = Tracker(body(), known_user())
    frames = run(tracker, lambda t: observed(state(t), t, noise=noise, rng=rng), range(45))
    errors = [np.linalg.norm(joints(f.state) - joints(state(t)), axis=1) for t, f in enumerate(frames)]
    late = np.array(errors[15:])
    assert np.median(late[:, [16, 17, 18, 19, 20, 21]]) < 0.06
    assert np.median(late[:, 25:]) < 0.06
    assert np.median([f.residuals.body_px / f.residuals.person_px for f in frames[15:]]) < 0.03
    assert np.median([f.residuals.left_hand_px for f in frames[15:]]) < 5.0
    assert {f.state.source for f in frames} == {(Source.CAMERA,) * 5}
    assert [f.state.time_ns for f in frames] == [t * FRAME_NS for t in range(45)]


def test_a_still_person_is_still():
    """The noise measured on a landmarker that sees a still picture with sensor noise: under 1.5 mm a frame."""
    still, rng = still_state(), np.random.default_rng(1)
    noise = LandmarkNoise(pixels=0.3, metres=0.0015)
    frames = run(Tracker(body(), known_user()), lambda t: observed(still, t, noise=noise, rng=rng), range(50))
    track = np.array([joints(f.state) for f in frames[20:]])
    steps = np.linalg.norm(np.diff(track, axis=0), axis=-1)
    assert np.median(steps) < 0.0015


def test_hands_held_then_eased_then_back_without_a_jump():
    pose = still_state().full_pose.copy()
    fingers = [JOINT[f"left_{finger}{k}"] for finger in ("index", "middle", "ring", "pinky") for k in (1, 2)]
    pose[fingers, 2] -= 0.8  # a loose fist
    fist = still_state().with_full_pose(pose)

    def observe(t: int) -> Observation:
        return observed(fist, t, hands=(t < 20 or t >= 80, True))

    frames = run(Tracker(body(), known_user()), observe, range(100))
    hand = slice(25, 40)
    poses = np.array([exp_all(f.state.full_pose.astype(float))[hand] for f in frames])
    held = [t for t, f in enumerate(frames) if Part.LEFT_FINGERS in f.held]
    assert held == list(range(20, 80))
    np.testing.assert_allclose(poses[20:34], np.broadcast_to(poses[19], (14, 15, 3, 3)), atol=1e-9)
    relaxed = exp_all(rest_pose(person().prior))[hand]
    np.testing.assert_allclose(poses[70], relaxed, atol=1e-6)
    steps = np.array([pose_step(a.state, b.state)[hand].max() for a, b in pairwise(frames)])
    journey = np.linalg.norm(log_all(np.ascontiguousarray(np.swapaxes(poses[19], 1, 2) @ relaxed)), axis=1).max()
    assert journey > 0.1, "the test's hand must differ from the rest"
    assert steps[19:].max() < 0.45 * journey, "no frame may carry most of the way"
    assert np.linalg.norm(log_all(np.ascontiguousarray(np.swapaxes(poses[99], 1, 2) @ poses[19])), axis=1).max() < 0.1
    confidence = np.array([f.state.confidence[1] for f in frames])
    assert confidence[19] > 0.9
    assert (np.diff(confidence[20:60]) <= 1e-6).all()
    assert confidence[22] > 0.8, "it fades, it does not drop"
    assert frames[40].state.source[1] is Source.HELD
    assert frames[40].state.source[2] is Source.CAMERA


def test_a_lost_body_stays_where_it_was_and_eases_to_rest():
    still = still_state()

    def observe(t: int) -> Observation:
        obs = observed(still, t)
        return obs if t < 10 or t >= 75 else without_body(obs)

    frames = run(Tracker(body(), known_user()), observe, range(90))
    before, held, eased = frames[9].state, frames[20].state, frames[70].state
    assert pose_step(before, held).max() < 1e-3
    np.testing.assert_allclose(eased.transl, before.transl, atol=1e-6)
    np.testing.assert_allclose(eased.global_orient, before.global_orient, atol=1e-6)
    rest = rest_pose(person().prior)[1:22]
    np.testing.assert_allclose(eased.body_pose, rest, atol=1e-5)
    assert eased.confidence[0] == 0.0
    steps = [pose_step(a.state, b.state).max() for a, b in pairwise(frames[9:])]
    journey = pose_step(before, eased).max()
    assert max(steps) < 0.45 * journey
    assert pose_step(frames[89].state, before).max() < 0.1


def test_nobody_in_view_gives_a_standing_rest_state():
    tracker = Tracker(body())
    frame = tracker.update(without_body(observed(still_state(), 0)))
    np.testing.assert_array_equal(frame.state.confidence, 0.0)
    assert frame.state.source == (Source.HELD,) * 5
    assert np.isnan(frame.residuals.body_px)
    assert frame.state.transl[2] < 0


def test_a_seen_hand_is_never_shown_behind_the_chest():
    """World landmarks that lie, 25 cm behind the true depth: the hands stay between the camera and the trunk."""
    still = still_state()

    def observe(t: int) -> Observation:
        obs = observed(still, t)
        assert obs.body_world is not None
        world = obs.body_world.copy()
        world[[15, 16, 17, 18, 19, 20, 21, 22], 2] += 0.25
        world[[13, 14], 2] += 0.1
        return replace(obs, body_world=world)

    state = run(Tracker(body(), known_user()), observe, range(15))[-1].state
    P = joints(state)
    chest_front = (P[9] + P[12])[2] / 2 + 0.09
    for wrist in (JOINT["left_wrist"], JOINT["right_wrist"], JOINT["left_middle1"], JOINT["right_middle1"]):
        assert P[wrist, 2] > chest_front


def test_learns_the_users_shape():
    """Someone of another shape: bone lengths come nearer the truth, and the picture fits."""
    true_betas = np.zeros(body().num_betas, np.float32)
    true_betas[:3] = (1.2, -1.0, 0.8)
    rng = np.random.default_rng(6)

    def observe(t: int) -> Observation:
        state = replace(talking_state(np.random.default_rng(t // 8), spread=0.1), betas=true_betas)
        return observed(state, t, noise=LandmarkNoise(1.0, 0.005), rng=rng)

    tracker = Tracker(body())
    run(tracker, observe, range(190))
    assert tracker.calibrated

    def bones(betas: np.ndarray) -> np.ndarray:
        _, points = skeleton_model().rest(betas)
        pairs = np.array([(11, 13), (13, 15), (12, 14), (14, 16), (11, 12)])
        return np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)

    truth = bones(true_betas[:10])
    before = np.abs(bones(np.zeros(10)) / truth - 1.0)
    after = np.abs(bones(tracker.profile.betas_array) / truth - 1.0)
    assert after.mean() < 0.6 * before.mean()


def test_learns_how_the_users_face_is_pitched_from_the_ears():
    """A face frame pitched 0.15 rad off the usual: the head comes nearer the truth, and the profile remembers."""
    still = still_state()
    tilt = exp_all(np.array([[0.15, 0.0, 0.0]]))[0]

    def observe(t: int) -> Observation:
        obs = observed(still, t)
        assert obs.face is not None
        matrix = obs.face.T_cv_from_head.copy()
        matrix[:3, :3] = matrix[:3, :3] @ tilt
        return replace(obs, face=replace(obs.face, T_cv_from_head=matrix))

    live = Tracker(body())
    frames = run(live, observe, range(100))
    assert live.profile.head_pitch < USUAL_PITCH - 0.1
    head = [f.state.full_pose[[12, 15], 0].sum() - still.full_pose[[12, 15], 0].sum() for f in frames]
    assert abs(head[-1]) < 0.7 * abs(head[3])
    known = Tracker(body(), live.profile)
    assert known.profile.head_pitch == live.profile.head_pitch


def test_profile_is_kept_and_checked(tmp_path: Path):
    path = tmp_path / "profiles" / "me.json"
    assert load_profile(path, body()) is None
    profile = UserProfile(
        body_name="neutral", body_sha256=body().sha256, betas=(0.5, -0.25), hand_scale=0.9, face_neutral=(0.1,) * 52
    )
    save_profile(profile, path)
    assert load_profile(path, body()) == profile
    assert Tracker(body(), profile).profile.betas[:2] == (0.5, -0.25)
    assert [p.name for p in path.parent.iterdir()] == ["me.json"]
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(profile, body_sha256="00")))
    with pytest.raises(BadInputError, match="made for body"):
        load_profile(path, body())
    path.write_bytes(b'{"betas": 3}')
    with pytest.raises(BadInputError, match="not a user profile"):
        load_profile(path, body())
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(profile, version=99)))
    with pytest.raises(BadInputError, match="version 99"):
        load_profile(path, body())
    with pytest.raises(BadInputError, match="profile name"):
        profile_path("?")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        save_profile(profile, tmp_path / "file" / "me.json")


def test_face_moves_relative_to_the_users_neutral():
    """Scores that never change are the user's face at rest; a smile above them is a smile."""
    still = still_state()
    smile = MEDIAPIPE_BLENDSHAPES.index("mouthSmileLeft")
    brow = MEDIAPIPE_BLENDSHAPES.index("browDownLeft")

    def observe(t: int) -> Observation:
        obs = observed(still, t)
        assert obs.face is not None
        scores = np.zeros(52)
        scores[brow] = 0.3
        scores[smile] = 0.8 if t >= 120 else 0.0
        return replace(obs, face=replace(obs.face, blendshapes=scores))

    frames = run(Tracker(body()), observe, range(140))
    names = body().expr_names
    assert names is not None
    expression = frames[-1].state.expression
    assert expression[names.index("mouthSmileLeft")] > 0.6
    assert expression[names.index("browDownLeft")] < 0.1
