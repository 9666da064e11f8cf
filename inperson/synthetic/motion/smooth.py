"""Smooth curves in time: minimum-jerk transitions, bumps, wandering noise."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray


def minimum_jerk(x: NDArray[np.floating]) -> NDArray[np.floating]:
    """0 to 1 over x in [0, 1] with zero velocity and acceleration at both ends (Flash & Hogan 1985)."""
    x = np.clip(x, 0.0, 1.0)
    return x**3 * (10.0 - 15.0 * x + 6.0 * x**2)


def interpolate(times: Float[np.ndarray, " T"], keys: Float[np.ndarray, " K"], values: NDArray) -> NDArray:
    """(T, ...) values at `times`, minimum-jerk from each of the (K, ...) keys to the next, held outside."""
    i = np.clip(np.searchsorted(keys, times, side="right") - 1, 0, len(keys) - 2)
    share = minimum_jerk((times - keys[i]) / (keys[i + 1] - keys[i]))
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    return values[i] + share * (values[i + 1] - values[i])


def bump(t: Float[np.ndarray, " T"], start: float, peak: float, end: float) -> Float[np.ndarray, " T"]:
    """0 to 1 and back, minimum-jerk both ways."""
    return minimum_jerk((t - start) / (peak - start)) * (1.0 - minimum_jerk((t - peak) / (end - peak)))


def wander(
    t: Float[np.ndarray, " T"], rng: np.random.Generator, channels: int, slowest: float = 0.13, fastest: float = 0.9
) -> Float[np.ndarray, "T channels"]:
    """Smooth noise of about unit deviation: sums of sines between two frequencies (Hz), slower ones stronger."""
    frequency = np.geomspace(slowest, fastest, 7)
    phase = rng.uniform(0.0, 2.0 * np.pi, (7, channels))
    strength = frequency**-0.7
    strength = strength / np.sqrt(0.5 * (strength**2).sum())
    waves = np.sin(2.0 * np.pi * frequency[:, None, None] * t[None, :, None] + phase[:, None, :])
    return np.einsum("f,ftc->tc", strength, waves)
