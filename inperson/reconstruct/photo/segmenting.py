"""How likely each pixel of a picture shows the person: the selfie segmenter, looked through at several scales, and
what the colours themselves say."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from scipy.ndimage import gaussian_filter

from inperson.tracking.observation import Observation
from inperson.tracking.people import BodyBox
from inperson.tracking.silhouette import SilhouetteSegmenter

SEGMENTER_PIXELS = 256
"""Side of what the selfie segmenter sees."""
_VISIBLE = 0.3
_AROUND_PERSON, _AROUND_HEAD = 0.2, 0.6
"""Room left around the person (share of their longer side) and the face (of its own)."""
_HAIR = 0.7
"""Hair above the face mesh, as a share of the face's height."""
_WORTH_IT = 0.7
"""A look at a piece of the picture that is not smaller than this share of the whole shows no more than the whole."""
_SURE = 1e-3
_BIN_SHIFT, _BIN_BLUR, _RARE = 3, 0.8, 2e-5
"""Colours are counted in bins of 2^3 levels, blurred by that many bins; what is rarer than this says nothing."""
_DOUBT = 0.1
_FEW = 200
_MOST_COLOR, _COLOR_SAY = 3.0, 0.7


@dataclass(frozen=True, slots=True)
class Look:
    """A piece of the picture, seen at the segmenter's own resolution."""

    box: BodyBox
    """Inside the picture."""
    feather: float
    """Share of the box over which its say fades to nothing at sides that are not the picture's; 0: none."""


class PersonSegmenter:
    """Which pixels are people, looked at closely around one person. One thread at a time."""

    def __init__(self, model: Path) -> None:
        self._segmenter = SilhouetteSegmenter(model)

    def probability(self, image: UInt8[np.ndarray, "H W 3"], observation: Observation) -> Float[np.ndarray, "H W"]:
        """Probability of a person, float32: the mean log-odds of looks at the whole picture, the person, the head."""
        shape = image.shape[:2]
        total, weight = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for look in looks_at(observation):
            rows, columns = look.box.slices(image)
            seen = self._segmenter.segment(image[rows, columns])
            size = (columns.stop - columns.start, rows.stop - rows.start)
            odds = _log_odds(cv2.resize(seen, size, interpolation=cv2.INTER_LINEAR))
            window = _window(look, rows, columns, shape)
            total[rows, columns] += window * odds
            weight[rows, columns] += window
        odds = total / np.maximum(weight, 1e-6)
        return _probability(odds + color_odds(image, _probability(odds)))


def looks_at(observation: Observation) -> list[Look]:
    """The whole picture; the person, where that is closer; the head, where a face was seen."""
    k = observation.intrinsics
    whole = BodyBox(0.0, 0.0, float(k.width), float(k.height))
    person = person_box(observation)
    looks = [Look(whole, 0.0)]
    if person is None:
        return looks
    closer = _inside(person.grown(_AROUND_PERSON), whole)
    if closer.area < _WORTH_IT * whole.area:
        looks.append(Look(closer, 0.06))
    head = head_box(observation)
    if head is not None:
        close_up = _inside(head.grown(_AROUND_HEAD), whole)
        if close_up.area < _WORTH_IT * closer.area:
            looks.append(Look(close_up, 0.2))
    return looks


def pixel_size(observation: Observation) -> float:
    """Size of a segmenter's pixel at the person's outline, image pixels."""
    looks = looks_at(observation)
    box = looks[min(1, len(looks) - 1)].box
    return max(box.x1 - box.x0, box.y1 - box.y0) / SEGMENTER_PIXELS


def head_box(observation: Observation) -> BodyBox | None:
    """Around face and hair."""
    if observation.face is None:
        return None
    (x0, y0), (x1, y1) = observation.face.pixels.min(axis=0), observation.face.pixels.max(axis=0)
    return BodyBox(float(x0), float(y0 - _HAIR * (y1 - y0)), float(x1), float(y1))


def person_box(observation: Observation) -> BodyBox | None:
    """Around everything seen of the person, picture pixels."""
    points = [np.zeros((0, 2))]
    if observation.body_pixels is not None and observation.body_visibility is not None:
        k, pixels = observation.intrinsics, observation.body_pixels
        inside = np.all((pixels >= 0) & (pixels <= (k.width, k.height)), axis=1)
        points.append(pixels[inside & (observation.body_visibility > _VISIBLE)])
    points += [hand.pixels for hand in (observation.left_hand, observation.right_hand) if hand is not None]
    head = head_box(observation)
    if head is not None:
        points.append(np.array([[head.x0, head.y0], [head.x1, head.y1]]))
    all_points = np.concatenate(points)
    if len(all_points) == 0:
        return None
    (x0, y0), (x1, y1) = all_points.min(axis=0), all_points.max(axis=0)
    return BodyBox(float(x0), float(y0), float(x1), float(y1))


def _inside(box: BodyBox, whole: BodyBox) -> BodyBox:
    return BodyBox(max(box.x0, whole.x0), max(box.y0, whole.y0), min(box.x1, whole.x1), min(box.y1, whole.y1))


def color_odds(image: UInt8[np.ndarray, "H W 3"], probability: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "H W"]:
    """What each pixel's colour adds to the log-odds of a person: how much more frequent it is where the segmenter is
    sure of one than where it is sure of none. It opens narrow gaps and sharpens edges that the segmenter blurs."""
    bins = image >> _BIN_SHIFT
    n = 256 >> _BIN_SHIFT
    index = (bins[..., 0].astype(np.int32) * n + bins[..., 1]) * n + bins[..., 2]
    log_frequency = []
    for sure in (probability > 1 - _DOUBT, probability < _DOUBT):
        if np.count_nonzero(sure) < _FEW:
            return np.zeros(image.shape[:2], np.float32)
        counts = np.bincount(index[sure], minlength=n**3).astype(np.float32).reshape(n, n, n)
        smooth = gaussian_filter(counts / counts.sum(), _BIN_BLUR)
        log_frequency.append(np.log(smooth + _RARE).ravel())
    odds = np.clip(log_frequency[0] - log_frequency[1], -_MOST_COLOR, _MOST_COLOR)
    return (_COLOR_SAY * odds).astype(np.float32)[index]


def _probability(odds: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "H W"]:
    return 1.0 / (1.0 + np.exp(-odds))


def _log_odds(probability: UInt8[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    p = np.clip(probability.astype(np.float32) / 255.0, _SURE, 1.0 - _SURE)
    return np.log(p / (1.0 - p))


def _window(look: Look, rows: slice, columns: slice, shape: tuple[int, int]) -> Float[np.ndarray, "h w"]:
    """1 inside, fading to 0 at the sides that are not the picture's; closer looks count for more."""

    def ramp(span: slice, end: int) -> np.ndarray:
        n = span.stop - span.start
        at = np.arange(n) + 0.5
        fade = max(look.feather * n, 1e-6)
        low = np.ones(n) if span.start == 0 else np.clip(at / fade, 0.0, 1.0)
        high = np.ones(n) if span.stop == end else np.clip((n - at) / fade, 0.0, 1.0)
        return low * high

    closeness = shape[0] * shape[1] / max((rows.stop - rows.start) * (columns.stop - columns.start), 1)
    weight = float(np.sqrt(closeness))
    return (weight * np.outer(ramp(rows, shape[0]), ramp(columns, shape[1]))).astype(np.float32)
