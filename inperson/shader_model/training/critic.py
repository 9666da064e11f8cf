"""The discriminator that keeps the live model's pictures spread as true ones are, not only at their mean.

Hinge losses as in Lim & Ye 2017; patches as in Isola et al. 2017; every convolution is divided by its spectral norm
(Miyato et al. 2018), computed anew instead of carried along, so that the critic has no state but its weights.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

SEEN_CHANNELS = 8
"""The picture, and the Gaussian render that it came from: colour over the background and alpha of each."""
_SLOPE = 0.2


class Critic(nn.Module):
    """Says of every patch of a picture how true it looks.

    Args:
        width: channels of the first layer.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = (SEEN_CHANNELS, width, 2 * width, 4 * width)
        self.layers = nn.ModuleList(
            [_Normed(a, b, stride=2) for a, b in pairwise(widths)] + [_Normed(4 * width, 1, 1)]
        )

    def forward(self, seen: Float[Tensor, "N 8 H W"]) -> Float[Tensor, "N 1 H/8 W/8"]:
        """Above 0 for what looks true."""
        x = 2.0 * seen - 1.0
        for layer in self.layers[:-1]:
            x = F.leaky_relu(layer(x), _SLOPE)
        verdict: Tensor = self.layers[-1](x)
        return verdict


class _Normed(nn.Module):
    """A convolution whose matrix has norm 1, times a scale that is learned."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out, channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out))
        self._stride = stride
        nn.init.orthogonal_(self.weight.flatten(1))

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N O h w"]:
        return F.conv2d(x, self.weight / spectral_norm(self.weight), self.bias, self._stride, padding=1)


def spectral_norm(weight: Float[Tensor, "O C 3 3"]) -> Float[Tensor, ""]:
    """Largest singular value of the (O, C * 9) matrix, from its O x O Gram matrix."""
    rows = weight.flatten(1).float()
    return torch.linalg.eigvalsh(rows @ rows.T)[-1].sqrt()


def true_loss(verdict: Float[Tensor, "N 1 h w"]) -> Float[Tensor, " N"]:
    """What the critic pays for true pictures."""
    return F.relu(1.0 - verdict).mean(dim=(1, 2, 3))


def made_loss(verdict: Float[Tensor, "N 1 h w"]) -> Float[Tensor, " N"]:
    """What it pays for made ones."""
    return F.relu(1.0 + verdict).mean(dim=(1, 2, 3))


def fooling_loss(verdict: Float[Tensor, "N 1 h w"]) -> Float[Tensor, " N"]:
    """What the live model pays."""
    return -verdict.mean(dim=(1, 2, 3))
