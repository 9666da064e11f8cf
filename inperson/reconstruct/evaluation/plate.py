"""The picture behind a person, out of a clip of them."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

MOST_FRAMES = 60
"""Evenly spread over the clip: more say nothing new."""
EMPTY = 5
"""Alpha (0..255) up to which a matte counts as empty."""
_BESIDE = 4
"""Pixels around the person that are not background either: shadow, blur, the matte's own error."""
_ROWS = 64
"""Rows worked on at once, to keep memory small."""


def background_plate(
    pictures: Sequence[UInt8[np.ndarray, "H W 3"]], alphas: Sequence[UInt8[np.ndarray, "H W"]]
) -> Float[np.ndarray, "H W 3"]:
    """Median over time of each pixel in the frames where it shows no person, 0 to 1.

    Where there always is one, the nearest known pixel's.

    Args:
        pictures: of a camera that stands still.
        alphas: the person's mattes in them.
    """
    rows = np.unique(np.linspace(0, len(pictures) - 1, min(len(pictures), MOST_FRAMES)).round().astype(int))
    side = np.ones((2 * _BESIDE + 1, 2 * _BESIDE + 1), np.uint8)
    hidden = np.stack([cv2.dilate((alphas[n] > EMPTY).astype(np.uint8), side) > 0 for n in rows])
    plate = np.empty(pictures[0].shape, np.float32)
    for top in range(0, len(plate), _ROWS):
        strip = np.s_[top : top + _ROWS]
        values = np.stack([pictures[n][strip] for n in rows]).astype(np.float32)
        values[hidden[:, strip]] = np.inf  # sorts behind everything that is known
        values.sort(axis=0)
        known = (~hidden[:, strip]).sum(axis=0)[None, ..., None]
        low, high = np.maximum((known - 1) // 2, 0), np.minimum(known // 2, len(rows) - 1)
        middle = np.take_along_axis(values, low, axis=0) + np.take_along_axis(values, high, axis=0)
        plate[strip] = 0.5 * middle[0]
    return _spread(plate, np.all(hidden, axis=0)) / 255


def _spread(plate: Float[np.ndarray, "H W 3"], unknown: np.ndarray) -> Float[np.ndarray, "H W 3"]:
    """Unknown pixels take the nearest known one's colour; mid-grey when none is known."""
    if unknown.all():
        return np.full_like(plate, 127.5)
    _, label = cv2.distanceTransformWithLabels(
        unknown.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    y, x = np.nonzero(~unknown)
    of_label = np.zeros(label.max() + 1, np.int64)
    of_label[label[y, x]] = np.arange(len(y))
    nearest = of_label[label]
    return plate[y[nearest], x[nearest]]
