"""The sign that a session is recorded, in a real window: pixels read back."""

import numpy as np
import pytest

from inperson.render.overlay_recording import RecordingSign
from inperson.render.window import MirrorWindow

WIDTH, HEIGHT = 600, 400
GREY = np.full((100, 150, 3), 90, np.uint8)


def sign(**changes) -> RecordingSign:
    values = {"seconds": 12.9, "size": 1_300_000, "camera": False, "sound": False}
    return RecordingSign(**(values | changes))


@pytest.fixture
def window(xvfb, monkeypatch):
    monkeypatch.setenv("DISPLAY", xvfb)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with MirrorWindow("InPerson test", WIDTH, HEIGHT) as window:
        yield window


def pixels(window, shown) -> np.ndarray:
    for _ in range(3):  # ImGui knows how wide it is from the frame before
        picture = window.capture(GREY, None, shown)
    return picture.astype(int)


def red(picture) -> np.ndarray:
    return (picture[..., 0] > 180) & (picture[..., 1] < 90)


def amber(picture) -> np.ndarray:
    return (picture[..., 0] > 200) & (picture[..., 1] > 140) & (picture[..., 2] < 110)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "REC 00:12"),
        ({"seconds": 754.0, "sound": True}, "REC 12:34  + SOUND"),
        ({"seconds": 3725.0, "sound": True, "camera": True}, "REC 1:02:05  + SOUND  + CAMERA"),
        ({"warning": "812 MB left"}, "REC 00:12  DISK NEARLY FULL"),
        ({"stopped": "no space left", "camera": True}, "RECORDING STOPPED"),
    ],
)
def test_it_says_how_long_and_what(changes, line):
    assert sign(**changes).line == line


def test_a_red_dot_in_the_upper_right_corner_without_any_overlay(window):
    bare, signed = pixels(window, None), pixels(window, sign())
    rows, columns = np.nonzero(np.abs(signed - bare).max(axis=-1) > 8)
    assert rows.max() < 45
    assert columns.min() > WIDTH / 2
    assert WIDTH - 20 < columns.max() < WIDTH - 8
    dot_rows, dot_columns = np.nonzero(red(signed))
    assert 100 < len(dot_rows) < 170  # 6.5 pixels around
    assert dot_columns.max() < columns.min() + 30
    assert not red(bare).any()


def test_a_camera_that_is_recorded_is_said_in_red(window):
    plain, camera = pixels(window, sign(sound=True)), pixels(window, sign(sound=True, camera=True))
    assert red(camera).sum() > red(plain).sum() + 60


def test_a_disk_that_fills_up_and_a_recording_that_ended_are_said_in_amber(window):
    assert not amber(pixels(window, sign())).any()
    low = pixels(window, sign(warning="812 MB left on the disk; recording stops at 200 MB"))
    assert amber(low).sum() > 200
    assert red(low).any()
    ended = pixels(window, sign(stopped="talk.mcap cannot be written (No space left on device)"))
    assert amber(ended).sum() > 300
    assert not red(ended).any()
