"""When a press counts: events out of two buttons' states, frame by frame."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from inperson.render.xr.buttons import HOLD_TO_QUIT_NS, Buttons, InputEvent

FRAME_NS = 1_000_000_000 // 90
RECENTER, QUIT = InputEvent.RECENTER, InputEvent.QUIT

State = bool | None


def play(recenter: list[State], menu: list[State], period_ns: int = FRAME_NS) -> list[tuple[InputEvent, ...]]:
    """The events of each frame."""
    buttons = Buttons()
    return [buttons.update(r, m, k * period_ns) for k, (r, m) in enumerate(zip(recenter, menu, strict=True))]


def test_recentre_button_counts_once_when_it_goes_down():
    events = play([False, True, True, True, False, False, True], [False] * 7)
    assert events == [(), (RECENTER,), (), (), (), (), (RECENTER,)]


def test_brief_press_of_menu_recentres_when_let_go():
    events = play([False] * 5, [False, True, True, False, False])
    assert events == [(), (), (), (RECENTER,), ()]


def test_holding_menu_leaves_once_and_letting_go_then_does_nothing():
    half = HOLD_TO_QUIT_NS // 2
    assert play([False] * 6, [False, True, True, True, True, False], half) == [(), (), (), (QUIT,), (), ()]


def test_button_already_down_when_input_comes_back_must_be_let_go_first():
    assert play([None, True, True, False, True], [False] * 5) == [(), (), (), (), (RECENTER,)]
    half = HOLD_TO_QUIT_NS // 2
    assert play([False] * 6, [None, True, True, True, True, False], half) == [()] * 6


def test_losing_input_while_menu_is_down_is_no_press():
    assert play([False] * 5, [False, True, None, False, False]) == [()] * 5
    half = HOLD_TO_QUIT_NS // 2
    assert play([False] * 6, [False, True, None, True, True, True], half) == [()] * 6


states = st.lists(st.tuples(st.sampled_from([True, False, None]), st.sampled_from([True, False, None])), max_size=60)


@given(states, st.integers(1, HOLD_TO_QUIT_NS))
def test_never_more_events_than_presses(pressed, period_ns):
    recenter, menu = [r for r, _ in pressed], [m for _, m in pressed]
    events = [event for frame in play(recenter, menu, period_ns) for event in frame]
    presses = {
        name: sum(1 for before, now in pairwise(states) if before is False and now)
        for name, states in (("recenter", recenter), ("menu", menu))
    }
    assert events.count(QUIT) <= presses["menu"]
    assert len(events) <= presses["recenter"] + presses["menu"]
    assert events.count(RECENTER) >= presses["recenter"]
