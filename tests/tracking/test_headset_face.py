"""Faces and eyes under a headset."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.state import Source
from inperson.tracking.headset_face import gaze_angles
from tests.tracking import headset_cases as cases
from tests.tracking.headset_cases import FRAME_NS

NAMES = cases.body().expr_names
SMILING = {"jawOpen": 0.6, "mouthSmileLeft": 0.7, "mouthPucker": 0.5, "browInnerUp": 0.8, "eyeBlinkLeft": 0.9}


def camera(scores: dict[str, float], confidence: float = 0.9, **changes):
    """A webcam state with these coefficients."""
    state = cases.standing(**changes)
    expression = np.array([scores.get(name, 0.0) for name in NAMES], np.float32)
    return replace(state, expression=expression, confidence=np.full(5, confidence, np.float32))


def value(state, name: str) -> float:
    return float(state.expression[NAMES.index(name)])


def test_under_a_headset_only_the_mouth_is_the_webcams():
    state = cases.settled(cases.fusion(), HeadsetPose(0, cases.view()), camera(SMILING))
    assert value(state, "jawOpen") == pytest.approx(0.6, abs=1e-6)
    assert value(state, "mouthSmileLeft") == pytest.approx(0.7, abs=1e-6)
    for hidden in ("mouthPucker", "browInnerUp", "eyeBlinkLeft"):
        assert value(state, hidden) == 0.0
    assert state.source[3] == Source.CAMERA
    assert 0.0 < state.confidence[3] < 0.9


def test_without_a_headset_on_the_whole_face_is_the_webcams():
    eyes = np.array([0.1, -0.2, 0.0], np.float32)
    state = cases.settled(cases.fusion(), HeadsetPose(0, None), camera(SMILING, leye_pose=eyes, reye_pose=0.5 * eyes))
    for name, expected in SMILING.items():
        assert value(state, name) == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose(state.leye_pose, eyes, atol=1e-6)
    np.testing.assert_allclose(state.reye_pose, 0.5 * eyes, atol=1e-6)
    assert state.source[3:] == (Source.CAMERA, Source.CAMERA)


def test_putting_the_headset_on_takes_the_brows_to_rest_without_a_jump():
    machine = cases.fusion()
    cases.settled(machine, HeadsetPose(0, None), camera(SMILING))
    brows = []
    for k in range(1, 40):
        at = k * FRAME_NS
        seen = replace(camera(SMILING), time_ns=at)
        brows.append(value(machine.fuse(seen, HeadsetPose(at, cases.view())), "browInnerUp"))
    assert brows[0] > 0.75
    assert brows[-1] == 0.0
    assert np.abs(np.diff(brows)).max() < 0.8 * 1.6 * FRAME_NS * 1e-9 / 0.25
    assert (np.diff(brows) <= 1e-9).all()


def test_a_face_the_webcam_is_not_sure_of_rests():
    state = cases.settled(cases.fusion(), HeadsetPose(0, cases.view()), camera(SMILING, confidence=0.1))
    assert not state.expression.any()
    assert state.source[3] == Source.HELD
    assert state.confidence[3] == 0.0


def test_the_headsets_own_face_tracking_wins():
    scores = {"jawOpen": 0.2, "browInnerUp": 0.9, "mouthPucker": 0.4, "eyeBlinkRight": 1.7, "noSuchThing": 1.0}
    pose = HeadsetPose(0, cases.view(), face={**scores, "jawLeft": float("nan")})
    state = cases.settled(cases.fusion(), pose, camera(SMILING))
    for name in ("jawOpen", "browInnerUp", "mouthPucker"):
        assert value(state, name) == pytest.approx(scores[name], abs=1e-6)
    assert value(state, "eyeBlinkRight") == 1.0
    assert value(state, "mouthSmileLeft") == 0.0
    assert np.isfinite(state.expression).all()
    assert state.source[3] == Source.HEADSET
    assert state.confidence[3] == 1.0


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (20, 0), (-25, 10), (10, -20), (0, 24)])
def test_eyes_look_along_the_gaze(yaw, pitch):
    """The eyes' +z (SMPL-X) in the world is the gaze's -z, whatever the head does."""
    head = cases.view(yaw=40, pitch=-15, roll=10)
    local = Rotation.from_euler("YX", [yaw, pitch], degrees=True)
    gaze = cases.rigid(head[:3, 3], Rotation.from_matrix(head[:3, :3]) * local)
    state = cases.fusion().fuse(None, HeadsetPose(0, head, T_play_from_gaze=gaze))
    G, _ = cases.joints_of(state)
    for eye in (23, 24):
        assert np.rad2deg(np.arccos(np.clip(G[eye][:, 2] @ -gaze[:3, 2], -1, 1))) < 0.3
    assert state.source[4] == Source.HEADSET


@pytest.mark.parametrize(("yaw", "pitch"), [(80, 0), (-170, 0), (0, 80), (0, -80), (90, 60)])
def test_eyes_turn_no_further_than_eyes_do(yaw, pitch):
    gaze = cases.rigid(rotation=Rotation.from_euler("YX", [yaw, pitch], degrees=True))
    assert np.rad2deg(np.linalg.norm(gaze_angles(np.eye(4), gaze))) < 50
    assert np.isfinite(gaze_angles(np.eye(4), gaze)).all()


def test_eyes_the_headset_covers_rest():
    eyes = np.array([0.1, -0.2, 0.0], np.float32)
    state = cases.settled(cases.fusion(), HeadsetPose(0, cases.view()), camera({}, leye_pose=eyes, reye_pose=eyes))
    assert not state.leye_pose.any()
    assert not state.reye_pose.any()
    assert state.source[4] == Source.HELD
