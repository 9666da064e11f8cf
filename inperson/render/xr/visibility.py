"""`HiddenArea`: the part of an eye's picture that its lens never shows (XR_KHR_visibility_mask)."""

import ctypes
from dataclasses import dataclass

import numpy as np
import xr
from jaxtyping import Float, UInt

from inperson.render.xr import extensions
from inperson.render.xr.functions import extension_function

_STEREO = xr.ViewConfigurationType.PRIMARY_STEREO
_HIDDEN = xr.VisibilityMaskTypeKHR.HIDDEN_TRIANGLE_MESH


@dataclass(frozen=True, slots=True)
class HiddenArea:
    """Triangles that need not be drawn, in eye space on the plane z = -1; none where the runtime does not say."""

    vertices: Float[np.ndarray, "n 2"]
    """x and y at z = -1 (tangents of the view angles), float32."""
    triangles: UInt[np.ndarray, "m 3"]
    """Indices into `vertices`, counter-clockwise, uint32."""


NO_HIDDEN_AREA = HiddenArea(np.zeros((0, 2), np.float32), np.zeros((0, 3), np.uint32))


def read_hidden_area(session: xr.Session, enabled: frozenset[str], eye: int) -> HiddenArea:
    """What the runtime says of one eye (0 left, 1 right)."""
    if extensions.VISIBILITY_MASK not in enabled:
        return NO_HIDDEN_AREA
    get_mask = extension_function(session.instance, "xrGetVisibilityMaskKHR")
    mask = xr.VisibilityMaskKHR()  # asked for the counts first, then for the arrays
    get_mask(session, _STEREO.value, eye, _HIDDEN.value, ctypes.byref(mask))
    if not mask.index_count_output:
        return NO_HIDDEN_AREA
    vertices = np.zeros((mask.vertex_count_output, 2), np.float32)
    indices = np.zeros(mask.index_count_output, np.uint32)
    mask.vertex_capacity_input, mask.index_capacity_input = len(vertices), len(indices)
    mask.vertices = vertices.ctypes.data_as(ctypes.POINTER(xr.Vector2f))
    mask.indices = indices.ctypes.data_as(ctypes.POINTER(ctypes.c_uint32))
    get_mask(session, _STEREO.value, eye, _HIDDEN.value, ctypes.byref(mask))
    return HiddenArea(vertices, indices.reshape(-1, 3))
