"""`ActionSet`: the one action set of a session, from its first action to its last synchronisation."""

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import numpy as np
import xr
from jaxtyping import Float
from xr import exception

from inperson.render.xr.frames import FrameTiming
from inperson.render.xr.loss import destroy, noticing_loss
from inperson.render.xr.session import XrSession


class ActionSet:
    """Actions are created and bound first, then `attach` fixes them, then each frame begins with `sync`.

    OpenXR ties an action set to the session it is attached to, so every session gets a new one. All methods but
    `close` may raise `RuntimeLost`.
    """

    def __init__(self, session: XrSession) -> None:
        self._session = session
        self._instance = session.runtime.instance
        self._closing = ExitStack()
        with noticing_loss():
            self._handle = xr.create_action_set(
                self._instance, xr.ActionSetCreateInfo("inperson", "InPerson", priority=0)
            )
        self._closing.callback(destroy, xr.destroy_action_set, self._handle)
        active = xr.ActiveActionSet(self._handle, xr.NULL_PATH)
        self._sync_info = xr.ActionsSyncInfo(active_action_sets=[active])

    @property
    def session(self) -> XrSession:
        """The session this set is for."""
        return self._session

    def create_pose(self, name: str, label: str, hands: Iterable[str] = ()) -> xr.Action:
        """An action that is somewhere: one place, or one for each of the `hands` (user paths)."""
        return self._create(xr.ActionType.POSE_INPUT, name, label, hands)

    def create_button(self, name: str, label: str) -> xr.Action:
        """An action that is on while any of its inputs is pressed."""
        return self._create(xr.ActionType.BOOLEAN_INPUT, name, label, ())

    def create_space(self, action: xr.Action, hand: str | None = None) -> xr.Space:
        """Where a pose action is, to be located; this set destroys it."""
        info = xr.ActionSpaceCreateInfo(action=action, subaction_path=self._path(hand) if hand else xr.NULL_PATH)
        with noticing_loss():
            space = xr.create_action_space(self._session.handle, info)
        self._closing.callback(destroy, xr.destroy_space, space)
        return space

    def suggest(self, profile: str, bindings: Iterable[tuple[xr.Action, str]]) -> None:
        """Bind actions to inputs of an interaction profile, all of that profile at once."""
        suggested = [xr.ActionSuggestedBinding(action, self._path(source)) for action, source in bindings]
        with noticing_loss():
            xr.suggest_interaction_profile_bindings(
                self._instance,
                xr.InteractionProfileSuggestedBinding(
                    interaction_profile=self._path(profile), suggested_bindings=suggested
                ),
            )

    def attach(self) -> None:
        """Give the actions to the session; afterwards none can be added."""
        with noticing_loss():
            xr.attach_session_action_sets(
                self._session.handle, xr.SessionActionSetsAttachInfo(action_sets=[self._handle])
            )

    def sync(self) -> bool:
        """Bring every action's state up to date; False while the session has no input (not focused)."""
        try:
            with noticing_loss():
                xr.sync_actions(self._session.handle, self._sync_info)
        except exception.SessionNotFocused:  # a success code, which pyopenxr raises
            return False
        return True

    def pressed(self, button: xr.Action) -> bool | None:
        """Whether a button is pressed since the last `sync`; None while no controller has it."""
        with noticing_loss():
            state = xr.get_action_state_boolean(self._session.handle, xr.ActionStateGetInfo(action=button))
        return bool(state.current_state) if state.is_active else None

    def locate(self, space: xr.Space, timing: FrameTiming) -> Float[np.ndarray, "4 4"] | None:
        """`T_play_from_space` of an action's space at display time; None while nothing is there."""
        return self._session.locate(space, timing)

    def interaction_profile(self, hand: str) -> str | None:
        """The profile the runtime uses for a hand (a user path) now; None where there is no controller."""
        with noticing_loss():
            current = xr.get_current_interaction_profile(self._session.handle, self._path(hand)).interaction_profile
            return xr.path_to_string(self._instance, current) if current != xr.NULL_PATH else None

    def close(self) -> None:
        """Destroy the spaces, the actions and the set; before the session, and once."""
        self._closing.close()

    def _create(self, kind: xr.ActionType, name: str, label: str, hands: Iterable[str]) -> xr.Action:
        info = xr.ActionCreateInfo(
            action_name=name,
            action_type=kind,
            localized_action_name=label,
            subaction_paths=[self._path(hand) for hand in hands],
        )
        with noticing_loss():
            return xr.create_action(self._handle, info)  # destroyed with its set

    def _path(self, text: str) -> Any:
        with noticing_loss():
            return xr.string_to_path(self._instance, text)
