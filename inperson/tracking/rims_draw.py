"""Which vertex each pixel of a small picture sees: a z-buffer without barycentrics. Compiled."""

import numpy as np
from jaxtyping import Float, Int
from numba import njit

_SLACK = 1e-6
"""Share of a triangle's area by which it reaches over its edges, so that neighbours leave no pixel between them."""


def draw_vertices(
    pixels: Float[np.ndarray, "V 2"],
    depth: Float[np.ndarray, " V"],
    faces: Int[np.ndarray, "F 3"],
    width: int,
    height: int,
) -> tuple[Int[np.ndarray, "H W"], Float[np.ndarray, "H W"]]:
    """A mesh, drawn.

    Args:
        pixels: of the vertices.
        depth: along the view, metres; faces with a vertex nearer than a millimetre, or behind, are left out.
        faces: corners.
        width, height: of the picture.

    Returns:
        The first corner of the nearest face under each pixel's centre, -1 where there is none; 1 / depth there.
    """
    vertex, inverse_depth = np.full((height, width), -1, np.int32), np.zeros((height, width))
    _draw(pixels, depth, faces, vertex, inverse_depth)
    return vertex, inverse_depth


@njit(cache=True, nogil=True)
def _draw(pixels, depth, faces, vertex, inverse_depth):
    """1 / depth is affine in the picture, so it is blended by the triangle's areas as it is."""
    height, width = vertex.shape
    for f in range(len(faces)):
        i, j, k = faces[f]
        if min(depth[i], depth[j], depth[k]) < 1e-3:
            continue
        (ax, ay), (bx, by), (cx, cy) = pixels[i], pixels[j], pixels[k]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        x0, x1 = max(0, int(np.ceil(min(ax, bx, cx) - 0.5))), min(width - 1, int(np.floor(max(ax, bx, cx) - 0.5)))
        y0, y1 = max(0, int(np.ceil(min(ay, by, cy) - 0.5))), min(height - 1, int(np.floor(max(ay, by, cy) - 0.5)))
        if area == 0.0 or x0 > x1 or y0 > y1:
            continue
        qa, qb, qc = 1.0 / depth[i], 1.0 / depth[j], 1.0 / depth[k]
        for v in range(y0, y1 + 1):
            y = v + 0.5
            for u in range(x0, x1 + 1):
                x = u + 0.5
                a = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
                b = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
                c = 1.0 - a - b
                if a < -_SLACK or b < -_SLACK or c < -_SLACK:
                    continue
                q = a * qa + b * qb + c * qc
                if q > inverse_depth[v, u]:
                    inverse_depth[v, u], vertex[v, u] = q, i
