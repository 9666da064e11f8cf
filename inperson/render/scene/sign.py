"""`Sign`: a small line with a red dot at the edge of the wearer's view: they are being recorded."""

from collections.abc import Sequence
from functools import lru_cache

import moderngl
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from inperson.render.scene.board import Board
from inperson.render.scene.room import ALWAYS
from inperson.render.views import EyeView

AT = (0.0, 0.33, -0.9)
"""Metres, before the head: up and ahead, 20 degrees above where one looks, and as far away as eyes like to look."""
PIXELS_PER_METRE = 1500
TEXT_PIXELS, LINE, BASELINE = 40, 34, 32
PADDING, CORNER, DOT = 16, 14, 30
TEXT, BOARD, RED = (236, 238, 240, 255), (22, 24, 28, 170), (240, 52, 46, 255)


class Sign:
    """Goes along with the head. Nothing hides it.

    Args:
        context: of OpenGL; stays the caller's.
    """

    def __init__(self, context: moderngl.Context) -> None:
        self._board = Board(context, PIXELS_PER_METRE, ALWAYS)
        self._text = ""

    def write(self, text: str) -> None:
        """One line; nothing takes the sign away."""
        if text != self._text:
            self._text = text
            self._board.show(sign_picture(text) if text else None)

    def draw(self, views: Sequence[EyeView], targets: Sequence[moderngl.Framebuffer]) -> None:
        """Into both eyes, over everything."""
        T_world_from_sign = head_of(views)
        T_world_from_sign[:3, 3] += T_world_from_sign[:3, :3] @ AT
        for view, target in zip(views, targets, strict=True):
            self._board.draw(view, target, T_world_from_sign)

    def close(self) -> None:
        """Free what was made on the GPU."""
        self._board.close()


def head_of(views: Sequence[EyeView]) -> Float[np.ndarray, "4 4"]:
    """The middle between the eyes, looking as the first one does: T_world_from_head as near as a sign needs it."""
    T = np.array(views[0].T_world_from_eye, np.float64)
    T[:3, 3] = np.mean([view.T_world_from_eye[:3, 3] for view in views], axis=0)
    return T


def sign_picture(text: str) -> UInt8[np.ndarray, "H W 4"]:
    """A dot and the text on a rounded board; sRGB-encoded with premultiplied alpha.

    Put together of tiles that are drawn once: a clock on it changes between two frames of a headset.
    """
    tiles = [_tile(character) for character in text]
    picture = _empty_board(sum(tile.shape[1] for tile in tiles)).copy()
    left = 2 * PADDING + DOT
    for tile in tiles:
        right = left + tile.shape[1]
        picture[PADDING : PADDING + LINE, left:right] = tile
        left = right
    return picture


@lru_cache
def _tile(character: str) -> UInt8[np.ndarray, "h w 4"]:
    """A character on the board's colour."""
    font = ImageFont.load_default(TEXT_PIXELS)
    image = Image.new("RGBA", (round(font.getlength(character)), LINE), BOARD)
    ImageDraw.Draw(image).text((0, BASELINE), character, TEXT, font, anchor="ls")
    return _premultiplied(image)


@lru_cache
def _empty_board(text_width: int) -> UInt8[np.ndarray, "H W 4"]:
    """The board with its dot, for so much text."""
    width, height = text_width + DOT + 3 * PADDING, LINE + 2 * PADDING
    image = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, width - 1, height - 1), CORNER, fill=BOARD)
    draw.ellipse((PADDING, (height - DOT) // 2, PADDING + DOT, (height + DOT) // 2), fill=RED)
    return _premultiplied(image)


def _premultiplied(image: Image.Image) -> UInt8[np.ndarray, "H W 4"]:
    straight = np.asarray(image, np.float32)
    return (straight * np.where(np.arange(4) < 3, straight[..., 3:] / 255.0, 1.0) + 0.5).astype(np.uint8)
