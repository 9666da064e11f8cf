"""Light for the stage: three directional lights, the first casts shadows, over a sky-ground ambient term."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """Linear light. Directions point from the person to the light, world frame, unit length."""

    directions: Float[np.ndarray, "3 3"]
    colors: Float[np.ndarray, "3 3"]
    sky: Float[np.ndarray, "3"]
    ground: Float[np.ndarray, "3"]
    exposure: float = 1.0
    specular: float = 1.0
    """Strength of highlights; 0 makes colours the same from everywhere."""


def direction(azimuth: float, elevation: float) -> Float[np.ndarray, "3"]:
    """Unit vector; azimuth 0 is +z (before the person), positive towards the person's left (+x). Radians."""
    c = np.cos(elevation)
    return np.array([np.sin(azimuth) * c, np.sin(elevation), np.cos(azimuth) * c])


def capture_light() -> Light:
    """Near-ambient light without highlights: colours barely depend on the view, forms stay readable."""
    return Light(
        directions=np.stack([direction(0.35, 0.75), direction(-0.9, 0.2), direction(2.8, 0.5)]),
        colors=np.array([[0.34, 0.33, 0.32], [0.14, 0.14, 0.15], [0.16, 0.16, 0.16]]),
        sky=np.array([0.62, 0.62, 0.63]),
        ground=np.array([0.46, 0.44, 0.43]),
        exposure=1.0,
        specular=0.0,
    )


def room_light() -> Light:
    """A window at the side and a room that throws light back: the performer's light."""
    return Light(
        directions=np.stack([direction(0.75, 0.5), direction(-0.9, 0.15), direction(-2.5, 0.4)]),
        colors=np.array([[1.02, 0.98, 0.93], [0.20, 0.21, 0.24], [0.25, 0.24, 0.22]]),
        sky=np.array([0.38, 0.38, 0.40]),
        ground=np.array([0.24, 0.22, 0.20]),
        exposure=0.95,
        specular=0.8,
    )


def sample_light(rng: np.random.Generator) -> Light:
    """A random room: a key from either side, a weak fill, a rim, warm or cool."""
    side = rng.choice([-1.0, 1.0])
    warmth = rng.uniform(-0.12, 0.12)
    key = rng.uniform(0.6, 1.2) * np.array([1.0 + warmth, 1.0, 1.0 - warmth])
    return Light(
        directions=np.stack(
            [
                direction(side * rng.uniform(0.2, 1.0), rng.uniform(0.3, 0.9)),
                direction(-side * rng.uniform(0.5, 1.3), rng.uniform(-0.1, 0.4)),
                direction(side * rng.uniform(2.3, 2.9), rng.uniform(0.2, 0.8)),
            ]
        ),
        colors=np.stack([key, key[::-1] * rng.uniform(0.15, 0.4), np.full(3, rng.uniform(0.1, 0.6))]),
        sky=np.array([1.0, 1.0, 1.0 + 0.08 * rng.normal()]) * rng.uniform(0.3, 0.5),
        ground=np.array([1.0, 0.94, 0.88]) * rng.uniform(0.15, 0.3),
        exposure=float(rng.uniform(0.85, 1.05)),
        specular=float(rng.uniform(0.5, 1.0)),
    )


def blended(first: Light, second: Light, share: float) -> Light:
    """Light between two: `share` 0 gives the first, 1 the second. Directions are those of the second."""

    def mixed(a: Float[np.ndarray, "..."], b: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        return a + share * (b - a)

    return Light(
        directions=second.directions,
        colors=mixed(first.colors, second.colors),
        sky=mixed(first.sky, second.sky),
        ground=mixed(first.ground, second.ground),
        exposure=first.exposure + share * (second.exposure - first.exposure),
        specular=first.specular + share * (second.specular - first.specular),
    )
