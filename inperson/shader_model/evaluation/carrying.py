"""How much pictures differ where they show the same places: from frame to frame, and from eye to eye."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.gbuffer import Rasterizer
from inperson.render.views import EyeView
from inperson.shader_model.conditions.channels import NUM_FEATURES, DensePlanes, dense_gaussians, inner_view
from inperson.shader_model.conditions.motion import Past, previous_places_fast
from inperson.shader_model.interface import Conditions
from inperson.shader_model.network.same_places import SamePlaces, difference

GREY_LEVELS = 255.0


def last_places(conditions: Conditions) -> SamePlaces:
    """Of each eye in its own last picture, by the exact motion. Only of frames that have one."""
    own = torch.arange(len(conditions.color))
    return SamePlaces(conditions.before[own, own], conditions.seen_before[own, own])


def places_in_other_eye(
    rasterizer: Rasterizer, gaussians: PosedGaussians, views: tuple[EyeView, EyeView]
) -> SamePlaces:
    """Of what the first eye sees, in the second eye's picture of the same moment, by depth."""
    still = np.zeros_like(gaussians.means)
    nothing = np.zeros((len(still), NUM_FEATURES), np.float32)
    drawn = rasterizer.render(dense_gaussians(gaussians, nothing, still), [inner_view(view) for view in views])
    planes = DensePlanes.of(drawn)
    before, seen = previous_places_fast(planes, views, Past.of(planes, views))
    return SamePlaces(torch.from_numpy(before[:1, 1]), torch.from_numpy(seen[:1, 1]))


class Disagreement:
    """The mean absolute difference of pictures from others where both show the same places, in grey levels."""

    def __init__(self) -> None:
        self._total = self._weight = 0.0

    def add(self, pictures: Float[Tensor, "N 3 H W"], others: Float[Tensor, "N 3 H W"], same: SamePlaces) -> None:
        """Pictures over one background, and those that `same` says where to look in."""
        found = difference(pictures, others, same)
        self._total += float(found.change.abs().mean(dim=1).double().sum())
        self._weight += float(found.seen.double().sum())

    @property
    def value(self) -> float:
        """NaN of nothing."""
        return GREY_LEVELS * self._total / self._weight if self._weight else float("nan")
