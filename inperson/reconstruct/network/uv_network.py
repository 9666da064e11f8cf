"""The UNet over the uv map: texels and sampled appearance in, features and looked-up colours out."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from inperson.avatar.body import load_body
from inperson.reconstruct.network.blocks import AskTokens, ResidualBlock, mean_of_blocks
from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.encoder import GRID, SampleSeen
from inperson.reconstruct.network.interface import CONFIDENCE, SEEN, TEXEL_CHANNELS, NetInputs
from inperson.reconstruct.network.palette import Keys, Palette
from inperson.reconstruct.network.seams import SeamExchange

SEAM_LEVELS = 3
"""Levels (S, S/2, S/4) whose convolutions see across the uv map's cuts; coarser maps have attention instead."""
PALETTE_LEVEL = 2
"""Level (S/4) whose places ask the palette; it holds colours of places one level further down."""
PRIOR_SIDE = 64
"""Texels along the side of what is learned about each place of the map, whoever stands in the photo."""


class UvNetwork(nn.Module):
    """Five levels, S to S/16. The two coarsest ask the crop's tokens; the coarsest's places also ask one another."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        widths = config.widths
        body = load_body("neutral")  # all shipped bodies share one uv map
        self.seams = nn.ModuleList(SeamExchange(body, config.size >> level) for level in range(SEAM_LEVELS))
        self.sample = nn.ModuleList(
            SampleSeen(channels, width) for channels, width in zip(config.appearance, widths, strict=False)
        )
        self.prior = nn.Parameter(0.02 * torch.randn(1, widths[0], PRIOR_SIDE, PRIOR_SIDE))
        self.stem = nn.Conv2d(len(TEXEL_CHANNELS), widths[0], 3, padding=1)
        # the finest level is dear: the stem alone reads it before its decoder does
        self.encode = nn.ModuleList(ResidualBlock(width) for width in widths[1:])
        self.decode = nn.ModuleList(ResidualBlock(width) for width in widths[:-1])
        self.down = nn.ModuleList(nn.Conv2d(fine, rough, 3, stride=2, padding=1) for fine, rough in pairwise(widths))
        self.up = nn.ModuleList(nn.Conv2d(rough, fine, 1) for fine, rough in pairwise(widths))
        asking = (config.token_width, config.heads)
        self.ask = nn.ModuleList(
            [
                AskTokens(widths[3], *asking, among_themselves=False),
                AskTokens(widths[4], *asking, among_themselves=True),
            ]
        )
        self.palette = Palette(widths[PALETTE_LEVEL], config.appearance[-1] + config.token_width, widths[3])
        self.lift_palette = nn.Conv2d(3, widths[PALETTE_LEVEL], 1)

    def forward(
        self, inputs: NetInputs, pyramid: tuple[Tensor, Tensor, Tensor], tokens: Float[Tensor, "B 257 W"]
    ) -> tuple[Float[Tensor, "B C S S"], Float[Tensor, "B 3 S S"]]:
        """Features of the finest level, and the palette's colours.

        Args:
            pyramid: appearance of the crop at 1/2, 1/4 and 1/8.
            tokens: the crop's semantic tokens, the global one first.
        """
        skips = self._encode(inputs, pyramid, tokens)
        x = skips[-1]
        for level in reversed(range(len(skips) - 1)):
            x = skips[level] + _upsampled(self.up[level](x))
            x = self.decode[level](self._across(x, level))
            if level == PALETTE_LEVEL:
                colors = self._across(self._look_up(x, skips[level + 1], inputs, pyramid[-1], tokens), level)
                x = x + self.lift_palette(colors.to(x.dtype))
        return x, _upsampled(colors, 2**PALETTE_LEVEL)

    def _encode(
        self, inputs: NetInputs, pyramid: tuple[Tensor, ...], tokens: Float[Tensor, "B 257 W"]
    ) -> list[Tensor]:
        seen = self._seen(inputs, pyramid)
        x = self.stem(self._across(inputs.texels, 0)) + seen[0]
        x = x + F.interpolate(self.prior, size=x.shape[2:], mode="bilinear").to(x.dtype)
        skips = [x]
        for level, (down, encode) in enumerate(zip(self.down, self.encode, strict=True), start=1):
            x = down(F.silu(x))
            if level < SEAM_LEVELS:
                x = encode(self._across(x + seen[level], level))
            else:
                x = self.ask[level - SEAM_LEVELS](encode(x), tokens)
            skips.append(x)
        return skips

    def _seen(self, inputs: NetInputs, pyramid: tuple[Tensor, ...]) -> list[Tensor]:
        """Appearance at S, S/2 and S/4, from the crop's features at 1/2, 1/4 and 1/8."""
        confidence, where = inputs.texels[:, CONFIDENCE], inputs.where.permute(0, 3, 1, 2)
        out = []
        for level, (sample, features) in enumerate(zip(self.sample, pyramid, strict=True)):
            places, weight = mean_of_blocks(where * confidence, confidence, 2**level)
            out.append(sample(features, places.permute(0, 2, 3, 1), weight))
        return out

    def _look_up(
        self, queries: Tensor, uv_features: Tensor, inputs: NetInputs, crop_features: Tensor, tokens: Tensor
    ) -> Float[Tensor, "B 3 s s"]:
        """What the palette answers to the places of its level."""
        crop, texels = inputs.crop, inputs.texels
        grid = tokens[:, 1:].transpose(1, 2).unflatten(2, (GRID, GRID))
        crop_features = torch.cat([crop_features, F.interpolate(grid, size=crop_features.shape[2:])], dim=1)
        factor = crop.shape[-1] // crop_features.shape[-1]
        crop_keys = Keys(crop_features, *mean_of_blocks(crop[:, :3], crop[:, 3:], factor))
        factor = texels.shape[-1] // uv_features.shape[-1]
        uv_keys = Keys(uv_features, *mean_of_blocks(texels[:, SEEN], texels[:, CONFIDENCE], factor))
        return self.palette(queries, crop_keys, uv_keys)

    def _across(self, x: Tensor, level: int) -> Tensor:
        """The map with what lies across the cuts beside them."""
        return self.seams[level](x) if level < SEAM_LEVELS else x


def _upsampled(x: Tensor, factor: int = 2) -> Tensor:
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)
