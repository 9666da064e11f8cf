"""The mirror window, really opened on a virtual display: pixels read back, keys really pressed."""

import subprocess
import time

import numpy as np
import pytest

from benchmarks.scene import bust_views, figure
from inperson.errors import DeviceError
from inperson.render.gl import GlRasterizer
from inperson.render.overlay import CameraPicture, HeadsetLines, Overlay, StageLine
from inperson.render.window import Action, MirrorWindow, fitted_viewport, has_display

QUARTERS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [200, 200, 200]]], np.uint8)


@pytest.fixture
def display(xvfb, monkeypatch):
    monkeypatch.setenv("DISPLAY", xvfb)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return xvfb


@pytest.fixture
def window(display):
    window = MirrorWindow("InPerson test", 600, 400)
    yield window
    window.close()


def picture(size: int = 100) -> np.ndarray:
    """Red, green over blue, grey."""
    return np.repeat(np.repeat(QUARTERS, size // 2, axis=0), size // 2, axis=1)


def camera_picture(marks=None) -> CameraPicture:
    return CameraPicture(np.full((60, 80, 3), (10, 120, 250), np.uint8), marks or {})


def overlay(**changes) -> Overlay:
    values = {
        "source": "clip.mkv, 640x480 at 30 frames/s",
        "avatar": "ada",
        "stages": (StageLine("landmarks", 24.0, 31.0),),
        "age_ms": 70.0,
        "tracking_fps": 29.7,
        "display_fps": 40.0,
        "dropped": 2,
        "confidence": {"body": 0.9, "left_hand": 0.1},
        "camera": camera_picture(),
        "headset": None,
        "reflected": False,
    }
    return Overlay(**(values | changes))


def test_the_picture_fills_the_window_at_its_own_shape_with_its_top_at_the_top(window):
    shown = window.capture(picture())
    assert shown.shape == (400, 600, 3)
    for (y, x), color in {(100, 200): QUARTERS[0, 0], (100, 400): QUARTERS[0, 1], (300, 200): QUARTERS[1, 0]}.items():
        np.testing.assert_array_equal(shown[y, x], color)
    np.testing.assert_array_equal(shown[300, 400], QUARTERS[1, 1])
    assert (shown[:, :99] < 20).all()  # the border beside a square picture in a wide window
    assert (shown[:, 501:] < 20).all()


def test_a_picture_of_another_size_replaces_the_first(window):
    window.capture(picture(100))
    np.testing.assert_array_equal(window.capture(picture(64))[300, 200], QUARTERS[1, 0])


def test_resizing_keeps_the_pictures_shape(window):
    window.show(picture())
    window.resize(300, 500)
    deadline = time.monotonic() + 5
    while window.capture(picture()).shape != (500, 300, 3) and time.monotonic() < deadline:
        window.show(picture())
    shown = window.capture(picture())
    assert shown.shape == (500, 300, 3)
    assert (shown[:99] < 20).all()
    np.testing.assert_array_equal(shown[150, 50], QUARTERS[0, 0])


def test_the_overlay_writes_text_and_shows_the_camera(window):
    window.capture(picture(), overlay())  # imgui lays a window out in its first frame
    plain, covered = window.capture(picture()), window.capture(picture(), overlay())
    panel = covered[12:150, 12:300].astype(int)
    assert (panel.min(axis=-1) > 200).sum() > 300  # white letters
    assert np.abs(panel - plain[12:150, 12:300]).mean() > 5
    np.testing.assert_array_equal(covered[330, 500], (10, 120, 250))


def test_a_headset_has_its_lines_and_a_motion_file_no_camera(window):
    stages = (StageLine("draw", 7.0, 9.0, 11.0), StageLine("submit", 1.0, 2.0, 3.0))
    lines = HeadsetLines("Monado 25.0.0: focused", "59.8 of 60 fps, 2 missed, scale 0.60, level 1", stages)
    shown = {}
    for name, changes in {"without": {}, "with": {"headset": lines}, "alone": {"camera": None}}.items():
        window.capture(picture(), overlay(**changes))
        shown[name] = window.capture(picture(), overlay(**changes)).astype(int)
    letters = {name: (image[12:380, 12:340].min(axis=-1) > 200).sum() for name, image in shown.items()}
    assert letters["with"] > letters["without"] + 500 > letters["alone"]  # white letters
    np.testing.assert_array_equal(shown["alone"][330, 500], window.capture(picture())[330, 500])


def test_the_shader_has_its_line_and_its_keys_are_listed_only_with_it(window):
    letters = {}
    for shader in ("", "small on openvino-bf16"):
        window.capture(picture(), overlay(shader=shader, camera=None))
        covered = window.capture(picture(), overlay(shader=shader, camera=None)).astype(int).min(axis=-1) > 200
        letters[shader] = covered[:300, :342].sum(), covered[300:, :342].sum()
    panel, keys = zip(*letters.values(), strict=True)
    assert panel[1] > panel[0] + 100
    assert keys[1] > keys[0] + 100


def test_landmarks_are_drawn_where_they_are_and_reflected_with_the_camera(window):
    marks = {"body": np.full((33, 2), 0.5, np.float32)}
    marks["body"][[11, 13, 15]] = [[0.1, 0.1], [0.1, 0.5], [0.1, 0.9]]  # an upright line on the left
    counts = {}
    for reflected in (False, True):
        scene = overlay(camera=camera_picture(marks), reflected=reflected)
        window.capture(picture(), scene)
        covered = window.capture(picture(), scene).astype(int)
        camera = covered[400 - 12 - 157 : 400 - 12, 600 - 12 - 210 : 600 - 12]
        cyan = np.abs(camera - (89, 217, 255)).sum(axis=-1) < 60
        counts[reflected] = cyan[:, :60].sum(), cyan[:, -60:].sum()
    assert counts[False][0] > 50 > counts[False][1]
    assert counts[True][1] > 50 > counts[True][0]


def test_hot_keys_and_closing_reach_the_session(window, display):
    window.show(picture())
    press = ["xdotool", "search", "--sync", "--name", "InPerson test", "windowfocus", "--sync"]
    subprocess.run(
        [*press, "key", "c", "o", "m", "n", "z", "s", "x", "q"], env={"DISPLAY": display}, check=True, timeout=20
    )
    actions: list[Action] = []
    deadline = time.monotonic() + 5
    while Action.QUIT not in actions and time.monotonic() < deadline:
        window.show(picture())
        actions += window.take_actions()
    assert actions == [Action(key) for key in "COMNSXQ"]
    assert window.take_actions() == []


def test_a_second_window_opens_after_the_first_was_closed(display):
    for _ in range(2):
        window = MirrorWindow("InPerson test", 64, 64)
        np.testing.assert_array_equal(window.capture(picture())[48, 16], QUARTERS[1, 0])
        window.close()


def test_a_rasteriser_with_its_own_context_draws_between_pictures(display):
    """As with `live --backend gl`: two contexts take turns in one thread."""
    gaussians, (left, _) = figure(500), bust_views(64, 64)
    rasterizer = GlRasterizer()
    alone = rasterizer.render(gaussians, [left]).rgb
    window = MirrorWindow("InPerson test", 64, 64)
    for _ in range(2):
        np.testing.assert_array_equal(rasterizer.render(gaussians, [left]).rgb, alone)
        window.show(picture(), overlay())
        np.testing.assert_array_equal(window.capture(picture())[48, 16], QUARTERS[1, 0])
    window.close()
    np.testing.assert_array_equal(rasterizer.render(gaussians, [left]).rgb, alone)
    rasterizer.close()


def test_without_a_display_the_error_says_the_mend(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_display()
    with pytest.raises(DeviceError, match=r"no display .* start from a desktop session"):
        MirrorWindow("InPerson test", 64, 64)


@pytest.mark.parametrize(
    ("picture_size", "window_size", "expected"),
    [
        ((512, 512), (1024, 512), (256, 0, 512, 512)),
        ((1024, 512), (512, 512), (0, 128, 512, 256)),
        ((640, 480), (640, 480), (0, 0, 640, 480)),
        ((640, 480), (1, 1), (0, 0, 1, 1)),
    ],
)
def test_fitted_viewport(picture_size, window_size, expected):
    assert fitted_viewport(*picture_size, *window_size) == expected
