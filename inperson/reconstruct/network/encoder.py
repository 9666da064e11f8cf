"""The two streams that read the crop (after ViSA): semantic tokens, and appearance features at several scales."""

from collections.abc import Callable
from itertools import pairwise
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from inperson.reconstruct.network.blocks import ResidualBlock, TransformerBlock, group_norm
from inperson.reconstruct.network.config import NetConfig

CROP = 256
"""Pixels along the crop's side."""
GRID = 16
"""Semantic tokens along the crop's side."""


class Backbone(Protocol):
    """A pretrained network that turns a crop into one global and GRID x GRID local tokens."""

    width: int

    def __call__(self, crop: Float[Tensor, "B 4 256 256"]) -> Float[Tensor, "B 257 W"]: ...


class TrainedTokens(nn.Module):
    """Strided convolutions to 16 x 16 tokens, then transformer blocks. Token 0 is global."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        width = config.token_width
        channels = (4, 24, 40, 80, width)
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), group_norm(after), nn.SiLU()]
        self.stem = nn.Sequential(*layers)
        self.position = nn.Parameter(0.02 * torch.randn(1, GRID * GRID + 1, width))
        self.blocks = nn.ModuleList(TransformerBlock(width, config.heads) for _ in range(config.token_blocks))
        self.norm = nn.LayerNorm(width)

    def forward(self, crop: Float[Tensor, "B 4 256 256"]) -> Float[Tensor, "B 257 W"]:
        local = self.stem(crop).flatten(2).transpose(1, 2)
        tokens = torch.cat([local.mean(dim=1, keepdim=True), local], dim=1) + self.position
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)


class BackboneTokens(nn.Module):
    """Tokens of a frozen backbone, brought to this network's width by one linear layer."""

    def __init__(self, config: NetConfig, backbone: Backbone) -> None:
        super().__init__()
        self._backbone = (backbone,)  # in a tuple: neither trained nor saved with this network
        self.project = nn.Linear(backbone.width, config.token_width)
        self.norm = nn.LayerNorm(config.token_width)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "BackboneTokens":
        """The backbone follows to another device or precision."""
        if isinstance(self._backbone[0], nn.Module):
            self._backbone[0]._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def forward(self, crop: Float[Tensor, "B 4 256 256"]) -> Float[Tensor, "B 257 W"]:
        with torch.no_grad():
            tokens = self._backbone[0](crop)
        return self.norm(self.project(tokens))


class AppearancePyramid(nn.Module):
    """Features of the crop at 1/2, 1/4 and 1/8 of its resolution."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        half, quarter, eighth = config.appearance
        self.to_half = nn.Conv2d(4, half, 3, stride=2, padding=1)
        self.at_half = ResidualBlock(half)
        self.to_quarter = nn.Conv2d(half, quarter, 3, stride=2, padding=1)
        self.at_quarter = ResidualBlock(quarter)
        self.to_eighth = nn.Conv2d(quarter, eighth, 3, stride=2, padding=1)
        self.at_eighth = ResidualBlock(eighth)

    def forward(self, crop: Float[Tensor, "B 4 256 256"]) -> tuple[Tensor, Tensor, Tensor]:
        half = self.at_half(self.to_half(crop))
        quarter = self.at_quarter(self.to_quarter(F.silu(half)))
        return half, quarter, self.at_eighth(self.to_eighth(F.silu(quarter)))


class SampleSeen(nn.Module):
    """Features of the crop, brought to the uv network's width, where each texel falls in the crop and as far as it
    is seen there; where it is not seen at all, a learned token instead (GenLCA)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.lift = nn.Conv2d(channels, width, 1)
        self.unseen = nn.Parameter(0.02 * torch.randn(width))

    def forward(
        self,
        features: Float[Tensor, "B C h w"],
        where: Float[Tensor, "B S S 2"],
        confidence: Float[Tensor, "B 1 S S"],
    ) -> Float[Tensor, "B W S S"]:
        lifted = self.lift(features)
        # float32: half precision would not tell neighbouring pixels apart
        sampled = F.grid_sample(lifted.float(), where.float(), padding_mode="border", align_corners=False)
        unseen = (confidence == 0) * self.unseen[:, None, None]
        return (sampled * confidence + unseen).to(lifted.dtype)
