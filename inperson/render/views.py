"""`EyeView`: where an eye (or a camera) is and what it sees, with the projections each backend needs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.conventions import T_GL_FROM_CV, Intrinsics, invert_rigid


@dataclass(frozen=True, slots=True)
class EyeView:
    """A pose and an asymmetric field of view, in OpenXR's words.

    Angles are radians from the optical axis: left and down are negative for an ordinary eye
    (XrFovf). The eye looks along its own -z with y up.
    """

    T_world_from_eye: Float[np.ndarray, "4 4"]
    angle_left: float
    angle_right: float
    angle_up: float
    angle_down: float
    width: int
    height: int
    near: float = 0.05
    far: float = 100.0

    @staticmethod
    def from_intrinsics(
        K: Intrinsics,
        T_world_from_eye: Float[np.ndarray, "4 4"] | None = None,
        near: float = 0.05,
        far: float = 100.0,
    ) -> "EyeView":
        """The view of a pinhole camera; by default at the world's origin, looking along -z."""
        return EyeView(
            T_world_from_eye=np.eye(4) if T_world_from_eye is None else T_world_from_eye,
            angle_left=float(np.arctan(-K.cx / K.fx)),
            angle_right=float(np.arctan((K.width - K.cx) / K.fx)),
            angle_up=float(np.arctan(K.cy / K.fy)),
            angle_down=float(np.arctan((K.cy - K.height) / K.fy)),
            width=K.width,
            height=K.height,
            near=near,
            far=far,
        )

    @property
    def intrinsics(self) -> Intrinsics:
        """The same field of view as a pinhole camera in pixels."""
        left, right = np.tan(self.angle_left), np.tan(self.angle_right)
        up, down = np.tan(self.angle_up), np.tan(self.angle_down)
        fx, fy = self.width / (right - left), self.height / (up - down)
        return Intrinsics(float(fx), float(fy), float(-left * fx), float(up * fy), self.width, self.height)

    @property
    def T_cv_from_world(self) -> Float[np.ndarray, "4 4"]:
        """gsplat's view matrix: world into OpenCV camera space (y down, +z forward)."""
        return T_GL_FROM_CV @ invert_rigid(self.T_world_from_eye)

    @property
    def projection(self) -> Float[np.ndarray, "4 4"]:
        """OpenGL clip-space projection (z in [-1, 1]) of eye space."""
        left, right = np.tan(self.angle_left), np.tan(self.angle_right)
        up, down = np.tan(self.angle_up), np.tan(self.angle_down)
        n, f = self.near, self.far
        return np.array(
            [
                [2 / (right - left), 0, (right + left) / (right - left), 0],
                [0, 2 / (up - down), (up + down) / (up - down), 0],
                [0, 0, -(f + n) / (f - n), -2 * f * n / (f - n)],
                [0, 0, -1, 0],
            ]
        )


def look_at(
    eye: Float[np.ndarray, "3"],
    target: Float[np.ndarray, "3"],
    up: tuple[float, float, float] = (0.0, 1.0, 0.0),
) -> Float[np.ndarray, "4 4"]:
    """`T_world_from_eye` of an eye at `eye` that looks at `target`."""
    z = np.asarray(eye, float) - np.asarray(target, float)
    z /= np.linalg.norm(z)
    x = np.cross(up, z)
    x /= np.linalg.norm(x)
    out = np.eye(4)
    out[:3, :3] = np.stack([x, np.cross(z, x), z], axis=1)
    out[:3, 3] = eye
    return out


def common_size(views: Sequence[EyeView]) -> tuple[int, int]:
    """Width and height shared by all views.

    Raises:
        ValueError: there is no view, or the sizes differ.
    """
    sizes = {(view.width, view.height) for view in views}
    if len(sizes) != 1:
        raise ValueError(f"views must be one or more of one size, not {sorted(sizes)}")
    return sizes.pop()
