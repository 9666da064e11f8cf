"""What a drawn frame is asked for: L1, SSIM and the mask's L1 over a random background, and a perceptual distance."""

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from inperson.reconstruct.image_loss import LossWeights, capture_loss
from inperson.reconstruct.perceptual import Perceptual

_GREY = 0.5


@dataclass(frozen=True, slots=True)
class ObjectiveWeights:
    """What counts how much."""

    photometric: LossWeights = field(default_factory=lambda: LossWeights(ssim=0.3, mask=0.2))
    perceptual: float = 0.1
    """Of the mean perceptual distance inside the person."""


class Objective:
    """The loss of one drawn frame.

    Args:
        perceptual: the distance, on the device that planes are drawn on.
        weights: of the terms.
    """

    def __init__(self, perceptual: Perceptual, weights: ObjectiveWeights) -> None:
        self._perceptual, self._weights = perceptual, weights

    def __call__(
        self,
        planes: Float[Tensor, "5 H W"],
        rgba: UInt8[np.ndarray, "H W 4"],
        background: Float[np.ndarray, "3"],
        perceptual: bool = True,
    ) -> Float[Tensor, ""]:
        """Differentiable in `planes`.

        Args:
            planes: what a rasteriser sums: premultiplied RGB, depth (ignored), alpha.
            rgba: the frame, premultiplied.
            background: sRGB-encoded, behind both.
            perceptual: False leaves that term, the dearest, out.
        """
        picture = torch.from_numpy(rgba).to(planes.device)
        loss = capture_loss(planes, picture, background, self._weights.photometric)
        if not perceptual or self._weights.perceptual == 0:
            return loss
        behind = torch.as_tensor(background, dtype=torch.float32, device=planes.device)[:, None, None]
        frame = picture.permute(2, 0, 1).to(torch.float32) / 255
        drawn = (planes[:3] + (1 - planes[4:]) * behind)[None]
        with torch.no_grad():
            wanted = self._perceptual.features((frame[:3] + (1 - frame[3:]) * behind)[None])
            where = torch.maximum(frame[3:], planes[4:].detach())[None]
        away = self._perceptual.between(self._perceptual.features(drawn), wanted, where)[0]
        return loss + self._weights.perceptual * away

    @torch.no_grad()
    def value(self, planes: Float[Tensor, "5 H W"], rgba: UInt8[np.ndarray, "H W 4"]) -> float:
        """The whole loss over grey: a number to compare avatars by."""
        return float(self(planes, rgba, np.full(3, _GREY)))
