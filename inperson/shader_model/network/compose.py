"""From what the network says to pictures: the render, corrected, with the photo and the past mixed in."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Corrections:
    """What the network says about every pixel. Zeros change nothing."""

    added: Float[Tensor, "BE 4 H W"]
    """To the premultiplied colour and to alpha."""
    photo: Float[Tensor, "BE 1 H W"]
    """Through tanh: how much of the way to the photo's opaque pixel to go, where it is trusted."""
    previous: Float[Tensor, "BE 1 H W"]
    """Likewise to the last picture, where it is known. Less than the whole way: an error in it fades."""


def compose(
    corrections: Corrections,
    color: Float[Tensor, "BE 4 H W"],
    photo: Float[Tensor, "BE 4 H W"],
    previous: Float[Tensor, "BE 5 H W"],
) -> Float[Tensor, "BE 4 H W"]:
    """The refined picture: alpha in [0, 1] and premultiplied colour in [0, alpha].

    The photo's and the last picture's pixels are mixed in one by one, so that their detail need not pass through
    the network's channels. Both come multiplied by how far they count (their last channel), so the way to them is
    a difference without a division.
    """
    to_photo = photo - photo[:, 3:] * color
    to_previous = previous[:, :4] - previous[:, 4:] * color
    mixed = (
        color
        + corrections.added
        + torch.tanh(corrections.photo) * to_photo
        + torch.tanh(corrections.previous) * to_previous
    )
    # alpha is within its own bound, so one minimum serves all four channels
    return torch.minimum(mixed.clamp(min=0.0), mixed[:, 3:].clamp(0.0, 1.0))
