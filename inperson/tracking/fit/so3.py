"""Rotations as 3x3 matrices with tangent increments on the right: R <- R exp(delta). Compiled, float64.

The formulas are those of Sola, Deray and Atchuthan, "A micro Lie theory for state estimation in
robotics" (2018), appendix B.
"""

import numpy as np
from jaxtyping import Float
from numba import njit

_SMALL = 1e-6


@njit(cache=True)
def exp_so3(w: Float[np.ndarray, "3"], out: Float[np.ndarray, "3 3"]) -> None:
    """Rotation matrix of an axis-angle vector, written into `out` (Rodrigues)."""
    x, y, z = w[0], w[1], w[2]
    angle2 = x * x + y * y + z * z
    angle = np.sqrt(angle2)
    if angle < _SMALL:
        a, b = 1.0 - angle2 / 6.0, 0.5 - angle2 / 24.0
    else:
        a, b = np.sin(angle) / angle, (1.0 - np.cos(angle)) / angle2
    out[0, 0] = 1.0 - b * (y * y + z * z)
    out[0, 1] = b * x * y - a * z
    out[0, 2] = b * x * z + a * y
    out[1, 0] = b * x * y + a * z
    out[1, 1] = 1.0 - b * (x * x + z * z)
    out[1, 2] = b * y * z - a * x
    out[2, 0] = b * x * z - a * y
    out[2, 1] = b * y * z + a * x
    out[2, 2] = 1.0 - b * (x * x + y * y)


@njit(cache=True)
def log_so3(R: Float[np.ndarray, "3 3"], out: Float[np.ndarray, "3"]) -> None:
    """Axis-angle vector of a rotation matrix, angle in [0, pi], written into `out`.

    Goes through the quaternion's largest component, so it stays accurate next to pi.
    """
    trace = R[0, 0] + R[1, 1] + R[2, 2]
    if trace > 0.0:
        w = 0.5 * np.sqrt(1.0 + trace)
        x = (R[2, 1] - R[1, 2]) / (4.0 * w)
        y = (R[0, 2] - R[2, 0]) / (4.0 * w)
        z = (R[1, 0] - R[0, 1]) / (4.0 * w)
    elif R[0, 0] >= R[1, 1] and R[0, 0] >= R[2, 2]:
        x = 0.5 * np.sqrt(max(1.0 + R[0, 0] - R[1, 1] - R[2, 2], 1e-30))
        w = (R[2, 1] - R[1, 2]) / (4.0 * x)
        y = (R[0, 1] + R[1, 0]) / (4.0 * x)
        z = (R[0, 2] + R[2, 0]) / (4.0 * x)
    elif R[1, 1] >= R[2, 2]:
        y = 0.5 * np.sqrt(max(1.0 + R[1, 1] - R[0, 0] - R[2, 2], 1e-30))
        w = (R[0, 2] - R[2, 0]) / (4.0 * y)
        x = (R[0, 1] + R[1, 0]) / (4.0 * y)
        z = (R[1, 2] + R[2, 1]) / (4.0 * y)
    else:
        z = 0.5 * np.sqrt(max(1.0 + R[2, 2] - R[0, 0] - R[1, 1], 1e-30))
        w = (R[1, 0] - R[0, 1]) / (4.0 * z)
        x = (R[0, 2] + R[2, 0]) / (4.0 * z)
        y = (R[1, 2] + R[2, 1]) / (4.0 * z)
    if w < 0.0:
        w, x, y, z = -w, -x, -y, -z
    sine = np.sqrt(x * x + y * y + z * z)
    scale = 2.0 if sine < _SMALL else 2.0 * np.arctan2(sine, w) / sine
    out[0], out[1], out[2] = scale * x, scale * y, scale * z


@njit(cache=True)
def right_jacobian_inverse(w: Float[np.ndarray, "3"], out: Float[np.ndarray, "3 3"]) -> None:
    """`Jr^-1` with log(exp(w) exp(d)) = w + Jr^-1(w) d + O(d^2), written into `out`."""
    x, y, z = w[0], w[1], w[2]
    angle2 = x * x + y * y + z * z
    angle = np.sqrt(angle2)
    half = 0.5 * angle
    c = 1.0 / 12.0 + angle2 / 720.0 if angle < 1e-3 else (1.0 - half * np.cos(half) / np.sin(half)) / angle2
    out[0, 0] = 1.0 - c * (y * y + z * z)
    out[0, 1] = c * x * y - 0.5 * z
    out[0, 2] = c * x * z + 0.5 * y
    out[1, 0] = c * x * y + 0.5 * z
    out[1, 1] = 1.0 - c * (x * x + z * z)
    out[1, 2] = c * y * z - 0.5 * x
    out[2, 0] = c * x * z - 0.5 * y
    out[2, 1] = c * y * z + 0.5 * x
    out[2, 2] = 1.0 - c * (x * x + y * y)


@njit(cache=True)
def exp_all(w: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3 3"]:
    """`exp_so3` of every row."""
    out = np.empty((len(w), 3, 3))
    for n in range(len(w)):
        exp_so3(w[n], out[n])
    return out


@njit(cache=True)
def log_all(R: Float[np.ndarray, "N 3 3"]) -> Float[np.ndarray, "N 3"]:
    """`log_so3` of every matrix."""
    out = np.empty((len(R), 3))
    for n in range(len(R)):
        log_so3(R[n], out[n])
    return out


@njit(cache=True)
def slerp_all(
    R_from: Float[np.ndarray, "N 3 3"], R_to: Float[np.ndarray, "N 3 3"], fraction: Float[np.ndarray, " N"]
) -> Float[np.ndarray, "N 3 3"]:
    """Geodesic interpolation of every pair: 0 gives `R_from`, 1 gives `R_to`."""
    out = np.empty((len(R_from), 3, 3))
    w = np.empty(3)
    step = np.empty((3, 3))
    for n in range(len(R_from)):
        log_so3(R_from[n].T @ R_to[n], w)
        exp_so3(w * fraction[n], step)
        out[n] = R_from[n] @ step
    return out
