"""Pictures that show the same places: from frame to frame, and from eye to eye. What the loss of steadiness costs and
what an evaluation measures is the same difference."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.network.warp import carry_pictures


@dataclass(frozen=True, slots=True, eq=False)
class SamePlaces:
    """Where what N pictures show is in N others."""

    before: Float[Tensor, "N 2 h w"]
    """Of each inner pixel: x then y in the other picture, in its full-size pixels."""
    seen: Float[Tensor, "N h w"]
    """How far it is visible there, 0 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """How N pictures differ from others, each carried to where its places are now."""

    change: Float[Tensor, "N 3 H W"]
    """The pictures less the others, times `seen`."""
    seen: Float[Tensor, "N 1 H W"]
    """How far each place was visible in the other."""


def difference(pictures: Float[Tensor, "N 3 H W"], others: Float[Tensor, "N 3 H W"], same: SamePlaces) -> Difference:
    """Of pictures over one background from others; differentiable in both."""
    opaque = torch.cat([others, torch.ones_like(others[:, :1])], dim=1)
    carried = carry_pictures(opaque[:, None], same.before[:, None, None], same.seen[:, None, None])[:, 0]
    known = carried[:, 4:]
    return Difference(pictures * known - carried[:, :3], known)
