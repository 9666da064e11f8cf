"""The discriminator that keeps the live model's pictures spread as true ones are, not only at their mean.

Hinge losses as in Lim & Ye 2017; patches as in Isola et al. 2017; every convolution is divided by its spectral norm
(Miyato et al. 2018), computed anew instead of carried along, so that the critic has no state but its weights.
"""

from collections.abc import Callable
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
    """A convolution whose matrix has norm 1."""

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
    """What would please the critic."""
    return -verdict.mean(dim=(1, 2, 3))


def pull_of(
    verdict_of: Callable[[Float[Tensor, "... 4 H W"]], Float[Tensor, "N 1 h w"]], shown: Float[Tensor, "... 4 H W"]
) -> Float[Tensor, "... 4 H W"]:
    """Where the critic pulls each picture: the gradient of `fooling_loss`, as long for each picture as that of a mean
    absolute difference over it. Detached.

    A critic with its norms bound has slopes of any size, mostly far below those of the other losses, and they change
    while it learns; so the weight of its loss would say nothing. Of the same length, a weight of 0.3 pulls as hard as
    0.3 times the colour loss. (Esser et al. 2021 balance the two by the ratio of their gradients at the last layer.)
    """
    leaf = shown.detach().requires_grad_()
    (slope,) = torch.autograd.grad(fooling_loss(verdict_of(leaf)).sum(), leaf)
    length = slope.square().sum(dim=(-3, -2, -1), keepdim=True).sqrt()
    return slope / length.clamp(min=1e-20) / shown.shape[-3:].numel() ** 0.5


def pulled(shown: Float[Tensor, "... 4 H W"], pull: Float[Tensor, "... 4 H W"]) -> Float[Tensor, " N"]:
    """A loss of each picture whose gradient is `pull`; 0 at the picture as it is."""
    return ((shown - shown.detach()) * pull).sum(dim=(-3, -2, -1)).flatten()
