"""The scenes one can stand in, and the mirror of one of them. Play space: origin on the floor, y up, -z ahead."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

SceneName = Literal["mirror", "embodied", "face-to-face"]
"""`mirror`: only the wearer's reflection. `embodied`: the wearer's own body, from inside. `face-to-face`: whoever is
drawn stands opposite. Only `mirror` changes what is drawn of the room; where the body stands is the caller's."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """An upright mirror that stands on the floor and faces +z, centred on x = 0. Metres."""

    distance: float = 1.5
    """The glass lies in the plane z = -distance."""
    width: float = 1.2
    height: float = 2.0
    """Of the glass, which begins where the frame below it ends."""
    frame: float = 0.055
    """How far the frame reaches beyond the glass on each side; below, to the floor."""

    @property
    def plane_z(self) -> float:
        """Where the glass is."""
        return -self.distance

    @property
    def corners(self) -> Float[np.ndarray, "4 3"]:
        """Of the glass, one after the other around it."""
        return self._upright(self.width / 2, self.frame, self.frame + self.height)

    @property
    def board_corners(self) -> Float[np.ndarray, "4 3"]:
        """Of glass and frame together."""
        return self._upright(self.width / 2 + self.frame, 0.0, 2 * self.frame + self.height)

    def _upright(self, half_width: float, bottom: float, top: float) -> Float[np.ndarray, "4 3"]:
        x, z = half_width, self.plane_z
        return np.array([[-x, bottom, z], [x, bottom, z], [x, top, z], [-x, top, z]])


MIRROR = Mirror()
"""The one in the scene `mirror`."""
