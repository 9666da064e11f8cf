"""Convex polygons cut by planes."""

import numpy as np
from jaxtyping import Float


def cut(corners: Float[np.ndarray, "N D"], heights: Float[np.ndarray, " N"]) -> Float[np.ndarray, "M D"]:
    """The part of a convex polygon whose height is not negative (Sutherland and Hodgman's clipping).

    Args:
        corners: one after the other around it.
        heights: of the corners over the cutting plane, linear in between.

    Returns:
        Its corners; none where nothing is left. Cut with the opposite heights, the other part has the very same
        corners along the cut.
    """
    kept = []
    count = len(corners)
    for k in range(count):
        a, b, height_a, height_b = corners[k], corners[(k + 1) % count], heights[k], heights[(k + 1) % count]
        if height_a >= 0:
            kept.append(a)
        if (height_a >= 0) != (height_b >= 0):
            kept.append(a + height_a / (height_a - height_b) * (b - a))
    return np.array(kept, float).reshape(-1, corners.shape[1])
