"""`HiddenAreas`: keeps the GPU from drawing what the lenses never show."""

from collections.abc import Sequence
from typing import Protocol

import moderngl
import numpy as np
from jaxtyping import Float, UInt

from inperson.render.scene.rays import tangent_corners
from inperson.render.scene.shaders import HIDDEN_FRAGMENT, HIDDEN_VERTEX
from inperson.render.views import EyeView


class HiddenTriangles(Protocol):
    """The part of an eye's picture that its lens never shows (XR_KHR_visibility_mask)."""

    @property
    def vertices(self) -> Float[np.ndarray, "n 2"]:
        """x and y in the plane z = -1 of the eye."""
        ...

    @property
    def triangles(self) -> UInt[np.ndarray, "m 3"]:
        """Indices of vertices."""
        ...


class HiddenAreas:
    """The hidden area of each eye, drawn at the near plane so that nothing need pass the depth test there.

    Args:
        context: stays the caller's.
    """

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._program = context.program(HIDDEN_VERTEX, HIDDEN_FRAGMENT)
        self._arrays: tuple[moderngl.VertexArray | None, ...] = (None, None)
        self._buffers: list[moderngl.Buffer] = []

    def set(self, areas: Sequence[HiddenTriangles | None]) -> None:
        """Of the left and the right eye; None hides nothing."""
        self._release_arrays()
        self._arrays = tuple(None if area is None else self._array(area) for area in areas)

    def draw(self, eye: int, view: EyeView) -> bool:
        """Transparent black at depth 0 into the framebuffer in use; whether there was anything to draw."""
        array = self._arrays[eye]
        if array is None:
            return False
        corners = tangent_corners(view)
        scale, middle = 2.0 / (corners[1] - corners[0]), corners.mean(axis=0)
        self._program["placement"] = (*scale.tolist(), *(-middle * scale).tolist())
        array.render(moderngl.TRIANGLES)
        return True

    def close(self) -> None:
        """Free what was made on the GPU."""
        self._release_arrays()
        self._program.release()

    def _array(self, area: HiddenTriangles) -> moderngl.VertexArray:
        corners = self._context.buffer(np.ascontiguousarray(area.vertices, np.float32))
        indices = self._context.buffer(np.ascontiguousarray(area.triangles, np.uint32))
        self._buffers += [corners, indices]
        return self._context.vertex_array(self._program, [(corners, "2f", "corner")], indices)

    def _release_arrays(self) -> None:
        for array in self._arrays:
            if array is not None:
                array.release()
        for buffer in self._buffers:
            buffer.release()
        self._arrays, self._buffers = (None, None), []
