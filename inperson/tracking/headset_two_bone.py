"""Two-bone inverse kinematics, for arms and legs: the law of cosines and a direction for the joint between."""

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.tracking.headset_frames import any_perpendicular, cross, dot, frame, perpendicular, times, unit

_DOWN = np.array([0.0, -1.0, 0.0])
_FOLDED = 1e-3
"""Metres by which a limb stays short of folding onto itself."""


@njit(cache=True, nogil=True)
def two_bones(
    origin: Float[np.ndarray, "3"],
    target: Float[np.ndarray, "3"],
    upper: Float[np.ndarray, "3"],
    lower: Float[np.ndarray, "3"],
    rest_hinge: Float[np.ndarray, "3"],
    pole: Float[np.ndarray, "3"],
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3 3"]]:
    """World rotations of the two bones that bring the limb's end to `target`.

    A target out of reach is pointed at with the limb straight; one nearer than the limb folds is met as near as
    it goes.

    Args:
        origin: where the limb begins.
        upper, lower: the two bones in the rest pose.
        rest_hinge: unit axis, in the rest pose, about which a positive turn of the lower bone bends the limb.
        pole: where the joint between points, seen from the line origin-target; any vector not along that line.
    """
    a, b = np.sqrt(dot(upper, upper)), np.sqrt(dot(lower, lower))
    line = target - origin
    distance = min(max(np.sqrt(dot(line, line)), abs(a - b) + _FOLDED), a + b)
    line = unit(line, _DOWN)
    side = unit(perpendicular(pole, line), any_perpendicular(line))
    along = (a * a + distance * distance - b * b) / (2.0 * distance)
    aside = np.sqrt(max(a * a - along * along, 0.0))
    hinge = cross(side, line)
    first = along * line + aside * side
    second = distance * line - first
    return (
        times(frame(first, hinge), frame(upper, rest_hinge).T),
        times(frame(second, hinge), frame(lower, rest_hinge).T),
    )
