"""MediaPipe's single-shot detectors of people and faces: where somebody is, for the landmark networks to look there.

The networks answer for fixed anchors: several in the middle of each cell of 8 pixels' side, of 16, and so on
(`ssd_anchors_calculator.cc` with anchors of one size). Each answer is a box and some keypoints relative to its
anchor, and a score. Answers that mean the same object are averaged (`non_max_suppression_calculator.cc`, weighted).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from inperson.tracking.crops import RotatedSquare
from inperson.tracking.landmarkers_cut import cut_for_detector
from inperson.tracking.landmarkers_litert import ImageNetwork

_LEAST_SCORE = 0.5
_SAME_OVERLAP = 0.5
"""Answers that overlap more (intersection over union) mean one object."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One found object."""

    score: float
    box: Float[np.ndarray, "2 2"]
    """Top-left and bottom-right corner in the square that was looked at, image pixels (the square is upright)."""
    keypoints: Float[np.ndarray, "k 2"]
    """Image pixels."""


class Detector:
    """A detector network. One thread at a time.

    Args:
        tflite: the model file's content.
        cells: the cells' side in input pixels and how many anchors each has, in the order of the network's answers.
    """

    def __init__(self, tflite: bytes, cells: Sequence[tuple[int, int]]) -> None:
        self._network = ImageNetwork(tflite, lowest=-1.0)
        self._anchors = np.concatenate([cell_middles(self._network.size // side, count) for side, count in cells])

    def detect(self, image: UInt8[np.ndarray, "H W 3"], square: RotatedSquare, most: int = 1) -> list[Detection]:
        """What is found in an upright square of the image, the surest first."""
        size = self._network.size
        answers, logits = self._network.run(cut_for_detector(image, square, size))
        scores = 1.0 / (1.0 + np.exp(-np.clip(logits[:, 0].astype(np.float64), -100, 100)))
        likely = np.flatnonzero(scores >= _LEAST_SCORE)
        likely = likely[np.argsort(-scores[likely], kind="stable")]
        points = (answers[likely].astype(np.float64) / size).reshape(len(likely), answers.shape[1] // 2, 2)
        points[:, 0] += self._anchors[likely]
        points[:, 2:] += self._anchors[likely, None]
        half = 0.5 * points[:, 1]
        points[:, 1] = points[:, 0] + half
        points[:, 0] -= half
        merged = merge_overlapping(points, scores[likely], most)
        return [Detection(score, square.to_image(found[:2]), square.to_image(found[2:])) for found, score in merged]


def merge_overlapping(
    points: Float[np.ndarray, "n k 2"], scores: Float[np.ndarray, " n"], most: int
) -> list[tuple[Float[np.ndarray, "k 2"], float]]:
    """The different objects among detections sorted by falling score; those of one object are averaged by score.

    Args:
        points: of each, the corners of its box (low, high), then its keypoints.
        scores: of each.
        most: no more objects than this.
    """
    out: list[tuple[np.ndarray, float]] = []
    while len(points) and len(out) < most:
        same = _overlaps(points[0, :2], points[:, :2]) > _SAME_OVERLAP
        same[0] = True
        out.append((np.average(points[same], axis=0, weights=scores[same]), float(scores[0])))
        points, scores = points[~same], scores[~same]
    return out


def whole_picture(image: UInt8[np.ndarray, "H W 3"]) -> RotatedSquare:
    """The smallest upright square around the whole picture."""
    height, width = image.shape[:2]
    return RotatedSquare(np.array([0.5 * width, 0.5 * height]), float(max(height, width)))


def cell_middles(cells: int, count: int) -> Float[np.ndarray, "n 2"]:
    """The middles of `cells` x `cells` cells, `count` times each, row by row, 0..1 of the input."""
    middle = (np.arange(cells) + 0.5) / cells
    y, x = np.meshgrid(middle, middle, indexing="ij")
    return np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), count, axis=0)


def _overlaps(box: Float[np.ndarray, "2 2"], boxes: Float[np.ndarray, "n 2 2"]) -> Float[np.ndarray, " n"]:
    sides = np.minimum(box[1], boxes[:, 1]) - np.maximum(box[0], boxes[:, 0])
    shared = np.prod(np.maximum(sides, 0.0), axis=1)
    area = np.prod(box[1] - box[0]) + np.prod(boxes[:, 1] - boxes[:, 0], axis=1) - shared
    return shared / np.maximum(area, 1e-12)
