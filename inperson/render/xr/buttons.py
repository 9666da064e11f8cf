"""`InputEvent`: what the wearer asks for by pressing a button, and when a press counts."""

from enum import Enum

HOLD_TO_QUIT_NS = 1_500_000_000
"""How long the menu button is held to leave, nanoseconds."""


class InputEvent(Enum):
    """What a button press asks for."""

    RECENTER = "recenter"
    """Put the play space's origin here. The recentre button went down, or the menu button was pressed briefly."""
    QUIT = "quit"
    """Leave the headset. The menu button was held."""


class Buttons:
    """Turns the two buttons' states, frame by frame, into events.

    A button counts from its press on: one that is already down when its controller appears, or when input comes
    back after the runtime's own menu, has to be let go first.
    """

    def __init__(self) -> None:
        self._recenter: bool | None = None
        self._menu: bool | None = None
        self._menu_pressed_ns: int | None = None

    def update(self, recenter: bool | None, menu: bool | None, time_ns: int) -> tuple[InputEvent, ...]:
        """The events of one frame.

        Args:
            recenter: whether the recentre button is down; None while there is none, or no input.
            menu: the same of the menu button.
            time_ns: of the frame, monotonic nanoseconds.
        """
        events = []
        if recenter and self._recenter is False:
            events.append(InputEvent.RECENTER)
        if menu and self._menu is False:
            self._menu_pressed_ns = time_ns
        if self._menu_pressed_ns is not None:
            if menu is None:
                self._menu_pressed_ns = None
            elif time_ns - self._menu_pressed_ns >= HOLD_TO_QUIT_NS:
                self._menu_pressed_ns = None
                events.append(InputEvent.QUIT)
            elif not menu:
                self._menu_pressed_ns = None
                events.append(InputEvent.RECENTER)
        self._recenter, self._menu = recenter, menu
        return tuple(events)
