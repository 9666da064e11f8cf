"""Stage times against numpy on the same numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.app.timing import Rate, StageTimes


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=50))
def test_table_is_median_and_p95_of_all_samples(durations_ns):
    times = StageTimes()
    for duration in durations_ns:
        times.add("fit", duration)
    row = times.table()["fit"]
    assert row["median_ms"] == pytest.approx(np.median(durations_ns) / 1e6, abs=1e-3)
    assert row["p95_ms"] == pytest.approx(np.percentile(durations_ns, 95) / 1e6, abs=1e-3)
    assert row["count"] == len(durations_ns)


def test_the_newest_samples_alone():
    times = StageTimes()
    for duration in (1_000_000_000, 1_000_000, 2_000_000, 3_000_000):
        times.add("draw", duration)
    assert times.table(newest=3)["draw"] == {"median_ms": 2.0, "p95_ms": 2.9, "count": 3}
    assert times.table(newest=9)["draw"]["count"] == 4


def test_a_stage_that_fails_is_not_counted():
    times = StageTimes()
    with pytest.raises(ValueError, match="bug"), times.measure("fit"):
        raise ValueError("bug")
    with times.measure("draw"):
        pass
    assert list(times.table()) == ["draw"]


def test_rates_count_intervals_not_events():
    assert Rate(count=31, seconds=1.0).per_second == 30.0
    assert Rate(count=1, seconds=1.0).per_second == 0.0
    assert Rate(count=0, seconds=0.0).per_second == 0.0
