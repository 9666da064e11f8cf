"""MediaPipe's hand landmark network, run on crops of our own choosing.

MediaPipe's `HandLandmarker` only looks where its palm detector found a palm, and that misses hands that are
small, blurred or touching. The landmark network itself is far more forgiving: given roughly the right square
it finds the hand and says how sure it is. So the squares are made here, from the hand's last landmarks or
from the body's wrist.
"""

import zipfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from inperson.tracking.crops import RotatedSquare, angle_of_up
from inperson.tracking.landmarkers_litert import ImageNetwork

_MEMBER = "hand_landmarks_detector.tflite"
_PALM = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]
"""The landmarks MediaPipe frames a followed hand by (no fingertips: they make the square restless)."""
_FOLLOW_SCALE = 2.0
_FOLLOW_SHIFT = 0.1


class Side(Enum):
    """The person's own left or right. The value is the index of its wrist among the 33 body landmarks."""

    LEFT = 15
    RIGHT = 16

    @property
    def other(self) -> "Side":
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


@dataclass(frozen=True, slots=True)
class HandGuess:
    """What the network saw in one square."""

    pixels: Float[np.ndarray, "21 2"]
    """Image pixels."""
    world: Float[np.ndarray, "21 3"]
    """Metres about the hand's centre, OpenCV camera axes."""
    presence: float
    """The network's probability that the square holds a hand at all."""
    right: float
    """The network's probability that it is a right hand (of an un-mirrored picture)."""

    @property
    def center(self) -> Float[np.ndarray, "2"]:
        """The middle of the palm, image pixels."""
        return self.pixels[[0, 5, 9, 13, 17]].mean(axis=0)

    @property
    def length(self) -> float:
        """Extent of the landmarks, image pixels: the diagonal of their upright box."""
        return float(np.linalg.norm(np.ptp(self.pixels, axis=0)))

    def handedness(self, side: Side) -> float:
        """Probability that it is that side's hand."""
        return self.right if side is Side.RIGHT else 1.0 - self.right


class HandNetwork:
    """The landmark network out of a `hand_landmarker.task` bundle. One thread at a time."""

    def __init__(self, bundle: Path) -> None:
        with zipfile.ZipFile(bundle) as members:
            self._network = ImageNetwork(members.read(_MEMBER))

    def look(self, image: UInt8[np.ndarray, "H W 3"], square: RotatedSquare) -> HandGuess:
        """The hand in a square whose top is where the fingers are expected to point."""
        size = self._network.size
        landmarks, presence, right, world = self._network.run(square.cut(image, size))
        world = world.reshape(21, 3).astype(np.float64)
        world[:, :2] = world[:, :2] @ square.rotation.T
        pixels = square.to_image(landmarks.reshape(21, 3)[:, :2].astype(np.float64) / size)
        return HandGuess(pixels, world, float(presence[0]), float(right[0]))


def square_around(pixels: Float[np.ndarray, "21 2"]) -> RotatedSquare:
    """Where to look for a hand whose landmarks were `pixels`: MediaPipe's framing of a followed hand."""
    knuckles = 0.5 * pixels[9] + 0.25 * (pixels[5] + pixels[13])
    upright = RotatedSquare(pixels[0], 1.0, angle_of_up(knuckles - pixels[0]))
    palm = upright.from_image(pixels[_PALM])
    low, high = palm.min(axis=0), palm.max(axis=0)
    extent = high - low
    middle = 0.5 * (low + high) - [0.0, _FOLLOW_SHIFT * extent[1]]
    center = upright.to_image(middle[None])[0]
    return RotatedSquare(center, float(extent.max()) * _FOLLOW_SCALE, upright.angle)
