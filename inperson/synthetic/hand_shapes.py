"""Hand shapes as 15-joint rotations from the flat hand, in SMPL-X's order: index, middle, pinky, ring, thumb."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

FINGERS = ("index", "middle", "pinky", "ring", "thumb")
_FLEXION_SHARE = (0.9, 1.1, 0.7)
"""How a curl spreads over knuckle, middle and end joint."""
_SPREAD_SHARE = np.array([1.0, 0.25, -1.2, -0.45])
_THUMB_AXES = np.array([[0.74, 0.62, -0.25], [0.58, 0.81, 0.0], [0.58, 0.81, 0.0]])
"""Of the left thumb's three joints: the first brings it across the palm, the others bend it."""
_THUMB_SHARE = np.array([0.5, 0.6, 0.6])


@dataclass(frozen=True, slots=True)
class HandShape:
    """Curl of each finger (radians at the middle joint, about; 0 straight, 1.35 a fist) and how far they spread."""

    index: float
    middle: float
    ring: float
    pinky: float
    thumb: float
    spread: float = 0.0

    def curls(self) -> Float[np.ndarray, "6"]:
        """As numbers that can be interpolated: index, middle, pinky, ring, thumb, spread."""
        return np.array([self.index, self.middle, self.pinky, self.ring, self.thumb, self.spread])


OPEN = HandShape(0.08, 0.06, 0.08, 0.10, 0.1, 0.12)
RELAXED = HandShape(0.35, 0.42, 0.48, 0.52, 0.35, 0.04)
LOOSE = HandShape(0.18, 0.22, 0.28, 0.32, 0.22, 0.08)
FIST = HandShape(1.32, 1.36, 1.36, 1.32, 1.15, 0.0)
POINT = HandShape(0.05, 1.30, 1.34, 1.32, 1.0, 0.0)
TWO = HandShape(0.05, 0.06, 1.34, 1.32, 1.05, 0.14)
THREE = HandShape(0.05, 0.05, 0.06, 1.32, 1.05, 0.12)
PINCH = HandShape(0.75, 0.45, 0.35, 0.30, 0.75, 0.06)
THUMB_UP = HandShape(1.32, 1.36, 1.36, 1.32, -0.2, 0.0)

SHAPES: dict[str, HandShape] = {
    "open": OPEN,
    "relaxed": RELAXED,
    "loose": LOOSE,
    "fist": FIST,
    "point": POINT,
    "two": TWO,
    "three": THREE,
    "pinch": PINCH,
    "thumb up": THUMB_UP,
}


def hand_pose(curls: Float[np.ndarray, "6"], left: bool) -> Float[np.ndarray, "15 3"]:
    """Axis-angle of the 15 joints of one hand, float32. The left hand lies along +x, palm down, in the T-pose."""
    sign = 1.0 if left else -1.0
    pose = np.zeros((5, 3, 3), np.float32)
    for finger in range(4):
        pose[finger, :, 2] = -sign * curls[finger] * np.array(_FLEXION_SHARE)
        pose[finger, 0, 1] = -sign * _SPREAD_SHARE[finger] * curls[5]
    pose[4] = curls[4] * _THUMB_SHARE[:, None] * _THUMB_AXES * np.array([1.0, sign, sign])
    return pose.reshape(15, 3)
