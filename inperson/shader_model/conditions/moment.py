"""`Moment`: what the conditions of one frame are made of."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.avatar.gaussians import GaussianAvatar, PosedGaussians
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.render.views import EyeView

SAMPLE = 16
"""One Gaussian in as many tells where the body is and how it moved as a whole."""


def as_posed(gaussians: PosedGaussians) -> PosedGaussians:
    """Shown where the poser put them."""
    return gaussians


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One person at one time, and who looks at them."""

    poser: AvatarPoser
    state: BodyState
    gaussians: PosedGaussians
    """What `poser` made of `state`, as `shown`."""
    views: tuple[EyeView, ...]
    """The person's crop of each eye's view (`PersonCropper`): one size, sides multiples of `MULTIPLE`."""
    time_ns: int
    """When this is shown, monotonic."""
    shown: Callable[[PosedGaussians], PosedGaussians] = as_posed
    """What a scene does with a posed person, a mirror for instance."""

    @property
    def middle(self) -> Float[np.ndarray, "3"]:
        """Of the person, in the world."""
        return np.asarray(self.gaussians.means[::SAMPLE].mean(axis=0))

    @property
    def avatar(self) -> GaussianAvatar:
        """Whose the Gaussians are."""
        return self.poser.avatar
