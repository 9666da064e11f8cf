"""Colours of Gaussians as spherical harmonics, in gsplat's convention: colour = 0.5 + sum of basis x coefficient."""

import numpy as np
from jaxtyping import Float

C0 = 0.28209479177387814
_C1 = 0.4886025119029199
_C2 = (1.0925484305920792, 0.31539156525252005, 0.5462742152960396)
_AXES = np.array([v for v in np.ndindex(3, 3, 3) if v != (1, 1, 1)], float) - 1.0
_DIRECTIONS = _AXES / np.linalg.norm(_AXES, axis=1, keepdims=True)
"""26 directions all around: to the faces, edges and corners of a cube."""


def sh_from_rgb(rgb: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 1 3"]:
    """Degree-0 coefficients of sRGB-encoded colours that look the same from everywhere."""
    return ((np.asarray(rgb, np.float32) - 0.5) / C0)[:, None]


def diffuse_color(sh: Float[np.ndarray, "N K 3"]) -> Float[np.ndarray, "N 3"]:
    """The part of the colour that every direction sees (degree 0), sRGB-encoded, not negative."""
    return np.maximum(0.5 + C0 * sh[:, 0], 0.0).astype(np.float32)


def color_towards(sh: Float[np.ndarray, "N K 3"], directions: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
    """Colour seen along unit `directions` (eye to Gaussian, in the frame of `sh`); K is 1, 4 or 9."""
    basis = sh_basis(np.asarray(directions, np.float32), sh.shape[1])
    return np.maximum(0.5 + np.einsum("nk,nkc->nc", basis, sh), 0.0).astype(np.float32)


def sh_basis(directions: Float[np.ndarray, "N 3"], k: int) -> Float[np.ndarray, "N K"]:
    """The first `k` (1, 4 or 9) real spherical harmonics, with the signs of Kerbl et al. 2023 and of gsplat."""
    x, y, z = directions.T
    basis = [np.full_like(x, C0)]
    if k > 1:
        basis += [-_C1 * y, _C1 * z, -_C1 * x]
    if k > 4:
        a, b, c = _C2
        basis += [a * x * y, -a * y * z, b * (2 * z * z - x * x - y * y), -a * x * z, c * (x * x - y * y)]
    return np.stack(basis, axis=1)


def turned_sh(sh: Float[np.ndarray, "N K 3"], rotations: Float[np.ndarray, "N 3 3"]) -> Float[np.ndarray, "N K 3"]:
    """Coefficients of the same colours after a rotation: towards `rotations @ d` they show what `sh` shows towards d.

    Exact, because the harmonics of one degree turn into each other: the turned colours are looked at from more
    directions than there are coefficients, and solved for.
    """
    k = sh.shape[1]
    if k == 1:
        return sh
    before = np.einsum("nij,di->ndj", rotations, _DIRECTIONS)
    colors = np.einsum("ndk,nkc->ndc", sh_basis(before.reshape(-1, 3), k).reshape(*before.shape[:2], k), sh)
    return np.einsum("kd,ndc->nkc", np.linalg.pinv(sh_basis(_DIRECTIONS, k)), colors)
