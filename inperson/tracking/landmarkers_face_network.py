"""MediaPipe's face networks: finding a face, its mesh in a square around it, and its expression.

Decoding as in its `face_landmarks_detector_graph.cc` and `face_blendshapes_graph.cc`.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from inperson.tracking.crops import RotatedSquare
from inperson.tracking.landmarkers_cut import cut_for_landmarks
from inperson.tracking.landmarkers_detector import Detector
from inperson.tracking.landmarkers_litert import ImageNetwork, Network

_DETECTOR, _MESH, _BLENDSHAPES = (
    "face_detector.tflite",
    "face_landmarks_detector.tflite",
    "face_blendshapes.tflite",
)
_CELLS = ((8, 2), (16, 6))
_WANTED = (0, 1)
"""Mesh and presence."""
_SQUARE_SCALE = 1.5
"""Side of the square, in longer sides of the box around the face."""
_RIGHT_EYE, _LEFT_EYE = 33, 263
"""The eyes' outer corners; their line is upright in the square."""
# fmt: off
_EXPRESSIVE = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249,
    251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314,
    317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382,
    384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473,
    474, 475, 476, 477,
)
# fmt: on
"""The landmarks that the expression is read from."""

Image = UInt8[np.ndarray, "H W 3"]


@dataclass(frozen=True, slots=True)
class FaceGuess:
    """What the network saw in one square."""

    mesh: Float[np.ndarray, "478 3"]
    """Image pixels; the third is MediaPipe's relative depth, in image pixels too (negative is nearer)."""
    presence: float
    """The network's probability that the square holds a face at all."""


class FaceDetector:
    """The detector out of a `face_landmarker.task` bundle. One thread at a time."""

    def __init__(self, bundle: Path) -> None:
        with zipfile.ZipFile(bundle) as members:
            self._detector = Detector(members.read(_DETECTOR), _CELLS)

    def find(self, image: Image, where: RotatedSquare) -> RotatedSquare | None:
        """The square around the surest face in an upright square of the picture; None where there is none."""
        found = self._detector.detect(image, where)
        if not found:
            return None
        right, left = found[0].keypoints[:2]
        return _square(found[0].box, left - right)


class FaceNetwork:
    """Mesh and expression networks out of a `face_landmarker.task` bundle. One thread at a time."""

    def __init__(self, bundle: Path) -> None:
        with zipfile.ZipFile(bundle) as members:
            self._mesh = ImageNetwork(members.read(_MESH), outputs=_WANTED)
            self._blendshapes = Network(members.read(_BLENDSHAPES))

    def look(self, image: Image, square: RotatedSquare) -> FaceGuess:
        """The face in a square in which the eyes are expected level."""
        size = self._mesh.size
        mesh, logit = self._mesh.run(cut_for_landmarks(image, square, size))
        points = mesh.reshape(-1, 3).astype(np.float64) / size
        on_image = np.column_stack([square.to_image(points[:, :2]), points[:, 2] * square.size])
        return FaceGuess(on_image, float(1.0 / (1.0 + np.exp(-logit.ravel()[0]))))

    def expression(self, mesh: Float[np.ndarray, "478 3"]) -> Float[np.ndarray, "52"]:
        """ARKit-named scores 0..1 in MediaPipe's order, of a mesh in pixels (of any size)."""
        (scores,) = self._blendshapes.run(mesh[None, _EXPRESSIVE, :2].astype(np.float32))
        return scores.astype(np.float64)


def square_around_face(mesh: Float[np.ndarray, "478 3"]) -> RotatedSquare:
    """Where to look for a face whose mesh was `mesh`."""
    points = mesh[:, :2]
    return _square(np.stack([points.min(axis=0), points.max(axis=0)]), points[_LEFT_EYE] - points[_RIGHT_EYE])


def _square(box: Float[np.ndarray, "2 2"], eyes: Float[np.ndarray, "2"]) -> RotatedSquare:
    side = _SQUARE_SCALE * float((box[1] - box[0]).max())
    return RotatedSquare(box.mean(axis=0), side, float(np.arctan2(eyes[1], eyes[0])))
