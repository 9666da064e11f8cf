"""A picture without the shader beside the same with it, a line between them and a word on either side."""

from functools import cache

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

LINE = (255, 255, 255)
LABELS = ("without", "with")
LABEL_SHARE, LEAST_LABEL = 1 / 26, 10
"""Height of the letters, as a share of the picture's; pixels below which nothing can be read."""
AIR = 0.5
"""Between a label and what is beside it, in letters' heights."""


def split_picture(
    without: UInt8[np.ndarray, "H VW 3"], shaded: UInt8[np.ndarray, "H VW 3"], views: int
) -> UInt8[np.ndarray, "H VW 3"]:
    """The left half of each view without, the right half with; a line of one pixel in `shaded`'s first columns.

    Args:
        without, shaded: the same views side by side.
        views: how many.
    """
    total = shaded.shape[1]
    width = total // views
    out = shaded.copy()
    for left in range(0, total, width):
        middle = left + width // 2
        out[:, left:middle] = without[:, left:middle]
        out[:, middle] = LINE
        _label(out[:, left:middle], LABELS[0], to_the_right=True)
        _label(out[:, middle + 1 : left + width], LABELS[1], to_the_right=False)
    return out


def _label(half: UInt8[np.ndarray, "H W 3"], word: str, *, to_the_right: bool) -> None:
    """Write a word beside the line, at the top; a half that is too narrow for it stays as it is."""
    letters = round(half.shape[0] * LABEL_SHARE)
    if letters < LEAST_LABEL:
        return
    mask, air = _written(word, letters), round(AIR * letters)
    height, width = mask.shape
    if width + 2 * air > half.shape[1]:
        return
    left = half.shape[1] - width - air if to_the_right else air
    place = half[air : air + height, left : left + width]
    place[:] = np.round(place + mask[..., None] * (255.0 - place))


@cache
def _written(word: str, letters: int) -> Float[np.ndarray, "h w"]:
    """How far each pixel belongs to the word, 0 to 1."""
    font = ImageFont.load_default(letters)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(word))
    picture = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(picture).text((-left, -top), word, fill=255, font=font)
    return np.asarray(picture, np.float32) / 255.0
