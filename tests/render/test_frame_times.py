"""Frame records: exact percentiles of the newest frames, bounded ones of all, and what is counted."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.render.frame_times import FrameRecord, FrameTimes, LogHistogram

RECORD = FrameRecord(
    display_time_ns=0,
    wait_ms=4.0,
    input_ms=0.5,
    pose_ms=1.5,
    draw_ms=5.0,
    submit_ms=1.0,
    lead_ms=20.0,
    missed=0,
    scale=0.5,
    level=1,
)
PERIOD_NS = 20_000_000  # 50 Hz


def times_of(*records: FrameRecord) -> FrameTimes:
    times = FrameTimes(nominal_fps=50.0)
    for record in records:
        times.add(record)
    return times


def test_a_frame_costs_what_does_not_wait_or_the_gpu_where_it_takes_longer():
    assert RECORD.cost_ms == 8.0
    assert replace(RECORD, shade_ms=2.0).cost_ms == 10.0
    assert replace(RECORD, gpu_ms=7.9).cost_ms == 8.0
    assert replace(RECORD, gpu_ms=12.0).cost_ms == 12.0


@given(st.lists(st.floats(0.01, 500.0), min_size=1, max_size=80), st.integers(1, 100))
def test_newest_frames_have_numpys_percentiles(draw_ms, newest):
    figures = times_of(*(replace(RECORD, draw_ms=ms) for ms in draw_ms)).newest(newest)
    draw = figures.stages["draw"]
    expected = np.percentile(draw_ms[-newest:], (50, 95, 99))
    assert (draw.p50, draw.p95, draw.p99) == pytest.approx(tuple(expected), abs=1e-3)


@given(st.lists(st.floats(0.002, 9_000.0), min_size=1, max_size=200), st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_a_histogram_has_the_quantiles_of_its_numbers_within_a_bin(values, q):
    histogram = LogHistogram()
    for value in values:
        histogram.add(value)
    expected = np.quantile(values, q, method="inverted_cdf")
    assert histogram.quantile(q) == pytest.approx(expected, rel=0.011)


def test_a_histogram_holds_what_is_out_of_its_range_at_its_ends():
    histogram = LogHistogram()
    for value in (0.0, 1e9):
        histogram.add(value)
    assert histogram.quantile(0.5) == pytest.approx(1e-3, rel=0.01)
    assert histogram.quantile(1.0) == pytest.approx(1e4, rel=0.02)


def test_a_histogram_of_nothing_refuses():
    with pytest.raises(ValueError, match="nothing"):
        LogHistogram().quantile(0.5)


def test_all_frames_are_counted_when_only_the_newest_are_kept():
    times = FrameTimes(nominal_fps=50.0, keep=10)
    for frame in range(1000):
        times.add(replace(RECORD, display_time_ns=frame * PERIOD_NS, draw_ms=3.0 if frame < 900 else 9.0))
    assert times.all().frames == 1000
    assert times.all().stages["draw"].p50 == pytest.approx(3.0, rel=0.01)
    assert times.all().stages["draw"].p95 == pytest.approx(9.0, rel=0.01)
    assert times.newest(1000).frames == 10
    assert times.newest(4).stages["draw"].p50 == 9.0


@given(st.lists(st.integers(0, 3), min_size=2, max_size=60))
def test_rate_and_missed_refreshes_agree_with_the_display_times(missed):
    records, now = [], 7
    for skipped in missed:
        now += (1 + skipped) * PERIOD_NS
        records.append(replace(RECORD, display_time_ns=now, missed=skipped))
    records[0] = replace(records[0], missed=0)
    times = times_of(*records)
    for figures in (times.all(), times.newest(len(records))):
        assert figures.frames == len(missed)
        assert figures.missed == sum(missed[1:])
        assert figures.seconds == pytest.approx((records[-1].display_time_ns - records[0].display_time_ns) / 1e9)
        assert figures.fps == pytest.approx(50.0 * (1 - figures.missed_share), rel=1e-3)


def test_stages_that_never_ran_are_left_out():
    assert set(times_of(RECORD).all().stages) == {"wait", "input", "pose", "draw", "submit", "frame", "lead"}
    shaded = replace(RECORD, conditions_ms=4.0, shade_ms=6.0, gpu_ms=2.0)
    both = times_of(RECORD, shaded)
    assert shaded.cost_ms == pytest.approx(RECORD.cost_ms + 10.0)
    assert both.all().stages["conditions"].p50 == pytest.approx(4.0, rel=0.01)
    assert list(both.all().stages) == list(both.newest(9).stages)
    assert both.all().stages["shade"].p50 == pytest.approx(6.0, rel=0.01)
    assert both.newest(9).stages["gpu"].p99 == 2.0


def test_empty_frames_are_frames_but_say_nothing_of_drawing():
    empty = replace(RECORD, rendered=False, draw_ms=0.0, scale=1.0, level=0)
    figures = times_of(RECORD, empty, empty).all()
    assert (figures.frames, figures.rendered) == (3, 1)
    assert figures.stages["draw"].p50 == pytest.approx(5.0, rel=0.01)
    assert (figures.scale_min, figures.scale_p50, figures.scale_max, figures.levels) == (0.5, 0.5, 0.5, {1: 1})


def test_scale_and_level_say_what_was_drawn():
    times = times_of(*(replace(RECORD, scale=s, level=n) for s, n in ((1.0, 0), (0.25, 2), (0.5, 1), (0.5, 1))))
    figures = times.all()
    assert (figures.scale_min, figures.scale_p50, figures.scale_max) == (0.25, 0.5, 1.0)
    assert figures.levels == {0: 1, 1: 2, 2: 1}
    assert figures == replace(times.newest(4), stages=figures.stages)


def test_figures_become_json_and_lines():
    times = times_of(RECORD, replace(RECORD, display_time_ns=2 * PERIOD_NS, missed=1))
    figures = times.newest(60)
    assert json.loads(json.dumps(figures.to_json()))["stages"]["draw"] == {"p50": 5.0, "p95": 5.0, "p99": 5.0}
    rate, drawn, *rows = figures.lines()
    assert rate == "headset 25.0/50 fps, 1 missed"
    assert drawn == "scale 0.50, level 1"
    assert [row.split()[0] for row in rows] == list(figures.stages)
    assert rows[3].split() == ["draw", "5.0", "5.0", "5.0"]


def test_no_frames_yet():
    times = FrameTimes(nominal_fps=90.0)
    for figures in (times.all(), times.newest(60)):
        assert (figures.frames, figures.fps, figures.missed_share, figures.stages) == (0, 0.0, 0.0, {})
        assert figures.lines() == ("headset 0.0/90 fps, 0 missed", "scale 0.00, level 0")
