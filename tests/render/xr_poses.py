"""Rigid transforms for the tests of `render.xr`."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation


def rotation(yaw: float, pitch: float, roll: float) -> Float[np.ndarray, "3 3"]:
    """About y, then the turned x, then the turned z; radians."""
    return Rotation.from_euler("YXZ", [yaw, pitch, roll]).as_matrix()


def rigid(R: Float[np.ndarray, "3 3"], t: tuple[float, float, float]) -> Float[np.ndarray, "4 4"]:
    """The 4x4 of a rotation and a translation."""
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = R, t
    return T
