"""`Controllers`: where the two controllers are held, and which of their buttons are down."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xr
from jaxtyping import Float

from inperson.render.xr.actions import ActionSet
from inperson.render.xr.frames import FrameTiming
from inperson.render.xr.profiles import HANDS, PROFILES, InteractionProfile


@dataclass(frozen=True, slots=True)
class ControllerState:
    """Both controllers at one display time; None where there is no such controller, or it is lost."""

    T_play_from_left_grip: Float[np.ndarray, "4 4"] | None = None
    T_play_from_right_grip: Float[np.ndarray, "4 4"] | None = None
    recenter: bool | None = None
    """Whether a recentre button is down, on either hand."""
    menu: bool | None = None


class Controllers:
    """Adds its actions to a set that is not attached yet. Its methods may raise `RuntimeLost`."""

    def __init__(self, actions: ActionSet) -> None:
        self._actions = actions
        self._grip = actions.create_pose("grip", "Hand", HANDS)
        self._recenter = actions.create_button("recenter", "Recentre")
        self._menu = actions.create_button("menu", "Recentre; hold to leave")
        enabled = actions.session.runtime.enabled
        for profile in PROFILES:
            if profile.extension is None or profile.extension in enabled:
                actions.suggest(profile.path, self._bindings(profile))
        self._left, self._right = (actions.create_space(self._grip, hand) for hand in HANDS)

    def read(self, timing: FrameTiming) -> ControllerState:
        """Since the set's last synchronisation, at display time."""
        return ControllerState(
            T_play_from_left_grip=self._actions.locate(self._left, timing),
            T_play_from_right_grip=self._actions.locate(self._right, timing),
            recenter=self._actions.pressed(self._recenter),
            menu=self._actions.pressed(self._menu),
        )

    @property
    def profiles(self) -> tuple[str | None, str | None]:
        """The interaction profile of the left and the right hand now; None where there is no controller."""
        left, right = (self._actions.interaction_profile(hand) for hand in HANDS)
        return left, right

    def _bindings(self, profile: InteractionProfile) -> Iterator[tuple[xr.Action, str]]:
        for action, sources in (
            (self._grip, profile.grips),
            (self._recenter, profile.recenter_buttons),
            (self._menu, profile.menu_buttons),
        ):
            for source in sources:
                yield action, source
