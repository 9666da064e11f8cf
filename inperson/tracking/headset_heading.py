"""Which way the trunk faces, from the head and the hands alone."""

import numpy as np
from jaxtyping import Float

from inperson.tracking.headset_frames import ramp, wrapped

FURTHEST_TURN = 1.2
"""Radians between the trunk's heading and the head's that a neck and a spine can make up for."""
_SLOW_S, _QUICK_S = 2.0, 0.25
"""Time constants with which the trunk follows: slowly a glance, quickly a turn."""
_GLANCE, _TURN = 0.35, 0.9
"""Radians."""
_HANDS_APART, _HANDS_AHEAD = 0.8, 0.8
"""Weight, against the head's, of a metre between the hands and of a metre that they are away from the head."""


def view_heading(R_play_from_view: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "2"]:
    """Where a head looks over the floor, (x, z), about unit length: of one that looks straight down or up,
    where its crown or its chin points."""
    ahead, up = -R_play_from_view[:, 2], R_play_from_view[:, 1]
    return ahead[[0, 2]] - ahead[1] * up[[0, 2]]


def yaw_of(direction: Float[np.ndarray, "2"]) -> float:
    """Radians about y that turn a body facing +z to face (x, z)."""
    return float(np.arctan2(direction[0], direction[1]))


def near_head(yaw: float, head_yaw: float) -> float:
    """The heading nearest `yaw` that the head can be turned from."""
    return head_yaw + float(np.clip(wrapped(yaw - head_yaw), -FURTHEST_TURN, FURTHEST_TURN))


class Heading:
    """Follows the head, less on glances, and the hands. `yaw` is radians about y from facing +z."""

    def __init__(self) -> None:
        self.yaw: float | None = None

    def follow(
        self,
        R_play_from_view: Float[np.ndarray, "3 3"],
        eyes: Float[np.ndarray, "3"],
        left: Float[np.ndarray, "3"] | None,
        right: Float[np.ndarray, "3"] | None,
        dt: float,
    ) -> float:
        """The trunk's heading `dt` seconds later.

        Args:
            R_play_from_view: the head's.
            eyes: their place, play space, metres.
            left, right: the wrists' places, or None.
        """
        head = view_heading(R_play_from_view)
        head_yaw = yaw_of(head)
        target = wrapped(yaw_of(head + _hands_say(head, eyes, left, right)))
        if self.yaw is None:
            self.yaw = target
        off = wrapped(target - self.yaw)
        rate = 1.0 / _SLOW_S + (1.0 / _QUICK_S - 1.0 / _SLOW_S) * ramp(abs(off), _GLANCE, _TURN)
        self.yaw = near_head(self.yaw + off * (1.0 - np.exp(-dt * rate)), head_yaw)
        return self.yaw


def _hands_say(
    head: Float[np.ndarray, "2"],
    eyes: Float[np.ndarray, "3"],
    left: Float[np.ndarray, "3"] | None,
    right: Float[np.ndarray, "3"] | None,
) -> Float[np.ndarray, "2"]:
    """Hands reach ahead of the trunk, and the line between them lies across it."""
    if left is None or right is None:
        return np.zeros(2)
    across = (left - right)[[0, 2]]
    ahead = np.array([-across[1], across[0]])
    ahead *= _HANDS_APART * ramp(float(head @ ahead), 0.0, 0.3)
    out = (0.5 * (left + right) - eyes)[[0, 2]]
    return ahead + _HANDS_AHEAD * ramp(float(head @ out), 0.0, 0.3) * out
