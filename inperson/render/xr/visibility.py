"""`HiddenArea`: the part of an eye's picture that its lens never shows (XR_KHR_visibility_mask)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt


@dataclass(frozen=True, slots=True)
class HiddenArea:
    """Triangles that need not be drawn, in eye space on the plane z = -1."""

    vertices: Float[np.ndarray, "n 2"]
    """x and y at z = -1 (tangents of the view angles), float32."""
    triangles: UInt[np.ndarray, "m 3"]
    """Indices into `vertices`, counter-clockwise, uint32."""
