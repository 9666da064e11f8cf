"""Which of several people is tracked: the largest one in view, and then that one for as long as they stay."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_VISIBLE = 0.5
_SLIPPED_OVERLAP = 0.2
"""A followed body whose box overlaps its last one less than this is somebody else."""
_WAIT_NS = 1_500_000_000
"""How long somebody who went out of view is waited for before another person is taken."""
_NEAR = 0.6
"""They are recognised by coming back within that share of their own height,"""
_AREA_RATIO = 3.0
"""and by filling about as much of the picture."""


@dataclass(frozen=True, slots=True)
class BodyBox:
    """The upright box around a body's visible landmarks, image pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def area(self) -> float:
        return max(self.x1 - self.x0, 0.0) * max(self.y1 - self.y0, 0.0)

    @property
    def center(self) -> Float[np.ndarray, "2"]:
        return np.array([0.5 * (self.x0 + self.x1), 0.5 * (self.y0 + self.y1)])

    def grown(self, share: float) -> "BodyBox":
        """The box with that share of its longer side added on every side."""
        margin = share * max(self.x1 - self.x0, self.y1 - self.y0)
        return BodyBox(self.x0 - margin, self.y0 - margin, self.x1 + margin, self.y1 + margin)

    def overlap(self, other: "BodyBox") -> float:
        """Intersection over union."""
        shared = BodyBox(
            max(self.x0, other.x0), max(self.y0, other.y0), min(self.x1, other.x1), min(self.y1, other.y1)
        ).area
        return shared / max(self.area + other.area - shared, 1e-9)

    def slices(self, image: np.ndarray) -> tuple[slice, slice]:
        """Index of the box's pixels in an image."""
        height, width = image.shape[:2]
        x0, x1 = np.clip([round(self.x0), round(self.x1)], 0, width)
        y0, y1 = np.clip([round(self.y0), round(self.y1)], 0, height)
        return slice(int(y0), int(y1)), slice(int(x0), int(x1))


def box_of(pixels: Float[np.ndarray, "33 2"], visibility: Float[np.ndarray, " 33"]) -> BodyBox:
    """The box around the landmarks that are visible (around all of them where none is)."""
    seen = pixels[visibility > _VISIBLE] if (visibility > _VISIBLE).any() else pixels
    (x0, y0), (x1, y1) = seen.min(axis=0), seen.max(axis=0)
    return BodyBox(float(x0), float(y0), float(x1), float(y1))


class PersonKeeper:
    """Remembers who is tracked."""

    def __init__(self) -> None:
        self._box: BodyBox | None = None
        self._time_ns = 0
        self.following = False
        """Whether somebody is being followed now."""

    def choose(self, boxes: list[BodyBox], time_ns: int) -> int | None:
        """Whom to track of those in view; None of nobody.

        The largest; but for a while after somebody was lost only who can be them again, nobody else.
        """
        if self._box is not None and 0 <= time_ns - self._time_ns < _WAIT_NS:
            likely = [i for i, box in enumerate(boxes) if _can_be(box, self._box)]
        else:
            likely = list(range(len(boxes)))
        return max(likely, key=lambda i: boxes[i].area, default=None)

    def keep(self, box: BodyBox, time_ns: int) -> bool:
        """Note where the followed body is now; False when it cannot be the same person."""
        slipped = self.following and self._box is not None and box.overlap(self._box) < _SLIPPED_OVERLAP
        if not slipped:
            self._box, self._time_ns, self.following = box, time_ns, True
        return not slipped

    def lost(self) -> None:
        """Nobody is followed any more; who it was is remembered for a moment."""
        self.following = False


def _can_be(box: BodyBox, last: BodyBox) -> bool:
    """Whether the person in `box` can be the one last seen in `last`."""
    apart = np.linalg.norm(box.center - last.center)
    ratio = max(box.area, 1.0) / max(last.area, 1.0)
    return bool(apart < _NEAR * (last.y1 - last.y0) and 1 / _AREA_RATIO < ratio < _AREA_RATIO)
