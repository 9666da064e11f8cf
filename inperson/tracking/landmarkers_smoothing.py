"""How MediaPipe's tasks steady the landmarks of one followed person: One-Euro, at speeds relative to their size.

The numbers are those of its `pose_landmarks_detector_graph.cc` and `face_landmarks_detector_graph.cc`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.tracking.filters import smoothing

_SPEED_CUTOFF = 1.0
"""Hz at which speeds are smoothed."""
_VISIBILITY_SHARE = 0.1
"""What a new visibility counts for against all before."""


@dataclass(frozen=True, slots=True)
class Steadiness:
    """How much a landmark filter smooths."""

    min_cutoff: float
    """Hz at rest."""
    beta: float
    """Hz added per second for a speed of one scale a second."""


IN_PICTURE = Steadiness(0.05, 80.0)
IN_WORLD = Steadiness(0.1, 40.0)


class LandmarkFilter:
    """One-Euro on every coordinate of a set of landmarks (Casiez, Roussel, Vogel 2012)."""

    def __init__(self, steadiness: Steadiness) -> None:
        self._steadiness = steadiness
        self._raw: np.ndarray | None = None
        self._value = self._speed = np.zeros(0)

    def reset(self) -> None:
        """Forget the past: the next landmarks are of somebody else, or come after a gap."""
        self._raw = None

    def __call__(self, points: Float[np.ndarray, "n d"], dt: float, scale: float) -> Float[np.ndarray, "n d"]:
        """The landmarks steadied.

        Args:
            points: as seen.
            dt: seconds since the last call, not looked at in the first one.
            scale: what counts as a distance of 1: the object's size, in the points' unit.
        """
        if self._raw is None:
            self._value, self._speed = points.copy(), np.zeros_like(points)
        else:
            speed = (points - self._raw) / (scale * dt)
            self._speed = self._speed + smoothing(_SPEED_CUTOFF, dt) * (speed - self._speed)
            cutoff = self._steadiness.min_cutoff + self._steadiness.beta * np.abs(self._speed)
            self._value = self._value + smoothing(cutoff, dt) * (points - self._value)
        self._raw = points.copy()
        return self._value.copy()


class VisibilityFilter:
    """A running mean of visibilities, so that none flickers."""

    def __init__(self) -> None:
        self._value: np.ndarray | None = None

    def reset(self) -> None:
        """Forget the past."""
        self._value = None

    def __call__(self, visibility: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """The visibilities steadied."""
        if self._value is None:
            self._value = visibility.copy()
        else:
            self._value = self._value + _VISIBILITY_SHARE * (visibility - self._value)
        return self._value.copy()


def extent(points: Float[np.ndarray, "n d"]) -> float:
    """Mean of width and height of the box around landmarks: their scale where no other is known."""
    return float(np.ptp(points[:, :2], axis=0).mean())
