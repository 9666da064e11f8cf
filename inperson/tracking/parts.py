"""Parts of the body that are seen, held, eased to rest and taken up again, each on its own."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from jaxtyping import Bool, Float

from inperson.tracking.fit.problem import NUM_JOINTS
from inperson.tracking.fit.so3 import slerp_all


class Part(Enum):
    """Groups of joints that come into view and go out of view together, and their joints (SMPL-X numbers)."""

    TRUNK = (0, 3, 6, 9, 12, 13, 14, 15)
    LEFT_ARM = (16, 18, 20)
    RIGHT_ARM = (17, 19, 21)
    LEFT_LEG = (1, 4, 7, 10)
    RIGHT_LEG = (2, 5, 8, 11)
    LEFT_FINGERS = tuple(range(25, 40))
    RIGHT_FINGERS = tuple(range(40, 55))
    FACE = (22,)
    EYES = (23, 24)


def moving_joints(seen: frozenset[Part]) -> Bool[np.ndarray, "55"]:
    """The joints of the body and hands that are seen."""
    moving = np.zeros(NUM_JOINTS, bool)
    for part in seen - {Part.FACE, Part.EYES}:
        moving[list(part.value)] = True
    return moving


def per_joint(trunk: float, arms: float, legs: float, fingers: float) -> Float[np.ndarray, "55"]:
    """One number for each joint, by the kind of part it belongs to (the face goes with the trunk)."""
    out = np.full(NUM_JOINTS, trunk)
    for parts, value in (
        ((Part.LEFT_ARM, Part.RIGHT_ARM), arms),
        ((Part.LEFT_LEG, Part.RIGHT_LEG), legs),
        ((Part.LEFT_FINGERS, Part.RIGHT_FINGERS), fingers),
    ):
        for part in parts:
            out[list(part.value)] = value
    return out


@dataclass(frozen=True, slots=True)
class HoldTiming:
    """Seconds."""

    hold: float = 0.5
    """A part that is no longer seen keeps its last pose this long,"""
    ease: float = 1.0
    """then goes to rest in this time;"""
    blend: float = 0.15
    """seen again, it goes from where it is shown to where it is seen in this time."""


def smoothstep(x: float) -> float:
    """0 to 1 with level ends, clamped."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


class PartKeeper:
    """Shows one part: follows it while seen, holds and eases it while not.

    The shown value never jumps: leaving it starts at the last shown value, coming back blends from the shown
    value to the seen one. Values are rotations (N, 3, 3) or, with N = 0, only a vector (K,), or both.
    """

    def __init__(
        self, rest: Float[np.ndarray, "N 3 3"], rest_vector: Float[np.ndarray, " K"], timing: HoldTiming
    ) -> None:
        self._rest, self._rest_vector, self._timing = rest, rest_vector, timing
        self._shown, self._shown_vector = rest.copy(), rest_vector.copy()
        self._from, self._from_vector = rest.copy(), rest_vector.copy()
        self._since = 0.0
        """Seconds since the part was last found or lost."""
        self._seen = False
        self._ever = False

    @property
    def shown(self) -> tuple[Float[np.ndarray, "N 3 3"], Float[np.ndarray, " K"]]:
        """What the last update showed."""
        return self._shown, self._shown_vector

    @property
    def presence(self) -> float:
        """1 while seen; unseen, falls to 0 with the hold and ease times."""
        if self._seen:
            return 1.0
        if not self._ever:
            return 0.0
        return 1.0 - smoothstep(self._since / (self._timing.hold + self._timing.ease))

    def update(
        self, seen: tuple[Float[np.ndarray, "N 3 3"], Float[np.ndarray, " K"]] | None, dt: float
    ) -> tuple[Float[np.ndarray, "N 3 3"], Float[np.ndarray, " K"]]:
        """The value to show `dt` seconds after the last update; `seen` is None while the part is not seen."""
        if (seen is not None) != self._seen:
            self._seen, self._since = seen is not None, 0.0
            self._from, self._from_vector = self._shown, self._shown_vector
        self._since += dt
        if seen is None:
            target, target_vector = self._rest, self._rest_vector
            share = smoothstep((self._since - self._timing.hold) / self._timing.ease)
        elif self._ever:
            (target, target_vector), share = seen, smoothstep(self._since / self._timing.blend)
        else:
            (target, target_vector), share = seen, 1.0
            self._since = self._timing.blend
        if seen is not None:
            self._ever = True
        self._shown = slerp_all(self._from, target, np.full(len(target), share)) if share < 1.0 else target.copy()
        self._shown_vector = self._from_vector + share * (target_vector - self._from_vector)
        return self._shown, self._shown_vector
