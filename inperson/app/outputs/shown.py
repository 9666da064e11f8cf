"""What outputs are handed: a state and the space it is in; and where its body goes in other programs' spaces."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.app.outputs.humanoid import Humanoid, HumanoidPose
from inperson.app.outputs.standing import StandingPlace
from inperson.avatar.body import BodyModel
from inperson.avatar.state import BodyState


@dataclass(frozen=True, slots=True)
class Shown:
    """A state as it was shown."""

    state: BodyState
    in_play_space: bool = False
    """Whether its world is a headset's play space, which has a floor and an origin; otherwise a webcam's."""
    recentred: int = 0
    """How often the person was put into the middle anew so far."""


class ShownPoses:
    """Shown states as poses that stand on other programs' floors.

    Args:
        body: whose states are shown.
    """

    def __init__(self, body: BodyModel) -> None:
        self.humanoid = Humanoid(body)
        self._standing = StandingPlace(self.humanoid)
        self._space = (False, 0)

    def __call__(self, shown: Shown) -> tuple[HumanoidPose, Float[np.ndarray, "3"]]:
        """The pose, and the point of its world that is the other program's origin."""
        pose = self.humanoid.pose(shown.state)
        space = (shown.in_play_space, shown.recentred)
        if space != self._space:
            self._space = space
            self._standing.settle_anew()
        return pose, np.zeros(3) if shown.in_play_space else self._standing(pose)
