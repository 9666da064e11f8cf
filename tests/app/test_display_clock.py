"""The display clock on a scripted time."""

import pytest

from inperson.app import display_clock
from inperson.app.display_clock import DisplayClock


@pytest.fixture
def clock(monkeypatch):
    now = {"ns": 5_000_000_000}

    def sleep(seconds):
        now["ns"] += round(seconds * 1e9)

    monkeypatch.setattr(display_clock.time, "monotonic_ns", lambda: now["ns"])
    monkeypatch.setattr(display_clock.time, "sleep", sleep)
    return now


def test_ticks_are_evenly_spaced_however_long_the_work_takes(clock):
    ticking = DisplayClock(50.0)
    ticks = []
    for work_ns in (1_000_000, 15_000_000, 0, 19_999_999, 7):
        ticks.append(ticking.wait())
        clock["ns"] += work_ns
    assert ticks == [5_000_000_000 + 20_000_000 * k for k in range(1, 6)]


def test_after_a_slow_picture_the_next_comes_at_once_and_nothing_is_run_after(clock):
    ticking = DisplayClock(50.0)
    ticking.wait()
    clock["ns"] += 70_000_000  # three and a half periods
    late = clock["ns"]
    assert ticking.wait() == clock["ns"] == late
    assert ticking.wait() == clock["ns"] == late + 20_000_000
