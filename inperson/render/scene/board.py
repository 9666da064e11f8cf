"""`Board`: a picture on a flat board that stands somewhere in the room."""

import moderngl
import numpy as np
from jaxtyping import Float, UInt8

from inperson.conventions import invert_rigid
from inperson.render.views import EyeView

_VERTEX = """#version 330
uniform mat4 clip_from_board;
uniform vec2 half_size;   // metres
in vec2 corner;
out vec2 uv;
void main() {
    uv = vec2(0.5 + 0.5 * corner.x, 0.5 - 0.5 * corner.y);
    gl_Position = clip_from_board * vec4(corner * half_size, 0.0, 1.0);
}
"""
_FRAGMENT = """#version 330
uniform sampler2D picture;
in vec2 uv;
out vec4 color;
void main() {
    color = texture(picture, uv);
    if (color.a < 0.5 / 255.0) discard;
}
"""


class Board:
    """Shows nothing until it has a picture.

    Args:
        context: of OpenGL; stays the caller's.
        pixels_per_metre: of its pictures.
        depth_func: `<=` where what is nearer hides it; `ALWAYS` where nothing does.
    """

    def __init__(self, context: moderngl.Context, pixels_per_metre: float, depth_func: str) -> None:
        self._context, self._pixels_per_metre, self._depth_func = context, pixels_per_metre, depth_func
        self._program = context.program(_VERTEX, _FRAGMENT)
        self._square = context.buffer(np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32))
        self._array = context.vertex_array(self._program, [(self._square, "2f", "corner")])
        self._texture: moderngl.Texture | None = None

    def show(self, picture: UInt8[np.ndarray, "H W 4"] | None) -> None:
        """sRGB-encoded with premultiplied alpha; None takes the board away."""
        self._release_texture()
        if picture is None:
            return
        height, width, _ = picture.shape
        self._texture = self._context.texture((width, height), 4, np.ascontiguousarray(picture))
        self._texture.build_mipmaps()
        self._texture.filter = moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR
        self._texture.anisotropy = 4.0

    def draw(self, view: EyeView, target: moderngl.Framebuffer, T_world_from_board: Float[np.ndarray, "4 4"]) -> None:
        """Over what is in the target's lower left pixels. The board faces its own +z."""
        if self._texture is None:
            return
        clip_from_board = view.projection @ invert_rigid(view.T_world_from_eye) @ T_world_from_board
        self._program["clip_from_board"] = tuple(clip_from_board.T.ravel().tolist())
        width, height = self._texture.size
        half = 0.5 / self._pixels_per_metre
        self._program["half_size"] = width * half, height * half
        self._texture.use(0)
        self._program["picture"] = 0
        with self._context.scope(target, moderngl.DEPTH_TEST | moderngl.BLEND):
            target.viewport = (0, 0, view.width, view.height)
            self._context.depth_func = self._depth_func
            self._context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
            self._array.render(moderngl.TRIANGLE_STRIP)

    def close(self) -> None:
        """Free what was made on the GPU."""
        self._release_texture()
        for resource in (self._array, self._square, self._program):
            resource.release()

    def _release_texture(self) -> None:
        if self._texture is not None:
            self._texture.release()
            self._texture = None
