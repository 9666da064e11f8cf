"""Everybody in a picture."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from mediapipe.tasks.python import vision

from inperson.tracking.landmarkers_chatter import native_chatter_muted
from inperson.tracking.landmarkers_tasks import model_options, task_image
from inperson.tracking.people import BodyBox, box_of

Image = UInt8[np.ndarray, "H W 3"]

_MOST_PEOPLE = 8
_CONFIDENCE = 0.5
_SAME_PERSON = 0.4
"""Overlap (intersection over union) from which two finds are one person."""
_HEAD = slice(0, 11)
_SILHOUETTE = 256
_ALIGNED = 16
"""Pictures are widened to a multiple of this: MediaPipe pads the rows of other masks and ends the process when asked
for their pixels."""


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """Somebody's 33 body landmarks, picture pixels, and roughly their pixels."""

    pixels: Float[np.ndarray, "33 2"]
    visibility: Float[np.ndarray, " 33"]
    mask: Float[np.ndarray, "H W"]
    """Probability of this person, of the picture's size."""

    @property
    def box(self) -> BodyBox:
        """Around the visible landmarks and, as those end at the eyes, the whole head."""
        box, head = box_of(self.pixels, self.visibility), self.pixels[_HEAD]
        width = max(float(np.ptp(head[:, 0])), float(np.ptp(head[:, 1])))
        center = head.mean(axis=0)
        return BodyBox(
            min(box.x0, float(center[0]) - 0.6 * width),
            min(box.y0, float(center[1]) - 1.1 * width),
            max(box.x1, float(center[0]) + 0.6 * width),
            max(box.y1, float(center[1]) + 0.9 * width),
        )


class PeopleFinder:
    """MediaPipe's pose landmarker, asked for everybody; nothing is remembered from picture to picture."""

    def __init__(self, bundle: Path) -> None:
        options = vision.PoseLandmarkerOptions(
            base_options=model_options(bundle),
            running_mode=vision.RunningMode.IMAGE,
            num_poses=_MOST_PEOPLE,
            min_pose_detection_confidence=_CONFIDENCE,
            output_segmentation_masks=True,
        )
        with native_chatter_muted():
            self._task = vision.PoseLandmarker.create_from_options(options)

    def find(self, image: Image) -> list[FoundPerson]:
        """Everybody (eight at most), from left to right.

        The detector sees a picture at 224 pixels: somebody small is only found on a piece of it, so where nobody
        is found in the whole, its quarters are searched.
        """
        found = self._look(image, np.s_[:, :])
        if not found:
            for piece in _quarters(image.shape[:2]):
                found += self._look(image, piece)
        kept: list[FoundPerson] = []
        for person in sorted(found, key=lambda p: -p.box.area):
            if all(person.box.overlap(other.box) < _SAME_PERSON for other in kept):
                kept.append(person)
        return sorted(kept, key=lambda p: float(p.box.center[0]))

    def close(self) -> None:
        """Free the network."""
        self._task.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _look(self, image: Image, piece: tuple[slice, slice]) -> list[FoundPerson]:
        height, width = image[piece].shape[:2]
        seen = np.pad(image[piece], ((0, 0), (0, -width % _ALIGNED), (0, 0)), mode="edge")
        with native_chatter_muted():  # its first person makes it warn about something that does not apply
            result = self._task.detect(task_image(seen))
        size = np.array([seen.shape[1], seen.shape[0]], np.float64)
        origin = np.array([piece[1].start or 0, piece[0].start or 0], np.float64)
        found = []
        for landmarks, segmented in zip(result.pose_landmarks, result.segmentation_masks or (), strict=True):
            mask = np.zeros(image.shape[:2], np.float32)
            mask[piece] = segmented.numpy_view().reshape(seen.shape[:2])[:height, :width]
            pixels = np.array([[p.x, p.y] for p in landmarks]) * size + origin
            found.append(FoundPerson(pixels, np.array([p.visibility for p in landmarks]), mask))
        return found


def _quarters(shape: tuple[int, int]) -> list[tuple[slice, slice]]:
    """Pieces of half the picture's height and width that overlap by half."""
    height, width = shape
    return [
        (slice(y * height // 4, y * height // 4 + height // 2), slice(x * width // 4, x * width // 4 + width // 2))
        for y in range(3)
        for x in range(3)
    ]


def silhouette_among(people: list[FoundPerson], chosen: int) -> UInt8[np.ndarray, "n n"]:
    """Where one of several people is (0 to 255, over the whole picture): nothing where another is likelier."""
    own = people[chosen].mask
    others = np.max([person.mask for i, person in enumerate(people) if i != chosen], axis=0)
    small = cv2.resize(np.where(own >= others, own, 0.0), (_SILHOUETTE, _SILHOUETTE), interpolation=cv2.INTER_AREA)
    return np.rint(255 * np.clip(small, 0, 1)).astype(np.uint8)


def without_the_others(image: Image, people: list[FoundPerson], chosen: int) -> Image:
    """The picture with everybody but one greyed out; pixels nearer to the chosen one's box stay."""
    others = [person.box for i, person in enumerate(people) if i != chosen]
    if not others:
        return image
    out = image.copy()
    for box in others:
        out[box.grown(0.1).slices(image)] = 128
    own = people[chosen].box.grown(0.05).slices(image)
    out[own] = image[own]
    return out
