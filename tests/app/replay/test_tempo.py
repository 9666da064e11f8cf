"""Which recorded moment is shown when: laws of `Tempo`, and what keys and the mouse make of it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.app.replay.controls import LEAP_NS, Controls
from inperson.app.replay.moments import stretch_of
from inperson.app.replay.tempo import SPEEDS, Stretch, Tempo, faster, slower
from inperson.errors import BadInputError
from inperson.render.overlay_timeline import TimelineRequest
from inperson.render.window import Action

SECOND = 1_000_000_000
BEGIN, END = 7 * SECOND, 17 * SECOND
TIMES = np.arange(BEGIN + SECOND // 10, END, SECOND // 10)
NOW = 100 * SECOND


def tempo(**changes) -> Tempo:
    return replace(Tempo(Stretch(BEGIN, END), BEGIN + 2 * SECOND, NOW), **changes)


tempos = st.builds(
    lambda position, speed, playing, loop: tempo(
        position_ns=BEGIN + position, speed=speed, playing=playing, loop=loop
    ),
    st.integers(0, END - BEGIN),
    st.floats(0.25, 4.0),
    st.booleans(),
    st.booleans(),
)
moments = st.integers(NOW, NOW + 60 * SECOND)


@given(tempos, moments, moments)
def test_time_passes_at_its_speed_and_stays_inside(tempo, a, b):
    for now in (a, b):
        assert BEGIN <= tempo.position_at(now) <= END
    passed = tempo.position_at(max(a, b)) - tempo.position_at(min(a, b))
    if not tempo.playing:
        assert passed == 0
    elif not tempo.loop:
        assert -1 <= passed <= round(abs(b - a) * tempo.speed) + 1


@given(tempos, moments, st.sampled_from([0.25, 1.0, 3.0]))
def test_no_change_makes_the_picture_jump(tempo, now, speed):
    here = tempo.position_at(now)
    at_end_of_loop = tempo.loop or here < END
    for changed in (tempo.paused(now), tempo.at_speed(speed, now), tempo.looped(tempo.loop, now)):
        assert changed.position_at(now) == here
    if at_end_of_loop:
        assert tempo.toggled(now).position_at(now) == here
        assert tempo.toggled(now).toggled(now).position_at(now) == here


@given(tempos, moments, st.integers(BEGIN - SECOND, END + SECOND))
def test_seeking_goes_there_or_to_the_nearest_end(tempo, now, wanted):
    nearest = min(max(wanted, BEGIN), END)
    arrived = tempo.sought(wanted, now).position_at(now)
    assert arrived == (BEGIN if tempo.loop and nearest == END else nearest)


def test_the_end_holds_and_playing_again_begins_anew():
    late = NOW + 60 * SECOND
    ended = tempo()
    assert ended.position_at(late) == END
    assert not ended.runs(late)
    assert ended.toggled(late).position_at(late + SECOND) == BEGIN + SECOND
    assert tempo(loop=True).position_at(NOW + 9 * SECOND) == BEGIN + SECOND
    assert tempo(loop=True).runs(late)


def test_speeds_go_up_and_down_the_ladder_from_anywhere():
    assert [faster(s) for s in SPEEDS] == [*SPEEDS[1:], SPEEDS[-1]]
    assert [slower(s) for s in SPEEDS] == [SPEEDS[0], *SPEEDS[:-1]]
    assert (slower(1.5), faster(1.5)) == (1.0, 2.0)


def controls(**changes) -> Controls:
    return Controls(tempo(**changes), TIMES, BEGIN)


@pytest.mark.parametrize(
    ("action", "seconds", "playing"),
    [
        (Action.FORWARD, 7.0, True),
        (Action.BACK, 0.0, True),
        (Action.BEGIN, 0.0, True),
        (Action.END, 10.0, True),
        (Action.PLAY, 2.0, False),
        (Action.NEXT, 2.1, False),
        (Action.PREVIOUS, 1.9, False),
    ],
)
def test_keys(action, seconds, playing):
    pressed = controls()
    pressed.press(action, NOW)
    assert (pressed.tempo.position_at(NOW) - BEGIN) / SECOND == seconds
    assert pressed.tempo.playing is playing
    assert LEAP_NS == 5 * SECOND


def test_stepping_stops_at_every_state_there_and_back():
    stepping = controls(position_ns=BEGIN)
    there = []
    for _ in range(len(TIMES) + 2):
        stepping.press(Action.NEXT, NOW)
        there.append(stepping.tempo.position_at(NOW + SECOND))
    assert there == [*TIMES, TIMES[-1], TIMES[-1]]
    stepping.press(Action.PREVIOUS, NOW)
    assert stepping.tempo.position_at(NOW) == TIMES[-2]


def test_speed_and_loop_keys():
    pressed = controls()
    pressed.press(Action.FASTER, NOW)
    pressed.press(Action.LOOP, NOW)
    assert (pressed.tempo.speed, pressed.tempo.loop) == (2.0, True)
    for _ in range(5):
        pressed.press(Action.SLOWER, NOW)
    assert pressed.tempo.speed == 0.25


@pytest.mark.parametrize("playing", [True, False])
def test_while_the_mouse_holds_the_timeline_time_stands_still(playing):
    held = controls(playing=playing)
    for late, seconds in enumerate((4.0, 6.0, 6.0)):
        held.point(TimelineRequest(seek_s=seconds), NOW + late * SECOND)
        assert held.tempo.position_at(NOW + 50 * SECOND) == BEGIN + seconds * SECOND
    held.point(None, NOW + 10 * SECOND)
    moved = held.tempo.position_at(NOW + 11 * SECOND) - held.tempo.position_at(NOW + 10 * SECOND)
    assert moved == (SECOND if playing else 0)
    held.point(TimelineRequest(toggle=True), NOW + 11 * SECOND)
    assert held.tempo.playing is not playing


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [(None, None, (0, 10)), ("2", "0:05.5", (2, 5.5)), ("-3", None, (7, 10)), ("-0:04", "-1", (6, 9))],
)
def test_moments_from_the_start_or_from_the_end(begin, end, expected):
    stretch = stretch_of(Stretch(BEGIN, END), begin, end)
    assert ((stretch.begin_ns - BEGIN) / SECOND, (stretch.end_ns - BEGIN) / SECOND) == expected


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        ("10.5", None, r"--from 10\.5: the recording is 10\.0 s long \(0:10\.0\)"),
        (None, "-11", r"--to -11: the recording is 10\.0 s long"),
        ("5", "4", "leaves nothing"),
        ("soon", None, "--from 'soon' is not a time"),
        ("--1", None, "not a time"),
    ],
)
def test_moments_that_are_none(begin, end, said):
    with pytest.raises(BadInputError, match=said):
        stretch_of(Stretch(BEGIN, END), begin, end)
