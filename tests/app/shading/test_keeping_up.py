"""`auto` gives way when pictures come late and comes back when there is room; a size asked for stays."""

import itertools
from dataclasses import dataclass

import pytest

from inperson.app.shading.engines import SizedEngine
from inperson.app.shading.keeping_up import PERIOD_MS, KeepingUp, worth_offering

DRAWING_MS = 8.0
STEP_MS = {"large": 60.0, "medium": 25.0, "small": 10.0}


@dataclass
class Named:
    name: str
    hidden_channels: int = 32


def engines(**step_ms: float) -> list[SizedEngine]:
    return [SizedEngine(size, Named(f"engine-{size}"), ms) for size, ms in (step_ms or STEP_MS).items()]


class Display:
    """Shows pictures whose shading costs what was measured, times the load on the machine."""

    def __init__(self, keeping_up: KeepingUp, step_ms: dict[str, float] | None = None) -> None:
        self.keeping_up, self.step_ms = keeping_up, list((step_ms or STEP_MS).values())
        self.now_ns = 0

    def run(self, seconds: float, load: float = 1.0) -> list[int | None]:
        """The sizes of the pictures of so long."""
        sizes, end_ns = [], self.now_ns + seconds * 1e9
        while self.now_ns < end_ns:
            size = self.keeping_up.size
            cost_ms = load * (DRAWING_MS + (0.0 if size is None else self.step_ms[size]))
            self.now_ns += round(1e6 * max(cost_ms, PERIOD_MS))
            self.keeping_up.drew(cost_ms, self.now_ns)
            sizes.append(size)
        return sizes


def test_auto_begins_with_the_largest_that_was_measured_to_fit() -> None:
    assert KeepingUp("auto", engines()).size == 1
    assert KeepingUp("auto", engines(large=30.0, small=5.0)).size == 0
    assert KeepingUp("auto", engines(small=PERIOD_MS + 1)).size is None


def test_auto_gives_way_under_load_and_comes_back_without_wavering() -> None:
    display = Display(KeepingUp("auto", engines()))
    assert set(display.run(10.0)) == {1}
    loaded = display.run(3.0, load=1.7)
    assert 1 not in loaded[6:], "given up within a quarter of a second"
    assert loaded[-1] == 2, "small still fits"
    assert display.run(3.0, load=4.5)[-1] is None
    resting = display.run(60.0)
    assert resting[-1] == 1
    changes = sum(a != b for a, b in itertools.pairwise(resting))
    assert changes <= 4


def test_what_never_fits_is_tried_ever_more_rarely() -> None:
    cost = {"small": 45.0}
    display = Display(KeepingUp("auto", engines(**cost)), cost)
    display.run(60.0)
    tried = display.run(60.0)
    assert tried.count(0) < 0.05 * len(tried)


def test_a_size_asked_for_stays_whatever_it_costs() -> None:
    keeping_up = KeepingUp("large", engines(large=500.0))
    assert set(Display(keeping_up, {"large": 500.0}).run(20.0, load=2.0)) == {0}


def test_a_size_that_costs_no_less_than_a_larger_one_is_not_offered() -> None:
    assert worth_offering([60.0, 61.0, 20.0]) == (0, 2)
    assert worth_offering([60.0, 60.0]) == (0,)
    keeping_up = KeepingUp("auto", engines(large=20.0, medium=30.0, small=5.0))
    display = Display(keeping_up, {"large": 20.0, "medium": 30.0, "small": 5.0})
    assert set(display.run(5.0)) == {0}
    assert 1 not in display.run(5.0, load=2.5)


def test_the_user_switches_it_off_and_on_and_reads_how_it_stands() -> None:
    keeping_up = KeepingUp("auto", engines())
    assert keeping_up.line == "medium on engine-medium"
    keeping_up.on = False
    assert (keeping_up.size, keeping_up.line) == (None, "off")
    Display(keeping_up).run(5.0, load=50.0)  # what pictures cost without it says nothing about it
    keeping_up.on = True
    assert keeping_up.size == 1
    assert KeepingUp("auto", engines(small=90.0)).line == "off for now: it does not keep up"


@pytest.mark.parametrize("asked", ["auto", "medium"])
def test_the_figures_count_every_picture(asked) -> None:
    keeping_up = KeepingUp(asked, engines(medium=25.0))
    shown = Display(keeping_up, {"medium": 25.0}).run(1.0)
    keeping_up.on = False
    off = Display(keeping_up).run(1.0)
    figures = keeping_up.figures()
    assert figures.pictures == {"medium": len(shown), "off": len(off)}
    assert (figures.asked, figures.engines) == (asked, {"medium": "engine-medium"})
    assert figures.words() == f"medium (engine-medium) on {len(shown)} pictures, off on {len(off)}"
