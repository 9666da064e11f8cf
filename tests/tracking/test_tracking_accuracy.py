"""From rendered pictures of people whose every joint is known, through the landmarkers, to the tracked body."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from inperson.avatar.body import load_body
from inperson.paths import assets_dir
from inperson.tracking.clip import ObservedClip, observe_clip, track_clip
from inperson.tracking.evaluate import accuracy, jitter, joints_of, pa_mpjpe, quality
from inperson.tracking.fit.landmarks import JOINT
from inperson.tracking.motion_file import MotionClip, clip_of_states, load_motion
from inperson.tracking.offline import track_observations
from inperson.tracking.tracker import TrackedFrame, Tracker

CAPTURES = assets_dir() / "captures"
CLIPS = ("chest", "gestures", "still")

pytestmark = pytest.mark.usefixtures("model_cache")


@cache
def seen(name: str) -> ObservedClip:
    return observe_clip(CAPTURES / f"{name}.mp4")


@cache
def live(name: str) -> tuple[list[TrackedFrame], MotionClip]:
    tracker = Tracker(load_body("neutral"))
    frames = [tracker.update(obs) for obs in seen(name).observations]
    return frames, clip_of_states([frame.state for frame in frames], framerate=30.0)


@cache
def true_joints(name: str) -> np.ndarray:
    truth = load_motion(CAPTURES / f"{name}.npz")
    assert truth.body_name is not None
    return joints_of(truth, load_body(truth.body_name))


@pytest.mark.parametrize("name", CLIPS)
def test_live_joints_are_near_the_truth(name: str):
    """At most 55 mm for the body and 15 mm for each hand after Procrustes alignment."""
    found = accuracy(joints_of(live(name)[1], load_body("neutral")), true_joints(name))
    assert found.body_pa_mpjpe <= 55.0
    assert max(found.left_hand_pa_mpjpe, found.right_hand_pa_mpjpe) <= 15.0


@pytest.mark.parametrize("name", CLIPS)
def test_live_landmarks_project_to_where_they_were_seen(name: str):
    frames, _ = live(name)
    found = quality(seen(name).observations, tuple(frame.residuals for frame in frames))
    assert found.body_rate >= 0.99
    assert found.body_relative <= 0.06
    assert found.hand_px <= 6.0


def test_a_still_person_is_shown_still():
    """Frame-to-frame motion of the joints under 1.5 mm, once the first second is over."""
    joints = joints_of(live("still")[1], load_body("neutral"))
    assert jitter(joints[30:]) < 1.5


def test_hands_before_the_chest_stay_before_it():
    """Wrists and knuckles lie nearer the camera than the trunk's middle, as in the truth, in every frame."""
    joints, truth = joints_of(live("chest")[1], load_body("neutral")), true_joints("chest")
    hand = [JOINT[f"{side}_{name}"] for side in ("left", "right") for name in ("wrist", "middle1", "index2")]
    spine = [JOINT["spine2"], JOINT["spine3"]]
    before = truth[:, hand, 2].min(axis=1) > truth[:, spine, 2].max(axis=1) + 0.05
    assert before.mean() > 0.5, "the clip must show hands before the chest"
    margin = joints[:, hand, 2].min(axis=1) - joints[:, spine, 2].max(axis=1)
    assert (margin[before] > 0.05).mean() >= 0.98


def test_looking_ahead_and_back_is_no_worse_than_live():
    clip = track_observations(seen("gestures").observations, load_body("neutral"), framerate=30.0)
    truth = true_joints("gestures")
    offline = accuracy(joints_of(clip.motion, load_body("neutral")), truth)
    online = accuracy(joints_of(live("gestures")[1], load_body("neutral")), truth)
    assert offline.body_pa_mpjpe <= online.body_pa_mpjpe + 2.0
    assert clip.report["residuals"]["body_relative"] <= 0.06
    assert clip.report["stages"]["fit"]["count"] == len(truth) == clip.report["frames"]
    assert clip.report["part_rates"]["trunk"] >= 0.99


@pytest.mark.media
def test_a_real_clip(media: Path):
    """A real signer: a body in every frame, landmarks where they were seen."""
    tracked = track_clip(media / "video" / "intel_thanks.mkv", load_body("neutral"))
    assert tracked.report["part_rates"]["trunk"] >= 0.99
    assert tracked.report["residuals"]["body_relative"] <= 0.06
    for side in ("left", "right"):
        assert tracked.report["residuals"][f"{side}_hand_px"] <= 6.0


def test_procrustes_ignores_place_turn_and_size():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(22, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    assert pa_mpjpe(1.7 * points @ turn + (1.0, -2.0, 0.5), points) == pytest.approx(0.0, abs=1e-9)
    mirrored = points * (-1.0, 1.0, 1.0)
    assert pa_mpjpe(mirrored, points) > 0.1, "a reflection is not a rotation"
