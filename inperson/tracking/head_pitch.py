"""How far a user's head is pitched from MediaPipe's face frame, learned from where the ears are.

The face model fits one canonical face to everybody, so the pitch it gives is off by a constant that differs from
person to person (20 degrees between extremes). The pose model's ears lie well behind the eyes: their height in
the picture tells the pitch without a model of the face.
"""

from collections import deque

import numpy as np
from jaxtyping import Float

from inperson.tracking.fit import landmarks as lm
from inperson.tracking.fit.observe import landmark_trust
from inperson.tracking.observation import Observation

USUAL_PITCH = -0.12
"""Radians about x from MediaPipe's face frame to SMPL-X's head, before anything is known of a user."""
_RANGE = (-0.35, 0.10)
_EARS_ABOVE = 0.09
"""Radians by which the ear landmarks alone would pitch the head down too far: measured on renders with known pose."""
_EARS_BEHIND_EYES = 0.105
"""Metres."""
_FACING = 0.75
"""Cosine between the face and the view below which the ears say little."""
_LEAST_TRUST = 0.5
_FRAMES = 60
"""How many of the newest frames the estimate rests on."""
_GAIN = 0.05
"""Share of the error that one frame corrects."""


class HeadPitch:
    """A slowly corrected estimate for one user.

    Args:
        start: radians.
    """

    def __init__(self, start: float = USUAL_PITCH) -> None:
        self.value = start
        self._errors: deque[float] = deque(maxlen=_FRAMES)

    def add(self, obs: Observation, shown: Float[np.ndarray, "P 2"], depth: float) -> None:
        """Takes in one frame.

        Args:
            obs: what was seen, with a face and a body.
            shown: pixels of the fit landmarks of the pose fitted with the present `value`.
            depth: distance of the head from the camera, metres.
        """
        if obs.face is None or obs.body_pixels is None or obs.face.T_cv_from_head[2, 2] > -_FACING:
            return
        if landmark_trust(obs)[[7, 8]].min() < _LEAST_TRUST:
            return
        seen_eyes = obs.face.pixels[[*lm.MP_FACE_LEFT_EYE_CORNERS, *lm.MP_FACE_RIGHT_EYE_CORNERS], 1].mean()
        eyes_low = seen_eyes - shown[[lm.FACE_LEFT_EYE, lm.FACE_RIGHT_EYE], 1].mean()
        ears_low = obs.body_pixels[[7, 8], 1].mean() - shown[[7, 8], 1].mean()
        lever = _EARS_BEHIND_EYES * obs.intrinsics.fy / depth
        self._errors.append(float((eyes_low - ears_low) / lever) - _EARS_ABOVE)
        step = _GAIN * float(np.median(self._errors))
        self.value = float(np.clip(self.value + step, *_RANGE))
