"""The standard raster scene: a person made of capsules, covered with Gaussians, and the views on it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.views import EyeView, look_at

EYE_DISTANCE = 0.064
"""Between the pupils, metres."""


@dataclass(frozen=True, slots=True)
class Capsule:
    """A cylinder with round ends from `start` to `end`; metres, feet at y = 0."""

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    radius: float
    color: tuple[float, float, float]

    @property
    def length(self) -> float:
        """Between the centres of the two ends."""
        return float(np.linalg.norm(np.subtract(self.end, self.start)))

    @property
    def area(self) -> float:
        """Of the whole surface, m^2."""
        return 2 * np.pi * self.radius * self.length + 4 * np.pi * self.radius**2


SKIN, SHIRT, TROUSERS = (0.85, 0.65, 0.52), (0.2, 0.45, 0.75), (0.25, 0.25, 0.3)
FIGURE = (
    Capsule((0, 0.95, 0), (0, 1.40, 0), 0.16, SHIRT),
    Capsule((-0.10, 1.36, 0), (0.10, 1.36, 0), 0.12, SHIRT),
    Capsule((0, 1.60, 0.01), (0, 1.66, 0.01), 0.10, SKIN),
    Capsule((0.2, 1.38, 0), (0.42, 1.12, 0), 0.055, SHIRT),
    Capsule((0.42, 1.12, 0), (0.55, 0.90, 0.08), 0.045, SHIRT),
    Capsule((-0.2, 1.38, 0), (-0.42, 1.12, 0), 0.055, SHIRT),
    Capsule((-0.42, 1.12, 0), (-0.55, 0.90, 0.08), 0.045, SHIRT),
    Capsule((0.1, 0.92, 0), (0.12, 0.50, 0.02), 0.085, TROUSERS),
    Capsule((0.12, 0.50, 0.02), (0.13, 0.07, -0.02), 0.06, TROUSERS),
    Capsule((-0.1, 0.92, 0), (-0.12, 0.50, 0.02), 0.085, TROUSERS),
    Capsule((-0.12, 0.50, 0.02), (-0.13, 0.07, -0.02), 0.06, TROUSERS),
)


def _points_on_figure(
    count: int, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "N 3"], Float[np.ndarray, "N 3"], Int[np.ndarray, " N"]]:
    """Positions, outward normals and capsule numbers, uniform over all capsules' surfaces."""
    areas = np.array([capsule.area for capsule in FIGURE])
    part = rng.choice(len(FIGURE), count, p=areas / areas.sum())
    start = np.array([capsule.start for capsule in FIGURE], float)[part]
    end = np.array([capsule.end for capsule in FIGURE], float)[part]
    radius = np.array([capsule.radius for capsule in FIGURE])[part]
    length = np.linalg.norm(end - start, axis=1)
    axis = (end - start) / length[:, None]

    ball = rng.normal(size=(count, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    along = (ball * axis).sum(1)
    ring = ball - along[:, None] * axis
    ring /= np.linalg.norm(ring, axis=1, keepdims=True)
    on_side = (rng.random(count) < length / (length + 2 * radius))[:, None]
    normals = np.where(on_side, ring, ball)
    on_axis = np.where(
        on_side, start + rng.random((count, 1)) * (end - start), np.where(along[:, None] > 0, end, start)
    )
    return on_axis + radius[:, None] * normals, normals, part


def _quats_along(normals: Float[np.ndarray, "N 3"], turn: Float[np.ndarray, " N"]) -> Float[np.ndarray, "N 4"]:
    """wxyz rotations that take +z to `normals` after a turn of `turn` radians about z."""
    x, y, z = normals.T
    tilt = np.stack([1 + z, -y, x, np.zeros_like(z)], 1)
    tilt[1 + z < 1e-6] = (0, 1, 0, 0)
    tilt /= np.linalg.norm(tilt, axis=1, keepdims=True)
    w, a, b, _ = tilt.T
    c, s = np.cos(turn / 2), np.sin(turn / 2)
    return np.stack([w * c, a * c + b * s, b * c - a * s, w * s], 1)


def figure(count: int, num_features: int = 0, seed: int = 0) -> PosedGaussians:
    """`count` thin Gaussians on the figure's surface, lit from one side, in a striped texture."""
    rng = np.random.default_rng(seed)
    means, normals, part = _points_on_figure(count, rng)
    spacing = np.sqrt(sum(capsule.area for capsule in FIGURE) / count)
    scales = np.exp(0.25 * rng.normal(size=(count, 3))) * np.array([0.62, 0.62, 0.15]) * spacing
    light = 0.35 + 0.65 * np.clip(normals @ np.array([0.4, 0.6, 0.69]), 0, 1)
    stripes = 0.85 + 0.15 * np.sign(np.sin(80 * means[:, 1]))
    base = np.array([capsule.color for capsule in FIGURE])[part]
    colors = np.clip(base * (light * stripes)[:, None] + 0.03 * rng.normal(size=(count, 3)), 0, 1)
    float32 = lambda a: np.ascontiguousarray(a, np.float32)  # noqa: E731
    return PosedGaussians(
        means=float32(means),
        quats=float32(_quats_along(normals, np.pi * rng.random(count))),
        scales=float32(scales),
        opacities=float32(np.clip(rng.beta(4, 1.5, count), 0.02, 0.99)),
        colors=float32(colors),
        normals=float32(normals),
        features=float32(rng.random((count, num_features))),
    )


def whole_figure_views(width: int, height: int) -> tuple[EyeView, EyeView]:
    """A stereo pair that sees the figure from head to foot, 2.3 m away."""
    return _stereo((0.0, 0.9, 2.3), (0.0, 0.88, 0.0), np.deg2rad(48), width, height)


def bust_views(width: int, height: int) -> tuple[EyeView, EyeView]:
    """A stereo pair at talking distance, 1 m away."""
    return _stereo((0.1, 1.45, 1.0), (0.0, 1.38, 0.0), np.deg2rad(55), width, height)


def _stereo(
    head: tuple[float, float, float],
    target: tuple[float, float, float],
    vertical_fov: float,
    width: int,
    height: int,
) -> tuple[EyeView, EyeView]:
    T_world_from_head = look_at(np.array(head), np.array(target))
    up = vertical_fov / 2
    right = float(np.arctan(np.tan(up) * width / height))
    left_eye, right_eye = T_world_from_head.copy(), T_world_from_head.copy()
    left_eye[:3, 3] -= EYE_DISTANCE / 2 * T_world_from_head[:3, 0]
    right_eye[:3, 3] += EYE_DISTANCE / 2 * T_world_from_head[:3, 0]
    return (
        EyeView(left_eye, -right, right, up, -up, width, height),
        EyeView(right_eye, -right, right, up, -up, width, height),
    )
