"""Every convention and every conversion between conventions, in one module (see CONVENTIONS.md).

World and eyes: metres, right-handed, y up, -z forward (OpenXR, OpenGL). Webcam sessions put the world's
origin at the camera: the person stands at negative z and faces +z. OpenCV's camera space (y down, +z
forward) appears only in `tracking` and in calls to gsplat. Pixel (0, 0) is the top-left *corner* of the
image; its centre is (0.5, 0.5). `T_a_from_b` maps points of b into a. Quaternions name their order.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

T_GL_FROM_CV: NDArray[np.float64] = np.diag([1.0, -1.0, -1.0, 1.0])
"""OpenCV camera space (y down, +z forward) into OpenGL/OpenXR eye space (y up, -z forward); its own inverse."""

DEFAULT_HORIZONTAL_FOV = np.deg2rad(62.0)
"""Horizontal field of view assumed for a camera that does not say (typical laptop webcam), radians."""


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """Pinhole camera in pixels, OpenCV axes: u = fx x / z + cx, v = fy y / z + cy."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    @staticmethod
    def from_horizontal_fov(width: int, height: int, fov: float = DEFAULT_HORIZONTAL_FOV) -> "Intrinsics":
        """Square pixels, principal point in the middle; `fov` in radians."""
        f = 0.5 * width / np.tan(0.5 * fov)
        return Intrinsics(float(f), float(f), width / 2, height / 2, width, height)

    @property
    def matrix(self) -> Float[np.ndarray, "3 3"]:
        """The 3x3 K."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])


def quat_wxyz_from_xyzw(q: Float[np.ndarray, "*n 4"]) -> Float[np.ndarray, "*n 4"]:
    """gsplat's order from OpenXR's and SciPy's."""
    return np.concatenate([q[..., 3:], q[..., :3]], axis=-1)


def quat_xyzw_from_wxyz(q: Float[np.ndarray, "*n 4"]) -> Float[np.ndarray, "*n 4"]:
    """OpenXR's and SciPy's order from gsplat's."""
    return np.concatenate([q[..., 1:], q[..., :1]], axis=-1)


def gl_from_cv_points(points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Points in OpenCV camera space into OpenGL/OpenXR space (or back: the map is its own inverse)."""
    return points * np.array([1.0, -1.0, -1.0], dtype=points.dtype)


def invert_rigid(T_a_from_b: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "4 4"]:
    """`T_b_from_a` of a rigid transform."""
    R, t = T_a_from_b[:3, :3], T_a_from_b[:3, 3]
    out = np.eye(4, dtype=T_a_from_b.dtype)
    out[:3, :3] = R.T
    out[:3, 3] = -R.T @ t
    return out


def srgb_from_linear(x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Linear light in [0, 1] to sRGB-encoded (IEC 61966-2-1)."""
    x = np.clip(x, 0.0, 1.0)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)


def linear_from_srgb(x: NDArray[np.floating]) -> NDArray[np.floating]:
    """sRGB-encoded in [0, 1] to linear light (IEC 61966-2-1)."""
    x = np.clip(x, 0.0, 1.0)
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
