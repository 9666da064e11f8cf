"""The timeline of the mirror window: what it shows, and what the mouse and the keys ask it for, really pressed."""

import subprocess
import time

import numpy as np
import pytest

from inperson.render.overlay import Overlay
from inperson.render.overlay_timeline import MARGIN, PANEL_HEIGHT, Mark, Timeline, TimelineRequest, clock_text
from inperson.render.window import Action, MirrorWindow

GREY = np.full((100, 100, 3), 90, np.uint8)
WIDTH, HEIGHT = 700, 400
MIDDLE = round(HEIGHT - MARGIN - 0.5 * PANEL_HEIGHT)
"""Of the panel, rows from the top."""
HEAD = 7
"""Pixels, half of the round head."""


@pytest.fixture
def window(xvfb, monkeypatch):
    monkeypatch.setenv("DISPLAY", xvfb)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    window = MirrorWindow("InPerson timeline", WIDTH, HEIGHT)
    window.show(GREY, overlay())
    yield window
    window.close()


def timeline(**changes) -> Timeline:
    values = {"begin_s": 0.0, "end_s": 10.0, "position_s": 2.5, "speed": 1.0, "playing": True, "loop": False}
    return Timeline(**(values | {"sound": "voice", "marks": ()} | changes))


def overlay(**changes) -> Overlay:
    return Overlay(*("s.mcap: me", "ada", (), 0.0, 0.0, 60.0, 0, {}, None, None, True), timeline=timeline(**changes))


def bar(shown: np.ndarray) -> np.ndarray:
    """A row of the panel, just where the track is."""
    return shown[MIDDLE].astype(int)


def track(window: MirrorWindow) -> tuple[int, int]:
    """Columns where the track begins and ends: what is blue when the replay is at its end, and half the head."""
    row = bar(window.capture(GREY, overlay(position_s=10.0)))
    blue = np.flatnonzero(np.abs(row - (77, 128, 191)).sum(axis=-1) < 30)
    return int(blue[0]), int(blue[-1]) + HEAD


def pressed(xvfb: str, window: MirrorWindow, *arguments: str) -> list[TimelineRequest]:
    """What the timeline was asked for in the pictures after xdotool did something in the window."""
    find = ["xdotool", "search", "--sync", "--name", "InPerson timeline", "windowfocus", "--sync"]
    subprocess.run([*find, *arguments], env={"DISPLAY": xvfb}, check=True, timeout=20)
    requests = []
    for _ in range(20):  # pictures, at the display's own pace
        time.sleep(0.01)
        window.show(GREY, overlay())
        if (request := window.take_timeline_request()) is not None:
            requests.append(request)
    return requests


def test_what_was_played_is_blue_up_to_the_head(window):
    begin, end = track(window)
    assert end - begin > 200
    for share in (0.25, 0.5, 0.8):
        row = bar(window.capture(GREY, overlay(position_s=10.0 * share)))
        white = np.flatnonzero((row[begin:end] > 240).all(axis=-1))
        assert white.mean() / (end - begin) == pytest.approx(share, abs=0.02)


def test_marks_stand_where_they_happened_in_their_colours(window):
    begin, end = track(window)
    marks = (Mark(4.0, "lost", "nobody is in view"), Mark(8.0, "warning", "the disk is full"), Mark(6.0, "note", "x"))
    shown = window.capture(GREY, overlay(marks=marks)).astype(int)
    row = shown[MIDDLE - 9]  # above the track
    for seconds, color in {4.0: (242, 191, 64), 8.0: (242, 102, 77), 6.0: (204, 204, 204)}.items():
        at = np.flatnonzero(np.abs(row - color).sum(axis=-1) < 60)
        assert (at.mean() - begin) / (end - begin) == pytest.approx(seconds / 10.0, abs=0.01)


def test_playing_and_held_look_different_and_the_status_says_the_rest(window):
    def picture(**changes) -> np.ndarray:
        return window.capture(GREY, overlay(**changes))[-60:].astype(int)

    playing = picture()
    assert np.abs(picture(playing=False) - playing)[:, :60].sum() > 1000
    for changes in ({"speed": 2.0}, {"loop": True}, {"sound": "muted"}):
        assert np.abs(picture(**changes) - playing)[:, -160:].sum() > 1000
    np.testing.assert_array_equal(picture(), playing)


def test_a_click_asks_for_its_moment_a_drag_for_all_on_its_way(window, xvfb):
    begin, end = track(window)

    def at(share: float) -> tuple[str, str]:
        return str(round(begin + share * (end - begin))), str(MIDDLE)

    clicked = pressed(xvfb, window, "mousemove", "--window", "%1", *at(0.3), "click", "1")
    assert clicked
    assert all(request.seek_s == pytest.approx(3.0, abs=0.05) and not request.toggle for request in clicked)
    down = pressed(xvfb, window, "mousemove", "--window", "%1", *at(0.5), "mousedown", "1")
    on = pressed(xvfb, window, "mousemove", "--window", "%1", *at(0.9))
    beyond = pressed(xvfb, window, "mousemove", "--window", "%1", str(WIDTH - 2), "5")  # still held
    assert down[-1].seek_s == pytest.approx(5.0, abs=0.05)
    assert on[-1].seek_s == pytest.approx(9.0, abs=0.05)
    assert beyond[-1].seek_s == 10.0
    pressed(xvfb, window, "mouseup", "1")
    assert pressed(xvfb, window, "mousemove", "--window", "%1", *at(0.2)) == []


def test_the_button_plays_and_pauses_once_a_click(window, xvfb):
    asked = pressed(xvfb, window, "mousemove", "--window", "%1", "34", str(MIDDLE), "click", "1")
    assert asked == [TimelineRequest(toggle=True)]


def test_the_mouse_on_a_mark_brings_its_words(window, xvfb):
    begin, end = track(window)
    marks = (Mark(5.0, "lost", "nobody is in view, for quite a while"),)
    x = round(0.5 * (begin + end))
    pressed(xvfb, window, "mousemove", "--window", "%1", str(x), str(MIDDLE))
    shown = {}
    for name, seen in {"with": marks, "without": ()}.items():
        for _ in range(3):  # a tooltip is laid out in its first frame
            shown[name] = window.capture(GREY, overlay(marks=seen)).astype(int)
    changed = np.abs(shown["with"] - shown["without"])[: MIDDLE - 20].sum(axis=(0, 2)).nonzero()[0]
    assert changed.max() - changed.min() > 200  # as wide as the words, where else only a time would stand
    assert changed.min() < x < changed.max()


def test_every_key_of_a_replay(window, xvfb):
    keys = ["space", "Left", "Right", "comma", "period", "Home", "End", "Up", "Down", "l"]
    pressed(xvfb, window, "key", *keys)
    names = ("PLAY", "BACK", "FORWARD", "PREVIOUS", "NEXT", "BEGIN", "END", "FASTER", "SLOWER", "LOOP")
    assert window.take_actions() == [Action[name] for name in names]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0:00.0"), (62.5, "1:02.5"), (59.96, "0:59.9"), (3602.5, "1:00:02.5")]
)
def test_moments_as_people_read_them(seconds, text):
    assert clock_text(seconds) == text
