"""Changing from one source to another without a jump, joint by joint.

At a change, what was shown lives on as an offset from the new target, and the offset dies out: Bollo,
"Inertialization: High-Performance Animation Transitions in Gears of War" (GDC 2018). The target may move and
jump meanwhile; unlike a blend of two poses, the way back cannot flip when the poses are half a turn apart.
"""

import numpy as np
from jaxtyping import Float, Int
from numba import njit

from inperson.tracking.fit.so3 import exp_so3, log_so3
from inperson.tracking.headset_frames import inverse_times, times

CROSSOVER_S = 0.25
"""Seconds a change of source takes."""
_NEVER = -1


class RotationCrossover:
    """Shows N rotations, each from a source of its own."""

    def __init__(self, count: int) -> None:
        self._source = np.full(count, _NEVER)
        self._shown = np.tile(np.eye(3), (count, 1, 1))
        self._offset = np.zeros((count, 3))
        self._since = np.zeros(count)

    @property
    def shown(self) -> Float[np.ndarray, "N 3 3"]:
        """What the last call returned (the identity before the first)."""
        return self._shown

    def turned(self, row: int, R: Float[np.ndarray, "3 3"]) -> None:
        """What one row was shown in has been turned by R: what is remembered turns along."""
        self._shown[row] = R @ self._shown[row]

    def __call__(
        self, source: Int[np.ndarray, " N"] | int, target: Float[np.ndarray, "N 3 3"], dt: float
    ) -> Float[np.ndarray, "N 3 3"]:
        """What to show `dt` seconds after the last call.

        Args:
            source: a number for where each target (or all of them) comes from, 0 or more. The first source is
                shown at once; a change of it takes `CROSSOVER_S`.
        """
        sources = np.full(len(target), source)
        _cross_rotations(sources, target, self._source, self._shown, self._offset, self._since, dt)
        return self._shown.copy()


class VectorCrossover:
    """Shows N numbers, each from a source of its own."""

    def __init__(self, count: int) -> None:
        self._source = np.full(count, _NEVER)
        self._shown, self._offset, self._since = np.zeros(count), np.zeros(count), np.zeros(count)

    @property
    def shown(self) -> Float[np.ndarray, " N"]:
        """What the last call returned (zero before the first)."""
        return self._shown

    def moved(self, T: Float[np.ndarray, "4 4"]) -> None:
        """The numbers are a point whose space was moved: what is remembered moves along."""
        self._shown = T[:3, :3] @ self._shown + T[:3, 3]
        self._offset = T[:3, :3] @ self._offset

    def __call__(
        self, source: Int[np.ndarray, " N"] | int, target: Float[np.ndarray, " N"], dt: float
    ) -> Float[np.ndarray, " N"]:
        """As `RotationCrossover`."""
        target = np.asarray(target, np.float64)
        changed = self._source != source
        started = changed & (self._source != _NEVER)
        self._offset[changed] = 0.0
        self._offset[started] = (self._shown - target)[started]
        self._since[changed] = 0.0
        self._source[:] = source
        self._since += dt
        t = np.clip(self._since / CROSSOVER_S, 0.0, 1.0)
        self._shown = target + (1.0 - t * t * (3.0 - 2.0 * t)) * self._offset
        return self._shown.copy()


@njit(cache=True, nogil=True)
def _cross_rotations(new_source, target, source, shown, offset, since, dt):
    """One step; `source`, `shown`, `offset` (axis-angle, on the right of the target) and `since` are updated."""
    step = np.empty((3, 3))
    for n in range(len(target)):
        if new_source[n] != source[n]:
            if source[n] == _NEVER:
                offset[n] = 0.0
            else:
                log_so3(inverse_times(target[n], shown[n]), offset[n])
            source[n], since[n] = new_source[n], 0.0
        since[n] += dt
        t = min(since[n] / CROSSOVER_S, 1.0)
        left = 1.0 - t * t * (3.0 - 2.0 * t)
        exp_so3(left * offset[n], step)
        shown[n] = times(target[n], step)
