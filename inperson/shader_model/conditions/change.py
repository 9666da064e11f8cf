"""How much changed from one frame to the next: GAS's modality switch, graded, and whether it is a jump.

GAS (Lu et al. 2025) tells its network whether it is asked for another view or another pose. Live both happen at
once, so each is told by degrees. What the picture shows of a person who turns before a still eye is what an eye
shows that goes round a still person: the rigid part of the body's motion belongs to the view, the rest is pose.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.render.views import EyeView

VIEW_SCALE = 0.03
"""Radians (and natural logarithm of distance) per frame at which the switch says 0.63: a brisk turn at 30 Hz."""
POSE_SCALE = 0.01
"""Metres (RMS over the body) per frame at which the switch says 0.63."""
LONGEST_PAUSE_NS = 500_000_000
FARTHEST_STEP, WIDEST_TURN = 0.5, np.deg2rad(45.0)
"""Metres and radians that an eye or the person may move between two frames; more is a cut or a teleport."""
LARGEST_POSE_CHANGE = 0.15
"""Metres, RMS over the body."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """From the previous frame to this one."""

    then: Float[np.ndarray, "N 3"]
    """Where this frame's Gaussians were, world."""
    switch: Float[np.ndarray, "E 2"]
    """`Conditions.switch`."""


@dataclass(frozen=True, slots=True, eq=False)
class RigidMotion:
    """The rigid motion nearest to what points did: now = turn (before - from) + to, in the mean."""

    turn: Float[np.ndarray, "3 3"]
    from_middle: Float[np.ndarray, "3"]
    to_middle: Float[np.ndarray, "3"]
    rest: float
    """RMS of what it leaves, metres."""

    @staticmethod
    def of(before: Float[np.ndarray, "N 3"], now: Float[np.ndarray, "N 3"]) -> "RigidMotion":
        """Least squares (Kabsch 1976)."""
        a, b = before.astype(np.float64), now.astype(np.float64)
        from_middle, to_middle = a.mean(axis=0), b.mean(axis=0)
        a, b = a - from_middle, b - to_middle
        u, _, vt = np.linalg.svd(b.T @ a)
        u[:, 2] *= np.sign(np.linalg.det(u @ vt))
        turn = u @ vt
        return RigidMotion(turn, from_middle, to_middle, float(np.sqrt(np.square(b - a @ turn.T).sum(axis=1).mean())))


def modality_switch(
    motion: RigidMotion, before: Sequence[EyeView], now: Sequence[EyeView]
) -> Float[np.ndarray, "E 2"]:
    """`Conditions.switch`, float32.

    Args:
        motion: of the person since the previous frame.
        before: the eyes of the previous frame.
        now: of this one, as many.
    """
    pose = 1.0 - np.exp(-motion.rest / POSE_SCALE)
    out = []
    for old, new in zip(before, now, strict=True):
        then = motion.turn @ (old.T_world_from_eye[:3, 3] - motion.from_middle)
        here = new.T_world_from_eye[:3, 3] - motion.to_middle
        angle = np.arctan2(np.linalg.norm(np.cross(then, here)), then @ here)
        nearer = np.log(np.linalg.norm(here) / np.linalg.norm(then))
        out.append((1.0 - np.exp(-np.hypot(angle, nearer) / VIEW_SCALE), pose))
    return np.array(out, np.float32)


def is_jump(motion: RigidMotion, before: Sequence[EyeView], now: Sequence[EyeView], elapsed_ns: int) -> bool:
    """Whether nothing should be carried over: a long pause, a clock set back, a cut, a teleport."""
    if not 0 <= elapsed_ns <= LONGEST_PAUSE_NS or motion.rest > LARGEST_POSE_CHANGE:
        return True
    steps = [(motion.turn, motion.to_middle - motion.from_middle)]
    for old, new in zip(before, now, strict=True):
        a, b = old.T_world_from_eye, new.T_world_from_eye
        steps.append((b[:3, :3] @ a[:3, :3].T, b[:3, 3] - a[:3, 3]))
    return any(
        np.linalg.norm(step) > FARTHEST_STEP or np.trace(turn) < 1.0 + 2.0 * np.cos(WIDEST_TURN)
        for turn, step in steps
    )
