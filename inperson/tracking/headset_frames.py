"""Small rotations that fusion's kernels share. Compiled, float64; 3x3 matrices, vectors of three."""

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.tracking.fit.so3 import exp_so3, log_so3

_SMALL = 1e-9


@njit(cache=True, nogil=True)
def dot(a: Float[np.ndarray, "3"], b: Float[np.ndarray, "3"]) -> float:
    """Inner product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=True, nogil=True)
def cross(a: Float[np.ndarray, "3"], b: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """Vector product."""
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


@njit(cache=True, nogil=True)
def apply(R: Float[np.ndarray, "3 3"], v: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """R v."""
    return np.array([dot(R[0], v), dot(R[1], v), dot(R[2], v)])


@njit(cache=True, nogil=True)
def times(A: Float[np.ndarray, "3 3"], B: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """A B."""
    out = np.empty((3, 3))
    for r in range(3):
        for c in range(3):
            out[r, c] = A[r, 0] * B[0, c] + A[r, 1] * B[1, c] + A[r, 2] * B[2, c]
    return out


@njit(cache=True, nogil=True)
def inverse_times(A: Float[np.ndarray, "3 3"], B: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """A^T B."""
    return times(A.T, B)


@njit(cache=True, nogil=True)
def unit(v: Float[np.ndarray, "3"], otherwise: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """`v` of length one; `otherwise` where it has none."""
    length = np.sqrt(dot(v, v))
    return v / length if length > _SMALL else otherwise.copy()


@njit(cache=True, nogil=True)
def perpendicular(v: Float[np.ndarray, "3"], axis: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """The part of `v` at right angles to the unit `axis`."""
    return v - dot(v, axis) * axis


@njit(cache=True, nogil=True)
def any_perpendicular(axis: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """Some unit vector at right angles to the unit `axis`."""
    other = np.array([1.0, 0.0, 0.0]) if abs(axis[0]) < 0.7 else np.array([0.0, 1.0, 0.0])
    return unit(perpendicular(other, axis), other)


@njit(cache=True, nogil=True)
def frame(x: Float[np.ndarray, "3"], y: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Columns: the direction of x, y made orthogonal to it, their cross product; all unit."""
    first = unit(x, np.array([1.0, 0.0, 0.0]))
    second = unit(perpendicular(y, first), any_perpendicular(first))
    third = cross(first, second)
    out = np.empty((3, 3))
    out[:, 0], out[:, 1], out[:, 2] = first, second, third
    return out


@njit(cache=True, nogil=True)
def about(axis: Float[np.ndarray, "3"], angle: float) -> Float[np.ndarray, "3 3"]:
    """Rotation by `angle` radians about the unit `axis`."""
    out = np.empty((3, 3))
    exp_so3(axis * angle, out)
    return out


@njit(cache=True, nogil=True)
def exponential(w: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """`exp_so3` with a result of its own."""
    out = np.empty((3, 3))
    exp_so3(w, out)
    return out


@njit(cache=True, nogil=True)
def logarithm(R: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3"]:
    """`log_so3` with a result of its own."""
    out = np.empty(3)
    log_so3(R, out)
    return out


@njit(cache=True, nogil=True)
def rotation_between(a: Float[np.ndarray, "3"], b: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """The smallest rotation that takes the unit `a` to the unit `b` (about any axis when they are opposite)."""
    axis = cross(a, b)
    sine, cosine = np.sqrt(dot(axis, axis)), dot(a, b)
    if sine > _SMALL:
        return about(axis / sine, np.arctan2(sine, cosine))
    return np.eye(3) if cosine > 0.0 else about(any_perpendicular(a), np.pi)


@njit(cache=True, nogil=True)
def twist_about(R: Float[np.ndarray, "3 3"], axis: Float[np.ndarray, "3"]) -> float:
    """The turn about the unit `axis` in R = swing @ twist, radians in (-pi, pi].

    It is the angle by which R turns a vector across the axis, once R's swing of the axis itself is undone.
    """
    across = any_perpendicular(axis)
    swing = rotation_between(axis, apply(R, axis))
    turned = inverse_times(swing, R)
    seen = apply(turned, across)
    return np.arctan2(dot(cross(across, seen), axis), dot(across, seen))


@njit(cache=True, nogil=True)
def wrapped(angle: float) -> float:
    """The same angle within half a turn of zero, radians."""
    return angle - 2.0 * np.pi * np.round(angle / (2.0 * np.pi))


@njit(cache=True, nogil=True)
def ramp(x: float, low: float, high: float) -> float:
    """0 below `low`, 1 above `high`, between them a smoothstep."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)
