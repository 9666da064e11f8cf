"""Cuts pieces out of a picture exactly as MediaPipe does (`image_to_tensor_converter_opencv.cc`).

Its pixel `i` of `n` is looked up at `i / n` of the square, where the picture's pixel centres count from 0: half a
pixel of the piece and half a pixel of the picture off from `RotatedSquare.cut`. And it is looked up at the nearest of
32 places between two pixels, as OpenCV did up to version 4. Neither is better than what is done elsewhere here, but
on a large square it is pixels: to say what MediaPipe's tasks say, pieces have to be cut like theirs.
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
    across = (A[:, :1] * np.arange(pixels)).astype(np.float32)
    down = (A[:, 1:] * np.arange(pixels) + b[:, None]).astype(np.float32)
    x, y = (np.add.outer(down[axis], across[axis]) for axis in (0, 1))
    places, shares = cv2.convertMaps(x, y, cv2.CV_16SC2)  # whole pixels, and 32nds of one
    return cv2.remap(image, places, shares, cv2.INTER_LINEAR, borderMode=border)
