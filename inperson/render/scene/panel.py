"""`Panel`: a few lines of text that hang in the room, for prompts and notices."""

import moderngl
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from inperson.conventions import invert_rigid
from inperson.render.views import EyeView

CENTRE = (0.0, 1.22, -1.1)
"""Below the eyes of someone who stands, in front of the mirror. Metres, play space."""
PIXELS_PER_METRE = 1100
TEXT_PIXELS, PADDING, CORNER = 44, 36, 22
TEXT, BOARD = (236, 238, 240, 255), (28, 31, 36, 225)

_VERTEX = """#version 330
uniform mat4 clip_from_world;
uniform vec3 centre;
uniform vec2 half_size;   // metres
in vec2 corner;
out vec2 uv;
void main() {
    uv = vec2(0.5 + 0.5 * corner.x, 0.5 - 0.5 * corner.y);
    gl_Position = clip_from_world * vec4(centre + vec3(corner * half_size, 0.0), 1.0);
}
"""
_FRAGMENT = """#version 330
uniform sampler2D text;
in vec2 uv;
out vec4 color;
void main() {
    color = texture(text, uv);
    if (color.a < 0.5 / 255.0) discard;
}
"""


class Panel:
    """An upright board that faces +z. Shows nothing until something is written on it.

    Args:
        context: of OpenGL; stays the caller's.
    """

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._program = context.program(_VERTEX, _FRAGMENT)
        self._square = context.buffer(np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32))
        self._array = context.vertex_array(self._program, [(self._square, "2f", "corner")])
        self._texture: moderngl.Texture | None = None
        self._text: str | None = None

    def write(self, text: str | None) -> None:
        """Lines are separated by newlines; None or nothing takes the panel down."""
        if text == self._text:
            return
        self._text = text
        self._release_texture()
        if text:
            picture = text_picture(text)
            height, width, _ = picture.shape
            self._texture = self._context.texture((width, height), 4, picture)
            self._texture.build_mipmaps()
            self._texture.filter = moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR
            self._texture.anisotropy = 4.0

    def draw(self, view: EyeView, target: moderngl.Framebuffer) -> None:
        """Over what is in the target's lower left pixels, unless that is nearer."""
        if self._texture is None:
            return
        clip_from_world = view.projection @ invert_rigid(view.T_world_from_eye)
        self._program["clip_from_world"] = tuple(clip_from_world.T.ravel().tolist())
        self._program["centre"] = CENTRE
        width, height = self._texture.size
        self._program["half_size"] = width / 2 / PIXELS_PER_METRE, height / 2 / PIXELS_PER_METRE
        self._texture.use(0)
        self._program["text"] = 0
        with self._context.scope(target, moderngl.DEPTH_TEST | moderngl.BLEND):
            target.viewport = (0, 0, view.width, view.height)
            self._context.depth_func = "<="
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


def text_picture(text: str) -> UInt8[np.ndarray, "H W 4"]:
    """Text on a rounded board, centred; sRGB-encoded with premultiplied alpha."""
    font = ImageFont.load_default(TEXT_PIXELS)
    measure = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = measure.multiline_textbbox((0, 0), text, font, spacing=14, align="center")
    size = int(right - left) + 2 * PADDING, int(bottom - top) + 2 * PADDING
    image = Image.new("RGBA", size)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), CORNER, fill=BOARD)
    draw.multiline_text((PADDING - left, PADDING - top), text, TEXT, font, spacing=14, align="center")
    straight = np.asarray(image, np.float32)
    premultiplied = straight * np.where(np.arange(4) < 3, straight[..., 3:] / 255.0, 1.0)
    return (premultiplied + 0.5).astype(np.uint8)
