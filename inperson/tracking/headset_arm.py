"""One arm of the wearer: to where headset or controller have the wrist, with the elbow that the webcam sees."""

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.tracking.headset_arms import collar_rotation, solve_arm, swivel_of
from inperson.tracking.headset_frames import about, apply, dot, inverse_times, rotation_between, times, unit, wrapped
from inperson.tracking.headset_hands import TrackedWrist
from inperson.tracking.headset_skeleton import JOINT, WearerSkeleton

_SWIVEL_S = 0.12
"""Time constant with which the elbow goes where the webcam sees it."""
_HAND, _CLEARANCE = 0.19, 0.03
"""Metres from the wrist to the fingertips, and that these stay above the floor when the arm hangs."""
_UP, _AHEAD = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])


class Arm:
    """Keeps one elbow's swivel.

    Args:
        skeleton: the wearer's.
        left: which arm.
    """

    def __init__(self, skeleton: WearerSkeleton, *, left: bool) -> None:
        name = "left" if left else "right"
        self.joints = [JOINT[f"{name}_{part}"] for part in ("collar", "shoulder", "elbow", "wrist")]
        self._bones = skeleton.tree.offsets[self.joints].copy()
        self._side = 1.0 if left else -1.0
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self._swivel = 0.0

    def hang(
        self, resting: Float[np.ndarray, "4 3 3"], chest: Float[np.ndarray, "3 3"], at: Float[np.ndarray, "3"]
    ) -> Float[np.ndarray, "4 3 3"]:
        """An arm of which nothing is known: it hangs down as from an upright chest, however the chest leans, or is
        put forward where the floor is nearer than the fingertips.

        Args:
            resting: local rotations of collar, shoulder, elbow and wrist at rest.
            chest, at: world rotation and place of the chest (spine3).
        """
        return _hang(self._bones, resting, chest, at)

    def reach(
        self,
        wrist: TrackedWrist,
        chest: Float[np.ndarray, "3 3"],
        at: Float[np.ndarray, "3"],
        seen: Float[np.ndarray, "4 3 3"] | None,
        trust: float,
        dt: float,
    ) -> Float[np.ndarray, "4 3 3"]:
        """Local rotations of collar, shoulder, elbow and wrist that bring the wrist there.

        Args:
            wrist: where it is, in the play space.
            chest, at: world rotation and place of the chest (spine3).
            seen: the same four joints as the webcam has them, or None.
            trust: how far to believe the webcam's elbow, 0 to 1.
        """
        position, hand = chest.T @ (wrist.position - at), chest.T @ wrist.rotation
        wanted = 0.0
        if seen is not None:
            angle, clarity = _seen_swivel(self._bones, seen, position, self._side)
            wanted = trust * clarity * angle
        self._swivel = wrapped(self._swivel + (1.0 - float(np.exp(-dt / _SWIVEL_S))) * wrapped(wanted - self._swivel))
        return _reach(self._bones, position, hand, self._side, self._swivel)


@njit(cache=True, nogil=True)
def _hang(bones, resting, chest, at):
    """The shoulder undoes the chest's lean, and turns forward until the fingertips clear the floor."""
    upright = times(rotation_between(chest[:, 1].copy(), _UP), chest)
    shoulder = at + apply(chest, bones[0] + apply(resting[0], bones[1]))
    length = np.sqrt(dot(bones[2], bones[2])) + np.sqrt(dot(bones[3], bones[3])) + _HAND
    forward = np.arccos(min(max((shoulder[1] - _CLEARANCE) / length, 0.0), 1.0))
    hung = times(upright, times(resting[0], resting[1]))
    out = resting.copy()
    out[1] = inverse_times(times(chest, resting[0]), times(about(upright[:, 0].copy(), -forward), hung))
    return out


@njit(cache=True, nogil=True)
def _line_to(bones, wrist):
    """Direction from the resting shoulder to the wrist, and its length as a share of the arm's."""
    line = wrist - (bones[0] + bones[1])
    length = np.sqrt(dot(bones[2], bones[2])) + np.sqrt(dot(bones[3], bones[3]))
    return unit(line, _AHEAD), np.sqrt(dot(line, line)) / length


@njit(cache=True, nogil=True)
def _seen_swivel(bones, seen, wrist, side):
    """`swivel_of` the webcam's arm."""
    line, reach = _line_to(bones, wrist)
    shoulder = bones[0] + apply(seen[0], bones[1])
    upper = times(seen[0], seen[1])
    elbow = shoulder + apply(upper, bones[2])
    end = elbow + apply(times(upper, seen[2]), bones[3])
    return swivel_of(shoulder, elbow, end, line, reach, side)


@njit(cache=True, nogil=True)
def _reach(bones, wrist, hand, side, swivel):
    """The four local rotations, all in the chest's frame."""
    line, reach = _line_to(bones, wrist)
    collar = collar_rotation(line, reach, side)
    shoulder = bones[0] + apply(collar, bones[1])
    upper, fore, hand = solve_arm(shoulder, wrist, hand, bones[2], bones[3], side, swivel)
    out = np.empty((4, 3, 3))
    out[0] = collar
    out[1] = inverse_times(collar, upper)
    out[2] = inverse_times(upper, fore)
    out[3] = inverse_times(fore, hand)
    return out
