"""How far the Gaussians in sight are from where a frame shows them: dense optical flow, sampled where it can be
believed.

Dense inverse search (Kroeger et al. 2016), run both ways: a vector counts the less, the further the way there and
back ends from where it began.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Int

from inperson.render.views import EyeView

_CELL = 4
"""Pixels: one Gaussian is sampled in each cell of this size."""
_IN_FRONT = 0.02
"""Metres behind the drawn surface at which a Gaussian still counts as part of it."""
_OPAQUE = 0.5
_ROUND_TRIP = 1.0
"""Pixels of disagreement between the two ways at which a vector counts half."""
_LONGEST = 0.06
"""Share of the picture's width: longer vectors are mistakes."""


@dataclass(frozen=True, slots=True, eq=False)
class FlowSample:
    """M of the points, with how far each is from where it should be."""

    point: Int[np.ndarray, " M"]
    pixels: Float[np.ndarray, "M 2"]
    """From where it is drawn to where the frame shows it."""
    trust: Float[np.ndarray, " M"]
    """0 to 1."""
    view: EyeView


class FlowMeter:
    """Measures flow between pictures. Keeps the search's memory: one per thread."""

    def __init__(self) -> None:
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def sample(
        self,
        drawn: Float[np.ndarray, "H W 3"],
        frame: Float[np.ndarray, "H W 3"],
        depth: Float[np.ndarray, "H W"],
        alpha: Float[np.ndarray, "H W"],
        points: Float[np.ndarray, "N 3"],
        view: EyeView,
    ) -> FlowSample:
        """The flow of the points that are in sight.

        Args:
            drawn, frame: over the same background, 0 to 1.
            depth: drawn, metres along the view axis (expected distance; anything where nothing is drawn).
            alpha: drawn.
            points: of the Gaussians, world.
            view: of both pictures.
        """
        first, second = _grey(drawn), _grey(frame)
        blank = np.zeros((*first.shape, 2), np.float32)
        there = self._search.calc(first, second, blank.copy())
        back = self._search.calc(second, first, blank)
        rows, columns, index = _in_sight(depth, alpha, points, view)
        vectors = there[rows, columns]
        ended = np.rint(np.stack([columns, rows], axis=1) + vectors).astype(np.int64)
        ended = np.clip(ended, 0, [view.width - 1, view.height - 1])
        away = np.linalg.norm(vectors + back[ended[:, 1], ended[:, 0]], axis=1)
        trust = 1.0 / (1.0 + (away / _ROUND_TRIP) ** 2)
        kept = np.linalg.norm(vectors, axis=1) < _LONGEST * view.width
        return FlowSample(index[kept], vectors[kept].astype(np.float64), trust[kept].astype(np.float64), view)


def _grey(picture: Float[np.ndarray, "H W 3"]) -> np.ndarray:
    return cv2.cvtColor((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8), cv2.COLOR_RGB2GRAY)


def _in_sight(
    depth: Float[np.ndarray, "H W"], alpha: Float[np.ndarray, "H W"], points: Float[np.ndarray, "N 3"], view: EyeView
) -> tuple[Int[np.ndarray, " M"], Int[np.ndarray, " M"], Int[np.ndarray, " M"]]:
    """Row, column and index of one point on the drawn surface for each cell that has one."""
    k, to_eye = view.intrinsics, view.T_cv_from_world
    x, y, z = (points @ to_eye[:3, :3].T + to_eye[:3, 3]).T
    z = np.maximum(z, view.near)
    column = np.floor(k.fx * x / z + k.cx).astype(np.int64)
    row = np.floor(k.fy * y / z + k.cy).astype(np.int64)
    inside = (column >= 0) & (column < view.width) & (row >= 0) & (row < view.height)
    index = np.flatnonzero(inside)
    row, column = row[index], column[index]
    seen = (alpha[row, column] > _OPAQUE) & (z[index] < depth[row, column] + _IN_FRONT)
    index, row, column = index[seen], row[seen], column[seen]
    _, first = np.unique(row // _CELL * view.width + column // _CELL, return_index=True)
    return row[first], column[first], index[first]
