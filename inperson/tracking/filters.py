"""One-Euro filters (Casiez, Roussel, Vogel 2012) of vectors and rotations: steady when still, quick when not."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.tracking.fit.so3 import exp_so3, log_so3


@dataclass(frozen=True, slots=True)
class FilterTuning:
    """One-Euro parameters, for all components or one for each."""

    min_cutoff: float | tuple[float, ...]
    """Hz at rest: lower is steadier."""
    beta: float | tuple[float, ...]
    """Hz added per unit of speed (per second): higher lags less."""
    speed_cutoff: float = 2.0
    """Hz at which the speed itself is smoothed."""


def smoothing(cutoff: np.ndarray | float, dt: float) -> np.ndarray:
    """Share of the new sample that a first-order low pass takes in. `cutoff` in Hz, `dt` in seconds."""
    return np.asarray(1.0 / (1.0 + 1.0 / (2.0 * np.pi * np.maximum(cutoff, 1e-6) * dt)))


class VectorFilter:
    """One-Euro on the components of a vector, each with its own speed."""

    def __init__(self, tuning: FilterTuning) -> None:
        self._tuning = tuning
        self._value: np.ndarray | None = None
        self._raw: np.ndarray | None = None
        self._speed: np.ndarray | None = None

    def reset(self) -> None:
        """Forgets the past."""
        self._value = None

    def __call__(self, value: Float[np.ndarray, " N"], dt: float) -> Float[np.ndarray, " N"]:
        """The filtered value `dt` seconds after the last call."""
        value = np.asarray(value, np.float64)
        if self._value is None or self._raw is None or self._speed is None:
            self._value, self._raw, self._speed = value.copy(), value.copy(), np.zeros_like(value)
            return value
        t = self._tuning
        self._speed += smoothing(t.speed_cutoff, dt) * ((value - self._raw) / dt - self._speed)
        self._raw = value.copy()
        cutoff = np.add(t.min_cutoff, np.multiply(t.beta, np.abs(self._speed)))
        self._value = self._value + smoothing(cutoff, dt) * (value - self._value)
        return self._value.copy()


class RotationFilter:
    """One-Euro on N rotations along the geodesics between them, each with its own tuning."""

    def __init__(self, min_cutoff: Float[np.ndarray, " N"], beta: Float[np.ndarray, " N"], speed_cutoff: float = 8.0):
        self._min_cutoff = np.asarray(min_cutoff, np.float64)
        self._beta = np.asarray(beta, np.float64)
        self._speed_cutoff = speed_cutoff
        self._value: np.ndarray | None = None
        self._raw: np.ndarray | None = None
        self._velocity = np.zeros((len(self._min_cutoff), 3))

    def reset(self) -> None:
        """Forgets the past."""
        self._value = None
        self._velocity[:] = 0.0

    def __call__(self, rotations: Float[np.ndarray, "N 3 3"], dt: float) -> Float[np.ndarray, "N 3 3"]:
        """The filtered rotations `dt` seconds after the last call."""
        if self._value is None or self._raw is None:
            self._value, self._raw = rotations.copy(), rotations.copy()
            return rotations.copy()
        _filter_rotations(
            rotations, self._raw, self._value, self._velocity, self._min_cutoff, self._beta, self._speed_cutoff, dt
        )
        return self._value.copy()


@njit(cache=True, nogil=True)
def _filter_rotations(new, raw, value, velocity, min_cutoff, beta, speed_cutoff, dt):
    """One step of every rotation; `raw`, `value` and `velocity` (rad/s, body frame) are updated in place."""
    w, step = np.empty(3), np.empty((3, 3))
    alpha_speed = 1.0 / (1.0 + 1.0 / (2.0 * np.pi * speed_cutoff * dt))
    for n in range(len(new)):
        log_so3(raw[n].T @ new[n], w)
        speed = 0.0
        for a in range(3):
            velocity[n, a] += alpha_speed * (w[a] / dt - velocity[n, a])
            speed += velocity[n, a] ** 2
        cutoff = min_cutoff[n] + beta[n] * np.sqrt(speed)
        alpha = 1.0 / (1.0 + 1.0 / (2.0 * np.pi * cutoff * dt))
        log_so3(value[n].T @ new[n], w)
        exp_so3(alpha * w, step)
        value[n] = value[n] @ step
        raw[n] = new[n]
