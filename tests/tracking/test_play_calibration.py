"""The guided step finds the webcam, tells a bad step from a good one, and its file comes back."""

import json
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.avatar.headset_pose import HeadsetPose
from inperson.errors import BadInputError, OutputError
from inperson.tracking.play_calibration import (
    PlayCalibration,
    calibration_path,
    load_calibration,
    save_calibration,
)
from inperson.tracking.play_calibration_solver import LEAST_SAMPLES, CalibrationSample, solve_calibration
from tests.tracking import headset_cases as cases
from tests.tracking.headset_cases import JOINT

CAMERA = cases.rigid((0.2, 1.1, -1.7), Rotation.from_euler("YXZ", [170, -12, 3], degrees=True))
"""T_play_from_camera: ahead of the wearer, looking back at them and a little down."""


def arms_out(arms: float = 0.0):
    """A wearer in the play space; `arms` radians below the T-pose."""
    state = cases.standing()
    pose = state.full_pose.copy()
    pose[JOINT["left_shoulder"]], pose[JOINT["right_shoulder"]] = (0.0, 0.0, -arms), (0.0, 0.0, arms)
    return cases.hung(state.with_full_pose(pose), cases.view()[:3, 3])


def seen_by_camera(state, T_play_from_camera=CAMERA):
    """The same body in the camera's space."""
    T = np.linalg.inv(T_play_from_camera)
    turned = Rotation.from_matrix(T[:3, :3]) * Rotation.from_rotvec(state.global_orient)
    moved = replace(state, global_orient=turned.as_rotvec().astype(np.float32))
    return cases.hung(moved, T[:3, :3] @ cases.eyes_of(state) + T[:3, 3])


def step(count=60, seed=0, noise=0.01, arms=0.1, hands="joints", **camera_changes) -> list[CalibrationSample]:
    """A guided step: the webcam's depth is worst, and the wearer sways a little."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(count):
        state = cases.hung(arms_out(arms), cases.view()[:3, 3] + rng.normal(0.0, 0.005, 3) * [1, 0, 1])
        pose = cases.reported(state, k * 33_000_000, hands=hands == "joints")
        if hands == "grips":
            pose = replace(pose, **grips_of(state))
        camera = replace(seen_by_camera(state), time_ns=k * 33_000_000, **camera_changes)
        shake = rng.normal(0.0, noise, 3) * [1, 1, 3]
        out.append(CalibrationSample(replace(camera, transl=(camera.transl + shake).astype(np.float32)), pose))
    return out


GRIP_TILT = Rotation.from_euler("x", 40, degrees=True)


@lru_cache
def wrist_from_grip(side: str) -> np.ndarray:
    """Where fusion puts the wrist of a hand that holds a controller, relative to it."""
    grip = cases.rigid((0.0, 1.2, -0.4), GRIP_TILT)
    state = cases.fusion().fuse(None, HeadsetPose(0, cases.view(), **{f"T_play_from_{side}_grip": grip}))
    return cases.joints_of(state)[1][JOINT[f"{side}_wrist"]] - grip[:3, 3]


def grips_of(state) -> dict[str, np.ndarray]:
    """Controllers where, by fusion's own offset, the wrists are the body's."""
    wrists = {side: cases.joints_of(state)[1][JOINT[f"{side}_wrist"]] for side in ("left", "right")}
    return {
        f"T_play_from_{side}_grip": cases.rigid(wrist - wrist_from_grip(side), GRIP_TILT)
        for side, wrist in wrists.items()
    }


def assert_close(found: PlayCalibration, metres: float, degrees: float) -> None:
    assert cases.angle_between(found.T_play_from_camera[:3, :3], CAMERA[:3, :3]) < degrees
    on_wearer = np.array([0.0, 1.2, 0.0, 1.0])
    away = found.T_play_from_camera @ np.linalg.inv(CAMERA) @ on_wearer - on_wearer
    assert np.linalg.norm(away) < metres


def test_an_exact_step_gives_the_exact_answer():
    found = solve_calibration(cases.body(), step(noise=0.0))
    assert_close(found, 1e-3, 0.1)
    assert found.residual_m < 1e-3
    assert found.eye_height_m == pytest.approx(cases.eye_height(), abs=1e-4)


@pytest.mark.parametrize("hands", ["joints", "none"])
def test_a_noisy_step_gives_nearly_the_answer(hands):
    found = solve_calibration(cases.body(), step(noise=0.02, hands=hands))
    assert_close(found, 0.015, 1.0)
    assert 0.01 < found.residual_m < 0.08


def test_controllers_do_as_well():
    assert_close(solve_calibration(cases.body(), step(noise=0.01, hands="grips")), 0.02, 1.5)


def test_a_lost_arm_and_somebody_else_for_a_moment_do_not_count():
    samples = step(noise=0.01)
    rng = np.random.default_rng(4)
    for k in range(0, 60, 5):
        camera = samples[k].camera
        pose = camera.full_pose.copy()
        pose[JOINT["left_shoulder"]] = rng.normal(0.0, 1.0, 3)
        samples[k] = replace(samples[k], camera=camera.with_full_pose(pose))
    for k in (1, 2, 3):
        away = np.array([0.8, 0.0, -0.6], np.float32)
        samples[k] = replace(samples[k], camera=replace(samples[k].camera, transl=samples[k].camera.transl + away))
    assert_close(solve_calibration(cases.body(), samples), 0.02, 1.5)


def without_body(samples):
    return [replace(s, camera=replace(s.camera, confidence=np.zeros(5, np.float32))) for s in samples]


def looking_down(samples):
    return [replace(s, pose=replace(s.pose, T_play_from_head=cases.view(pitch=-60))) for s in samples]


def another_person(samples):
    """The webcam follows somebody who raises and lowers the arms."""
    return [replace(s, camera=seen_by_camera(arms_out(1.2 * np.sin(0.9 * k)))) for k, s in enumerate(samples)]


def on_the_floor(samples):
    lower = cases.rigid((0.0, -1.2, 0.0))
    return [replace(s, pose=replace(s.pose, T_play_from_head=lower @ s.pose.T_play_from_head)) for s in samples]


BAD_STEPS = {
    "too short": (lambda: step(count=LEAST_SAMPLES - 1), "moments"),
    "nobody in the webcam": (lambda: without_body(step()), "moments"),
    "looking down": (lambda: looking_down(step()), "moments"),
    "arms hanging": (lambda: step(arms=1.3), "apart"),
    "another person": (lambda: another_person(step()), "disagree"),
    "wrong floor": (lambda: on_the_floor(step()), "above the floor"),
    "camera overhead": (lambda: overhead(step()), "tilted"),
}


def overhead(samples):
    above = cases.rigid((0.0, 2.4, -0.8), Rotation.from_euler("YX", [180, -65], degrees=True))
    return [replace(s, camera=seen_by_camera(arms_out(0.1), above)) for s in samples]


@pytest.mark.parametrize("name", BAD_STEPS)
def test_a_bad_step_is_one_clear_error_with_the_mend(name):
    make, word = BAD_STEPS[name]
    with pytest.raises(BadInputError, match=word) as raised:
        solve_calibration(cases.body(), make())
    assert raised.value.mend
    assert "\n" not in str(raised.value)


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_wherever_the_webcam_stands(seed):
    rng = np.random.default_rng(seed)
    turn = [180 + rng.uniform(-40, 40), rng.uniform(-25, 20), rng.uniform(-5, 5)]
    place = np.array([0.0, 1.2, -2.0]) + rng.uniform(-1, 1, 3)
    T = cases.rigid(place, Rotation.from_euler("YXZ", turn, degrees=True))
    state = arms_out(0.1)
    samples = [CalibrationSample(seen_by_camera(state, T), cases.reported(state))] * LEAST_SAMPLES
    found = solve_calibration(cases.body(), samples).T_play_from_camera
    np.testing.assert_allclose(found, T, atol=2e-3)


def test_the_calibrated_webcam_sees_the_body_where_it_is():
    """End to end: the answer brings a webcam's body into the play space, where fusion then turns the trunk."""
    found = solve_calibration(cases.body(), step())
    wearer = cases.standing(global_orient=Rotation.from_euler("y", 220, degrees=True).as_rotvec().astype(np.float32))
    wearer = cases.hung(wearer, cases.view()[:3, 3])
    machine = cases.fusion(found)
    state = cases.settled(machine, HeadsetPose(0, cases.view()), seen_by_camera(wearer))
    assert cases.angle_between(cases.joints_of(state)[0][0], cases.joints_of(wearer)[0][0]) < 2.0


def test_a_calibration_follows_a_recentring():
    calibration = PlayCalibration(CAMERA, 1.6, 0.02)
    T = cases.rigid((0.5, 0.0, 0.1), Rotation.from_euler("y", 0.7))
    point = np.array([0.1, -0.2, -1.5, 1.0])
    np.testing.assert_allclose(
        calibration.recentred(T).T_play_from_camera @ point, T @ (calibration.T_play_from_camera @ point)
    )


def test_a_file_comes_back_as_it_was(tmp_path):
    calibration, path = PlayCalibration(CAMERA, 1.63, 0.017), tmp_path / "deep" / "er" / "me.json"
    save_calibration(calibration, path)
    found = load_calibration(path)
    np.testing.assert_array_equal(found.T_play_from_camera, CAMERA)
    assert (found.eye_height_m, found.residual_m) == (1.63, 0.017)
    assert json.loads(path.read_text())["eye_height_m"] == 1.63  # readable by people
    assert [p.name for p in path.parent.iterdir()] == ["me.json"]


def test_no_file_is_no_calibration(tmp_path):
    assert load_calibration(tmp_path / "none.json") is None


def stored(**changes) -> str:
    good = {"version": 1, "T_play_from_camera": CAMERA.tolist(), "eye_height_m": 1.6, "residual_m": 0.02}
    return json.dumps(good | changes)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "is not one"),
        ("{", "is not one"),
        ("[1, 2]", "is not one"),
        (stored(version=9), "version 9"),
        (stored(T_play_from_camera=np.ones((4, 4)).tolist()), "rigid"),
        (stored(T_play_from_camera=np.diag([-1.0, 1, 1, 1]).tolist()), "rigid"),
        (stored(T_play_from_camera=np.eye(3).tolist()), "is not one"),
        (stored(T_play_from_camera=np.eye(4).tolist()[:3]), "rigid"),
        (stored(eye_height_m=0.2), "above the floor"),
        (stored(more=1), "is not one"),
        (stored().replace("1.6", "1e999"), "is not one|above the floor"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path, text, word):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(BadInputError, match=word) as raised:
        load_calibration(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        save_calibration(PlayCalibration(CAMERA, 1.6, 0.02), tmp_path / "file" / "me.json")


def test_names_become_paths():
    assert calibration_path("ada").name == "ada.json"
    assert str(calibration_path("/tmp/x.json")) == "/tmp/x.json"
    with pytest.raises(BadInputError):
        calibration_path("..")
