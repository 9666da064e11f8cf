"""What of a segmenter's people is the one person meant: in one piece, without holes or bystanders."""

import cv2
import numpy as np
from jaxtyping import Float

from inperson.tracking.fit.landmarks import MP_LEFT_HIP, MP_LEFT_SHOULDER, MP_RIGHT_HIP, MP_RIGHT_SHOULDER
from inperson.tracking.observation import Observation

_TRUNK = [MP_LEFT_SHOULDER, MP_RIGHT_SHOULDER, MP_RIGHT_HIP, MP_LEFT_HIP]
_FACE_OUTLINE = [10, 338, 297, 284, 454, 361, 397, 379, 152, 150, 172, 132, 234, 54, 67, 109]
_TRUNK_SEEN = 0.5
_CORE = 0.8
"""Size of the part of trunk and face that is taken as the person whatever the segmenter says."""
_POSSIBLE = 0.35
"""Probability from which pixels hold a person together."""
_SMALL_HOLE, _DOUBTFUL_HOLE = 0.004, 0.05
"""Holes smaller than that share of the person are closed (a badge of the background's colour), unless their mean
probability is below this."""
_SOFT = 4
"""Width of the soft edge beyond what is possible, pixels."""
_OTHERS = 0.04
"""How far beyond the silhouette of the chosen one (`Observation.silhouette`) they may reach, share of its size."""


def one_person(probability: Float[np.ndarray, "H W"], observation: Observation) -> Float[np.ndarray, "H W"]:
    """The probability of that one person, 0 elsewhere."""
    out = probability.copy()
    if observation.silhouette is not None:
        out[~_reach(observation.silhouette, out.shape)] = 0.0
    core = _core(observation, out.shape)
    out[core > 0] = np.maximum(out[core > 0], 0.99)
    person = _connected(out > _POSSIBLE, core > 0)
    out[~person & ~_beside(person)] = 0.0
    return _closed(out, person)


def _core(observation: Observation, shape: tuple[int, int]) -> np.ndarray:
    """Trunk and face, shrunk towards their middles."""
    core = np.zeros(shape, np.uint8)
    body, visibility = observation.body_pixels, observation.body_visibility
    if body is not None and visibility is not None and visibility[_TRUNK].min() > _TRUNK_SEEN:
        _fill(core, body[_TRUNK])
    if observation.face is not None:
        _fill(core, observation.face.pixels[_FACE_OUTLINE])
    return core


def _fill(canvas: np.ndarray, polygon: np.ndarray) -> None:
    middle = polygon.mean(axis=0)
    shrunk = middle + _CORE * (polygon - middle)
    cv2.fillPoly(canvas, [np.rint(shrunk).astype(np.int32)], 1)


def _connected(possible: np.ndarray, core: np.ndarray) -> np.ndarray:
    """The piece that holds most of the core; the largest where there is no core."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(possible.astype(np.uint8), connectivity=4)
    counts = np.bincount(labels[core], minlength=len(stats)) if core.any() else stats[:, cv2.CC_STAT_AREA].copy()
    counts[0] = 0
    return labels == counts.argmax() if counts.any() else np.zeros_like(possible)


def _beside(person: np.ndarray) -> np.ndarray:
    """Next to the person, where soft edges are."""
    return cv2.dilate(person.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=_SOFT) > 0


def _closed(probability: Float[np.ndarray, "H W"], person: np.ndarray) -> Float[np.ndarray, "H W"]:
    """Small holes that are not surely holes become person."""
    count, labels = cv2.connectedComponents((~person).astype(np.uint8), connectivity=4)
    area = np.bincount(labels.ravel(), minlength=count)
    doubt = np.bincount(labels.ravel(), weights=probability.ravel(), minlength=count) / np.maximum(area, 1)
    close = (doubt > _DOUBTFUL_HOLE) & (area < _SMALL_HOLE * np.count_nonzero(person))
    close[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = False
    close[0] = False
    probability[close[labels]] = 1.0
    return probability


def _reach(silhouette: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Where the chosen person may be at all."""
    mask = cv2.resize(silhouette, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR) > 64
    if not mask.any():
        return np.ones(shape, bool)
    rows = np.nonzero(mask.any(axis=1))[0]
    grow = max(round(_OTHERS * (rows[-1] - rows[0])), 1)
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=grow) > 0
