"""Points of the body seen at pixels: joints, finger tips, the face mesh."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.conventions import Intrinsics
from inperson.reconstruct.photo.differentiable_body import CarriedPoints, DifferentiableBody, FitPose, Frames
from inperson.reconstruct.photo.equations import Rows

_NEAREST = 0.05
"""Metres before the camera below which nothing is projected."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelTerm:
    """N points and where they were seen."""

    body: DifferentiableBody
    points: CarriedPoints
    pixels: Float[np.ndarray, "N 2"]
    inv_sigma: Float[np.ndarray, " N"]
    """Per pixel."""
    huber: float
    camera: Intrinsics

    def rows(self, pose: FitPose, frames: Frames, want_jacobian: bool) -> Rows:
        X = self.body.place(frames, self.points)
        shown, by_point = projected(X, self.camera)
        residual = (shown - self.pixels) * self.inv_sigma[:, None]
        huber = np.full(residual.size, self.huber)
        if not want_jacobian:
            return Rows(residual.ravel(), huber)
        J = self.body.jacobian_along(frames, self.points, self.inv_sigma[:, None, None] * by_point)
        return Rows(residual.ravel(), huber, J.reshape(residual.size, -1))


def projected(
    X: Float[np.ndarray, "N 3"], camera: Intrinsics
) -> tuple[Float[np.ndarray, "N 2"], Float[np.ndarray, "N 2 3"]]:
    """Pixels of world points (camera at the origin, looking along -z) and their derivatives by the points."""
    depth = np.maximum(-X[:, 2], _NEAREST)
    u, v = X[:, 0] / depth, X[:, 1] / depth
    by_point = np.zeros((len(X), 2, 3))
    by_point[:, 0, 0], by_point[:, 0, 2] = camera.fx / depth, camera.fx * u / depth
    by_point[:, 1, 1], by_point[:, 1, 2] = -camera.fy / depth, -camera.fy * v / depth
    return np.stack([camera.cx + camera.fx * u, camera.cy - camera.fy * v], axis=1), by_point
