"""Building blocks of the live model: chosen for CPUs, where depthwise and 1x1 convolutions cost least."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class DepthwiseBlock(nn.Module):
    """x + narrow(relu(widen(depthwise(x)))): a 3x3 depthwise convolution between two 1x1 (as ConvNeXt, Liu et al.
    2022, without its normalisation: each would be one more pass over the map, at every frame).
    """

    def __init__(self, channels: int, expansion: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.widen = nn.Conv2d(channels, expansion * channels, 1)
        self.narrow = nn.Conv2d(expansion * channels, channels, 1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        return x + self.narrow(F.relu(self.widen(self.depthwise(x))))


def blocks(count: int, channels: int, expansion: int) -> nn.Sequential:
    """So many blocks in a row."""
    return nn.Sequential(*(DepthwiseBlock(channels, expansion) for _ in range(count)))


class ConvGRU(nn.Module):
    """A gated recurrent unit whose products are 3x3 convolutions (Ballas et al. 2016). Its state stays in [-1, 1]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1)
        self.candidate = nn.Conv2d(2 * channels, channels, 3, padding=1)

    def forward(self, x: Float[Tensor, "B C H W"], hidden: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        update, reset = torch.sigmoid(self.gates(torch.cat([x, hidden], dim=1))).chunk(2, dim=1)
        candidate = torch.tanh(self.candidate(torch.cat([x, reset * hidden], dim=1)))
        return hidden + update * (candidate - hidden)


class Up(nn.Module):
    """Twice the size: a 1x1 convolution to four times the channels, which become pixels."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels_in, 4 * channels_out, 1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D 2H 2W"]:
        return F.pixel_shuffle(self.project(x), 2)


class Modulation(nn.Module):
    """FiLM (Perez et al. 2018): a few numbers scale and shift every channel. Untrained it changes nothing."""

    def __init__(self, numbers: int, channels: int) -> None:
        super().__init__()
        self.embed = nn.Linear(numbers, 32)
        self.scale_shift = nn.Linear(32, 2 * channels)
        nn.init.zeros_(self.scale_shift.weight)
        nn.init.zeros_(self.scale_shift.bias)

    def forward(self, x: Float[Tensor, "B C H W"], numbers: Float[Tensor, "B N"]) -> Float[Tensor, "B C H W"]:
        scale, shift = self.scale_shift(F.silu(self.embed(numbers)))[:, :, None, None].chunk(2, dim=1)
        return x * (1.0 + scale) + shift
