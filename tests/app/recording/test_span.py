"""`--from` and `--to`: times as people write them, and the frames that lie between."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.app.recording.span import Span, seconds_of
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.tracking.motion_file import clip_of_states


def motion(count: int = 10):
    """A state every tenth of a second, the first 0.5 s after the session's start (at 7 s)."""
    return clip_of_states([BodyState.rest(2, 1, 7_500_000_000 + i * 100_000_000) for i in range(count)], framerate=10)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("83.5", 83.5),
        ("1:23.5", 83.5),
        ("01:03", 63.0),
        ("90:00", 5400.0),
        ("1:00:00.25", 3600.25),
        (" 7 ", 7.0),
    ],
)
def test_times_as_people_write_them(text, seconds):
    assert seconds_of("--from", text) == seconds


@pytest.mark.parametrize(
    "text", ["", "-1", "1:60", "1:2:3:4", "nan", "inf", "1e3", "ten", "1:", ":5", "1:75:00", "١"]
)
def test_what_is_no_time_is_named(text):
    with pytest.raises(BadInputError, match="--to"):
        seconds_of("--to", text)


@given(st.integers(0, 359_999_999))
def test_minutes_and_seconds_mean_the_same(milliseconds):
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02d}:{rest / 1000:06.3f}"
    assert seconds_of("--from", text) == pytest.approx(milliseconds / 1000, abs=1e-9)
    assert seconds_of("--from", f"{milliseconds / 1000:.3f}") == pytest.approx(milliseconds / 1000, abs=1e-9)


def test_the_frames_between_with_the_times_they_had():
    cut = Span.of("0.6", "0.9").cut(motion(), 7_000_000_000)
    assert ((cut.times_ns - 7_000_000_000) / 1e9).tolist() == [0.6, 0.7, 0.8]
    assert {len(getattr(cut, name)) for name in ("poses", "trans", "expression", "confidence", "source")} == {3}


@pytest.mark.parametrize(("begin", "end", "count"), [(None, None, 10), ("0.7", None, 8), (None, "0.6", 1)])
def test_open_ends(begin, end, count):
    assert len(Span.of(begin, end).cut(motion(), 7_000_000_000)) == count


def test_limits_of_records():
    assert Span.of("1", "0:02").limits_ns(5) == (1_000_000_005, 2_000_000_005)
    assert Span.of(None, None).limits_ns(5) == (None, None)
    assert Span.of(None, None) == Span(0.0, math.inf)


def test_nothing_between_is_an_error():
    with pytest.raises(BadInputError, match="leaves nothing"):
        Span.of("2", "2")
    with pytest.raises(BadInputError, match=r"choose from 0\.500 to 1\.400"):
        Span.of("1.45", None).cut(motion(), 7_000_000_000)
    with pytest.raises(BadInputError, match="no motion between"):
        Span.of(None, "0.5").cut(motion(), 7_000_000_000)


@given(st.floats(0, 2), st.floats(0, 2))
def test_two_spans_that_meet_hold_every_frame_once(a, b):
    begin, middle = sorted((a, b))
    whole = motion()
    times = []
    for span in (Span(0.0, begin), Span(begin, middle), Span(middle)):
        try:
            times.append(span.cut(whole, 7_000_000_000).times_ns)
        except BadInputError:
            continue
    np.testing.assert_array_equal(np.concatenate(times), whole.times_ns)
