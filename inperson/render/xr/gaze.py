"""`EyeGaze`: where the wearer looks (XR_EXT_eye_gaze_interaction)."""

import numpy as np
import xr
from jaxtyping import Float

from inperson.render.xr import extensions
from inperson.render.xr.actions import ActionSet
from inperson.render.xr.frames import FrameTiming
from inperson.render.xr.runtime import XrRuntime

_PROFILE = "/interaction_profiles/ext/eye_gaze_interaction"
_SOURCE = "/user/eyes_ext/input/gaze_ext/pose"


class EyeGaze:
    """Adds its action to a set that is not attached yet. Its methods may raise `RuntimeLost`."""

    def __init__(self, actions: ActionSet) -> None:
        self._actions = actions
        gaze = actions.create_pose("gaze", "Gaze")
        actions.suggest(_PROFILE, [(gaze, _SOURCE)])
        self._space = actions.create_space(gaze)

    @staticmethod
    def offered(runtime: XrRuntime) -> bool:
        """Whether this runtime's headset follows the eyes."""
        if extensions.EYE_GAZE not in runtime.enabled:
            return False
        properties = xr.SystemEyeGazeInteractionPropertiesEXT()
        runtime.query_system(properties)
        return bool(properties.supports_eye_gaze_interaction)

    def read(self, timing: FrameTiming) -> Float[np.ndarray, "4 4"] | None:
        """`T_play_from_gaze`: origin between the eyes, -z along the line of sight; None while the eyes are lost."""
        return self._actions.locate(self._space, timing)
