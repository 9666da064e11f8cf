"""`HeadsetInput`: everything a headset knows of its wearer, read once a frame for its display time."""

from contextlib import ExitStack
from typing import Self

from inperson.avatar.headset_pose import HeadsetPose
from inperson.render.xr.actions import ActionSet
from inperson.render.xr.buttons import Buttons, InputEvent
from inperson.render.xr.controllers import Controllers, ControllerState
from inperson.render.xr.face import open_face_tracking
from inperson.render.xr.frames import FrameTiming
from inperson.render.xr.gaze import EyeGaze
from inperson.render.xr.hands import HandTracking
from inperson.render.xr.session import XrSession


class HeadsetInput:
    """The input of one session: head, controllers, and hands, gaze and face where the headset follows them.

    Make it right after its session (a session takes its actions once) and close it before; a reconnect makes both
    anew. Use from the session's thread.

    Raises:
        RuntimeLost: the runtime went away; also from `read` and `profiles`.
    """

    def __init__(self, session: XrSession) -> None:
        self._session = session
        self._buttons = Buttons()
        with ExitStack() as closing:
            self._actions = ActionSet(session)
            closing.callback(self._actions.close)
            self._controllers = Controllers(self._actions)
            self._gaze = EyeGaze(self._actions) if EyeGaze.offered(session.runtime) else None
            self._actions.attach()
            self._hands = HandTracking(session) if HandTracking.offered(session.runtime) else None
            if self._hands is not None:
                closing.callback(self._hands.close)
            self._face = open_face_tracking(session)
            if self._face is not None:
                closing.callback(self._face.close)
            self._closing = closing.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def read(self, timing: FrameTiming) -> tuple[HeadsetPose, tuple[InputEvent, ...]]:
        """Everything located for one frame's display time, and what was asked for since the last frame."""
        focused = self._actions.sync()
        controllers = self._controllers.read(timing) if focused else ControllerState()
        left_hand, right_hand = self._hands.read(timing) if self._hands is not None else (None, None)
        pose = HeadsetPose(
            time_ns=timing.display_time_ns,
            T_play_from_head=self._session.locate_head(timing),
            T_play_from_left_grip=controllers.T_play_from_left_grip,
            T_play_from_right_grip=controllers.T_play_from_right_grip,
            left_hand=left_hand,
            right_hand=right_hand,
            T_play_from_gaze=self._gaze.read(timing) if self._gaze is not None and focused else None,
            face=self._face.read(timing) if self._face is not None else None,
        )
        return pose, self._buttons.update(controllers.recenter, controllers.menu, timing.display_time_ns)

    @property
    def parts(self) -> tuple[str, ...]:
        """What this headset can follow besides the head and controllers, of "hands", "gaze" and "face"."""
        found = {"hands": self._hands, "gaze": self._gaze, "face": self._face}
        return tuple(name for name, part in found.items() if part is not None)

    @property
    def profiles(self) -> tuple[str | None, str | None]:
        """The interaction profile of the left and the right hand now; None where there is no controller."""
        return self._controllers.profiles

    def close(self) -> None:
        """Destroy everything of the input; a second time, or after a loss, does no harm."""
        self._closing.close()
