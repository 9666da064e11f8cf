"""`Panel`: a few lines of text that hang in the room, for prompts and notices."""

import moderngl
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from inperson.render.scene.board import Board
from inperson.render.views import EyeView

CENTRE = (0.0, 1.22, -1.1)
"""Below the eyes of someone who stands, in front of the mirror. Metres, play space."""
T_PLAY_FROM_PANEL = np.eye(4)
T_PLAY_FROM_PANEL[:3, 3] = CENTRE
PIXELS_PER_METRE = 1100
TEXT_PIXELS, PADDING, CORNER = 44, 36, 22
TEXT, BOARD = (236, 238, 240, 255), (28, 31, 36, 225)


class Panel:
    """An upright board that faces +z. Shows nothing until something is written on it.

    Args:
        context: of OpenGL; stays the caller's.
    """

    def __init__(self, context: moderngl.Context) -> None:
        self._board = Board(context, PIXELS_PER_METRE, "<=")
        self._text: str | None = None

    def write(self, text: str | None) -> None:
        """Lines are separated by newlines; None or nothing takes the panel down."""
        if text != self._text:
            self._text = text
            self._board.show(text_picture(text) if text else None)

    def draw(self, view: EyeView, target: moderngl.Framebuffer) -> None:
        """Over what is in the target's lower left pixels, unless that is nearer."""
        self._board.draw(view, target, T_PLAY_FROM_PANEL)

    def close(self) -> None:
        """Free what was made on the GPU."""
        self._board.close()


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
