"""Colours of Gaussians as spherical harmonics, in gsplat's convention: colour = 0.5 + sum of basis x coefficient."""

import numpy as np
from jaxtyping import Float

C0 = 0.28209479177387814
_C1 = 0.4886025119029199
_C2 = (1.0925484305920792, 0.31539156525252005, 0.5462742152960396)


def sh_from_rgb(rgb: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 1 3"]:
    """Degree-0 coefficients of sRGB-encoded colours that look the same from everywhere."""
    return ((np.asarray(rgb, np.float32) - 0.5) / C0)[:, None]


def diffuse_color(sh: Float[np.ndarray, "N K 3"]) -> Float[np.ndarray, "N 3"]:
    """The part of the colour that every direction sees (degree 0), sRGB-encoded, not negative."""
    return np.maximum(0.5 + C0 * sh[:, 0], 0.0).astype(np.float32)


def color_towards(sh: Float[np.ndarray, "N K 3"], directions: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
    """Colour seen along unit `directions` (eye to Gaussian, in the frame of `sh`); K is 1, 4 or 9.

    The real spherical harmonics to degree 2 with the signs of Kerbl et al. 2023 and of gsplat.
    """
    x, y, z = np.asarray(directions, np.float32).T
    basis = [np.full_like(x, C0)]
    if sh.shape[1] > 1:
        basis += [-_C1 * y, _C1 * z, -_C1 * x]
    if sh.shape[1] > 4:
        a, b, c = _C2
        basis += [a * x * y, -a * y * z, b * (2 * z * z - x * x - y * y), -a * x * z, c * (x * x - y * y)]
    return np.maximum(0.5 + np.einsum("kn,nkc->nc", np.stack(basis), sh), 0.0).astype(np.float32)
