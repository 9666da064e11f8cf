"""MediaPipe's pose networks: finding people in a picture, and the landmarks of one in a square around them.

Decoding as in its `pose_landmarks_detector_graph.cc` and `refine_landmarks_from_heatmap_calculator.cc`.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from inperson.tracking.crops import RotatedSquare, angle_of_up
from inperson.tracking.landmarkers_cut import cut_for_landmarks
from inperson.tracking.landmarkers_detector import Detector, whole_picture
from inperson.tracking.landmarkers_litert import ImageNetwork

_DETECTOR, _LANDMARKS = "pose_detector.tflite", "pose_landmarks_detector.tflite"
_CELLS = ((8, 2), (16, 2), (32, 6))
_WANTED = (0, 1, 3, 4)
"""Landmarks, presence, heat maps and world landmarks; the mask of the person (2) is left out."""
_BODY = 33
_CENTER, _CIRCLE = 33, 34
"""Two more landmarks: the middle of the hips and a point on the circle around the whole person, above the head."""
_SEEN = 35
_SQUARE_SCALE = 1.25
"""Side of the square, in diameters of that circle."""
_KERNEL = np.arange(-3, 4)
_LEAST_HEAT = 0.5

Image = UInt8[np.ndarray, "H W 3"]


@dataclass(frozen=True, slots=True)
class BodyGuess:
    """What the network saw in one square."""

    pixels: Float[np.ndarray, "33 2"]
    """Image pixels."""
    world: Float[np.ndarray, "33 3"]
    """Metres about the middle of the hips, OpenCV camera axes."""
    visibility: Float[np.ndarray, " 33"]
    presence: float
    """The network's probability that the square holds a person at all."""
    around: RotatedSquare
    """The square around this person: where to look in the next frame."""


class PersonDetector:
    """The detector out of a `pose_landmarker.task` bundle. One thread at a time."""

    def __init__(self, bundle: Path) -> None:
        with zipfile.ZipFile(bundle) as members:
            self._detector = Detector(members.read(_DETECTOR), _CELLS)

    def find(self, image: Image, most: int) -> list[RotatedSquare]:
        """Squares around the people in a picture, the surest first."""
        return [
            square_around(*found.keypoints[:2]) for found in self._detector.detect(image, whole_picture(image), most)
        ]


class BodyNetwork:
    """The landmark network out of a `pose_landmarker.task` bundle. One thread at a time."""

    def __init__(self, bundle: Path) -> None:
        with zipfile.ZipFile(bundle) as members:
            self._network = ImageNetwork(members.read(_LANDMARKS), outputs=_WANTED)

    def look(self, image: Image, square: RotatedSquare) -> BodyGuess:
        """The person in a square whose top is where their head is expected."""
        size = self._network.size
        landmarks, presence, heat, world = self._network.run(cut_for_landmarks(image, square, size))
        landmarks = landmarks.reshape(-1, 5)[:_SEEN].astype(np.float64)
        world = world.reshape(-1, 3)[:_BODY].astype(np.float64)
        world[:, :2] = world[:, :2] @ square.rotation.T
        pixels = square.to_image(refine(landmarks[:, :2] / size, heat))
        return BodyGuess(
            pixels[:_BODY],
            world,
            1.0 / (1.0 + np.exp(-landmarks[:_BODY, 3])),
            float(presence[0]),
            square_around(pixels[_CENTER], pixels[_CIRCLE]),
        )


def square_around(center: Float[np.ndarray, "2"], circle: Float[np.ndarray, "2"]) -> RotatedSquare:
    """Where to look for a person with hips at `center`, who fit into a circle about them through `circle`."""
    up = circle - center
    return RotatedSquare(center, 2.0 * _SQUARE_SCALE * float(np.linalg.norm(up)), angle_of_up(up))


def refine(points: Float[np.ndarray, "n 2"], heat: Float[np.ndarray, "h w m"]) -> Float[np.ndarray, "n 2"]:
    """Landmarks (0..1 of the square) moved to the centres of heat around them, where their heat maps are sure.

    Args:
        points: the first `n` of the `m` landmarks.
        heat: logits of where each is.
    """
    height, width = heat.shape[:2]
    cells = (points * (width, height)).astype(int)
    inside = (cells[:, 0] >= 0) & (cells[:, 0] < width) & (cells[:, 1] >= 0)  # below, MediaPipe refines what is near
    columns = cells[:, 0, None] + _KERNEL
    rows = cells[:, 1, None] + _KERNEL
    on_map = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None]
    n = np.arange(len(points))[:, None, None]
    logits = heat[np.clip(rows, 0, height - 1)[:, :, None], np.clip(columns, 0, width - 1)[:, None], n]
    weights = on_map / (1.0 + np.exp(-logits.astype(np.float64)))
    sure = inside & (weights.max(axis=(1, 2)) >= _LEAST_HEAT)
    total = np.maximum(weights.sum(axis=(1, 2)), 1e-12)
    x = (weights.sum(axis=1) * columns).sum(axis=1) / total / width
    y = (weights.sum(axis=2) * rows).sum(axis=1) / total / height
    return np.where(sure[:, None], np.stack([x, y], axis=1), points)
