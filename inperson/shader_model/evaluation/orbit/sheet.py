"""A picture of pictures: each row a person, plain, live, taught and true side by side from a few angles."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from inperson.shader_model.evaluation.orbit.shading import METHODS
from inperson.shader_model.evaluation.orbit.views import Orbit
from inperson.shader_model.evaluation.pictures import over_grey
from inperson.shader_model.evaluation.sheet import below_each_other, beside_each_other

COLUMNS = (*METHODS, "truth")
ANGLES = (math.radians(30.0), math.radians(135.0))
"""From the front, one group of columns each."""


class OrbitSheet:
    """Keeps the first people's pictures.

    Args:
        rows: people, at most.
    """

    def __init__(self, rows: int = 6, angles: Sequence[float] = ANGLES) -> None:
        self._most, self._angles = rows, angles
        self._rows: list[UInt8[np.ndarray, "S W 3"]] = []

    def offer(self, orbit: Orbit, shown: Mapping[str, Float[Tensor, "N 1 4 H W"]]) -> None:
        """A person, by `COLUMNS`."""
        if len(self._rows) < self._most:
            nearest = [_nearest(orbit, angle) for angle in self._angles]
            pictures = torch.cat([shown[name][number] for number in nearest for name in COLUMNS])
            self._rows.append(beside_each_other(over_grey(pictures)))

    def picture(self) -> UInt8[np.ndarray, "H W 3"]:
        """The sheet, of at least one person."""
        return below_each_other(self._rows)


def _nearest(orbit: Orbit, angle: float) -> int:
    """The view that is nearest to an angle."""
    return min(range(len(orbit.views)), key=lambda n: abs(math.remainder(orbit.angles[n] - angle, math.tau)))
