"""Finding small pieces of one picture in another, to a fraction of a pixel. Compiled.

Each patch of the reference picture is bent as the surface under it has turned since, and shifted until it fits
best: inverse-compositional Lucas-Kanade (Baker and Matthews 2004) of a translation, with the patch's brightness and
contrast matched, which makes the residual that of normalised cross-correlation.
"""

import numpy as np
from numba import njit

_CONVERGED = 0.02
"""Pixels of a step below which iterating stops."""


@njit(cache=True, nogil=True, inline="always")
def _sample(image, x, y):
    """Bilinear, at a pixel whose centre is (0.5, 0.5); the edge's pixels go on outside."""
    height, width = image.shape
    x = min(max(x - 0.5, 0.0), width - 1.001)
    y = min(max(y - 0.5, 0.0), height - 1.001)
    i, j = int(y), int(x)
    a, b = x - j, y - i
    top = image[i, j] + a * (image[i, j + 1] - image[i, j])
    return top + b * (image[i + 1, j] + a * (image[i + 1, j + 1] - image[i + 1, j]) - top)


@njit(cache=True, nogil=True, fastmath=True)
def align_patches(reference, image, places, bends, start, half, iterations, found, likeness):
    """Shifts of patches that make them fit.

    Args:
        reference, image: (H, W) float32 grey.
        places: (N, 2) middle of each patch in `reference`, pixels.
        bends: (N, 2, 2) from steps in `image` to steps in `reference`.
        start: (N, 2) where in `image` to start.
        half: patches have 2 half + 1 pixels a side in `image`.
        iterations: at most.
        found: (N, 2) receives where each patch fits best nearby.
        likeness: (N,) receives the normalised cross-correlation there, -1 to 1; 0 for a patch without texture.
    """
    side = 2 * half + 1
    patch, dx, dy = np.empty((side, side)), np.empty((side, side)), np.empty((side, side))
    wide = np.empty((side + 2, side + 2))
    seen = np.empty((side, side))
    count = side * side
    for n in range(len(places)):
        B = bends[n]
        for v in range(side + 2):
            for u in range(side + 2):
                a, b = u - half - 1.0, v - half - 1.0
                wide[v, u] = _sample(
                    reference, places[n, 0] + B[0, 0] * a + B[0, 1] * b, places[n, 1] + B[1, 0] * a + B[1, 1] * b
                )
        mean = hxx = hxy = hyy = 0.0
        for v in range(side):
            for u in range(side):
                patch[v, u] = wide[v + 1, u + 1]
                dx[v, u] = 0.5 * (wide[v + 1, u + 2] - wide[v + 1, u])
                dy[v, u] = 0.5 * (wide[v + 2, u + 1] - wide[v, u + 1])
                mean += patch[v, u]
                hxx += dx[v, u] * dx[v, u]
                hxy += dx[v, u] * dy[v, u]
                hyy += dy[v, u] * dy[v, u]
        mean /= count
        spread = 0.0
        for v in range(side):
            for u in range(side):
                patch[v, u] -= mean
                spread += patch[v, u] * patch[v, u]
        determinant = hxx * hyy - hxy * hxy
        x, y = start[n]
        found[n, 0], found[n, 1] = x, y
        likeness[n] = 0.0
        if determinant < 1e-3 * (hxx + hyy) ** 2 or spread < 4.0 * count:
            continue
        for _ in range(iterations + 1):
            seen_mean = 0.0
            for v in range(side):
                for u in range(side):
                    seen[v, u] = _sample(image, x + u - half, y + v - half)
                    seen_mean += seen[v, u]
            seen_mean /= count
            seen_spread = cross = 0.0
            for v in range(side):
                for u in range(side):
                    seen[v, u] -= seen_mean
                    seen_spread += seen[v, u] * seen[v, u]
                    cross += seen[v, u] * patch[v, u]
            correlation = cross / np.sqrt(max(seen_spread * spread, 1e-12))
            if correlation > likeness[n]:
                likeness[n] = correlation
                found[n, 0], found[n, 1] = x, y
            gain = np.sqrt(spread / max(seen_spread, 1e-12))
            gx = gy = 0.0
            for v in range(side):
                for u in range(side):
                    e = gain * seen[v, u] - patch[v, u]
                    gx += dx[v, u] * e
                    gy += dy[v, u] * e
            sx = -(hyy * gx - hxy * gy) / determinant
            sy = -(hxx * gy - hxy * gx) / determinant
            longest = max(abs(sx), abs(sy))
            if longest < _CONVERGED:
                break
            if longest > 2.0:
                sx, sy = 2.0 * sx / longest, 2.0 * sy / longest
            x, y = x + sx, y + sy
