"""Cuts pieces out of a picture exactly as MediaPipe does (`image_to_tensor_converter_opencv.cc`).

Its pixel `i` of `n` is looked up at `i / n` of the square, where the picture's pixel centres count from 0: half a
pixel of the piece and half a pixel of the picture off from `RotatedSquare.cut`. Its landmarks have the same offset,
and on a large square it is several pixels: to say the same as its tasks, pieces have to be cut like theirs.
"""

import cv2
import numpy as np
from jaxtyping import UInt8

from inperson.tracking.crops import RotatedSquare

Image = UInt8[np.ndarray, "H W 3"]


def cut_for_detector(image: Image, square: RotatedSquare, pixels: int) -> UInt8[np.ndarray, "n n 3"]:
    """The square at `pixels` x `pixels`, black where it leaves the picture."""
    return _cut(image, square, pixels, cv2.BORDER_CONSTANT)


def cut_for_landmarks(image: Image, square: RotatedSquare, pixels: int) -> UInt8[np.ndarray, "n n 3"]:
    """The square at `pixels` x `pixels`, the picture's edge drawn out where it leaves the picture."""
    return _cut(image, square, pixels, cv2.BORDER_REPLICATE)


def _cut(image: Image, square: RotatedSquare, pixels: int, border: int) -> UInt8[np.ndarray, "n n 3"]:
    A = square.rotation * (square.size / pixels)
    b = square.center - A @ np.full(2, 0.5 * pixels)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, np.column_stack([A, b]), (pixels, pixels), flags=flags, borderMode=border)
