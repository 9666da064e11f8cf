"""The scenes one can stand in, and the mirror of one of them. Play space: origin on the floor, y up, -z ahead."""

from dataclasses import dataclass
from typing import Literal

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
    """Of the glass; its lower edge is on top of the frame's."""
    frame: float = 0.045
    """How far the frame reaches beyond the glass on each side."""

    @property
    def plane_z(self) -> float:
        """Where the glass is."""
        return -self.distance


MIRROR = Mirror()
"""The one in the scene `mirror`."""
