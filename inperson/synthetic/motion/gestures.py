"""Gestures as keyframes of the two hands in the torso's frame, joined by minimum-jerk motion."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation, Slerp

from inperson.synthetic.arm_ik import HandGoal
from inperson.synthetic.hand_shapes import HandShape
from inperson.synthetic.motion.smooth import interpolate, minimum_jerk

Direction = tuple[float, float, float]

INWARD: Direction = (-1.0, 0.0, 0.0)
"""Directions of the left hand, torso frame; the right hand's are mirrored."""
OUTWARD: Direction = (1.0, 0.0, 0.0)
UP: Direction = (0.0, 1.0, 0.0)
DOWN: Direction = (0.0, -1.0, 0.0)
FORWARD: Direction = (0.0, 0.0, 1.0)
BACK: Direction = (0.0, 0.0, -1.0)
ELBOW_DOWN: Direction = (0.4, -1.0, -0.3)
MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class HandKey:
    """One hand at one time, told as for the left hand (x outward); `HandTrack` mirrors the right one."""

    seconds: float
    position: tuple[float, float, float]
    """Of the wrist, metres from the middle of the shoulders."""
    fingers: Direction
    palm: Direction
    shape: HandShape
    elbow: Direction = ELBOW_DOWN


@dataclass(frozen=True, slots=True, eq=False)
class HandTrack:
    """One hand over T frames."""

    goals: tuple[HandGoal, ...]
    curls: Float[np.ndarray, "T 6"]


def hand_track(
    keys: tuple[HandKey, ...],
    times: Float[np.ndarray, " T"],
    left: bool,
    drift: Float[np.ndarray, "T 3"],
    scale: float,
) -> HandTrack:
    """Minimum-jerk through the keys; orientation by spherical interpolation.

    Args:
        drift: metres added to the wrist, so that a held hand is never frozen.
        scale: of the positions (somebody's arm against the one they were written for).
    """
    seconds = np.array([k.seconds for k in keys])
    position = scale * interpolate(times, seconds, np.array([k.position for k in keys])) + drift
    elbow = interpolate(times, seconds, np.array([k.elbow for k in keys]))
    curls = interpolate(times, seconds, np.stack([k.shape.curls() for k in keys]))
    frames = Rotation.from_matrix([_frame(np.array(k.fingers), np.array(k.palm)) for k in keys])
    i = np.clip(np.searchsorted(seconds, times, side="right") - 1, 0, len(keys) - 2)
    eased = seconds[i] + minimum_jerk((times - seconds[i]) / np.diff(seconds)[i]) * np.diff(seconds)[i]
    turned = Slerp(seconds, frames)(np.clip(eased, seconds[0], seconds[-1])).as_matrix()
    side = np.ones(3) if left else MIRROR
    goals = tuple(
        HandGoal(p * side, R[:, 0] * side, R[:, 1] * side, e * side)
        for p, R, e in zip(position, turned, elbow, strict=True)
    )
    return HandTrack(goals, curls)


def _frame(x: Float[np.ndarray, "3"], y: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Right-handed columns: x, y made orthogonal, their cross product."""
    x = x / np.linalg.norm(x)
    y = y - x * (x @ y)
    y = y / np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)], axis=1)
