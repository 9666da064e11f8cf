"""`ReconstructionNet`: one photo on the uv map in, Gaussian attributes on the uv map out.

A UNet over the texels (what the photo shows, the plain completion, the dressed body's geometry) reads two streams of
the crop: appearance features, sampled where each texel falls in the photo, and semantic tokens, which the two
coarsest levels ask by attention: the back of the head falls nowhere in the photo but can ask for its hair. All heads
start at zero: untrained, the network returns the plain completion.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from inperson.avatar.body import load_body
from inperson.reconstruct.network.blocks import AskTokens, ResidualBlock, group_norm, weighted_mean_down
from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.encoder import (
    GRID,
    AppearancePyramid,
    Backbone,
    BackboneTokens,
    SampleSeen,
    TrainedTokens,
)
from inperson.reconstruct.network.interface import IMAGE_PARTS, PARTS, TEXEL_CHANNELS, NetInputs, UvAttributes
from inperson.reconstruct.network.palette import Palette
from inperson.reconstruct.network.seams import SeamExchange

START_OPACITY_LOGIT = 3.0
LEVELS = 5
PRIOR_SIDE = 64
"""Texels along the side of what is learned about each place of the map, whoever stands in the photo."""
SEAM_LEVELS = 3
"""Levels (S, S/2, S/4) whose convolutions see across the uv map's cuts; coarser maps have attention instead."""

_HEADS = {
    "offset": 3,
    "along_normal": 1,
    "log_scale": 3,
    "rotation": 3,
    "opacity": 1,
    "color": 3,
    "palette": 1,
    "features": len(PARTS),
}
_SEEN = slice(0, 3)
_CONFIDENCE = slice(3, 4)
_FILLED = slice(4, 7)
_NORMAL = slice(10, 13)


class ReconstructionNet(nn.Module):
    """The feed-forward network of `inperson avatar create`.

    Args:
        config: its shape.
        backbone: the frozen network that `config.semantic == "dinov2"` asks for (`load_dinov2`).

    Raises:
        ValueError: a backbone is missing, or given and not asked for.
    """

    def __init__(self, config: NetConfig, backbone: Backbone | None = None) -> None:
        super().__init__()
        if (backbone is None) == (config.semantic == "dinov2"):
            raise ValueError(
                f"semantic={config.semantic!r} goes {'with' if backbone is None else 'without'} a backbone"
            )
        self.config = config
        self.tokens = TrainedTokens(config) if backbone is None else BackboneTokens(config, backbone)
        self.image_parts = nn.Linear(config.token_width, len(IMAGE_PARTS))
        self.appearance = AppearancePyramid(config)
        self.sample = nn.ModuleList(
            SampleSeen(channels, width) for channels, width in zip(config.appearance, config.widths, strict=False)
        )
        body = load_body("neutral")  # all shipped bodies share one uv map
        self.seams = nn.ModuleList(SeamExchange(body, config.size >> level) for level in range(SEAM_LEVELS))

        widths = config.widths
        self.prior = nn.Parameter(0.02 * torch.randn(1, widths[0], PRIOR_SIDE, PRIOR_SIDE))
        self.stem = nn.Conv2d(len(TEXEL_CHANNELS), widths[0], 3, padding=1)
        # the finest level is dear: it is read by the stem alone before its decoder
        self.encode = nn.ModuleList(ResidualBlock(width) for width in widths[1:])
        self.decode = nn.ModuleList(ResidualBlock(width) for width in widths[:-1])
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 3, stride=2, padding=1) for fine, coarse in pairs)
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairs)
        self.ask = nn.ModuleList(
            AskTokens(width, config.token_width, config.heads, level == LEVELS - 1)
            for level, width in enumerate(widths)
            if level >= SEAM_LEVELS
        )
        self.palette = Palette(widths[2], config.appearance[2] + config.token_width, widths[3])
        self.lift_palette = nn.Conv2d(3, widths[2], 1)
        self.head_norm = group_norm(widths[0])
        self.head = nn.Conv2d(widths[0], sum(_HEADS.values()), 1)
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)

    def forward(self, inputs: NetInputs) -> UvAttributes:
        """Attributes of the whole uv map; texels that no face covers hold values without meaning.

        Under autocast the attributes are still float32.
        """
        crop = inputs.crop.to(memory_format=torch.channels_last)
        texels = inputs.texels.to(memory_format=torch.channels_last)
        confidence = texels[:, _CONFIDENCE]
        tokens = self.tokens(crop)
        pyramid = self.appearance(crop)

        skips = self._encode(texels, self._seen_features(pyramid, inputs.where, confidence), tokens)
        x = skips[3] + _upsample(self.up[3](skips[4]))
        x = self.decode[3](x)
        x = self._block(self.decode[2], 2, skips[2] + _upsample(self.up[2](x)))
        palette = self.seams[2](self._look_up(x, skips[3], crop, pyramid[2], tokens, texels))
        x = x + self.lift_palette(palette.to(x.dtype))
        x = self._block(self.decode[1], 1, skips[1] + _upsample(self.up[1](x)))
        x = self._block(self.decode[0], 0, skips[0] + _upsample(self.up[0](x)))
        raw = self.head(F.silu(self.head_norm(x))).float()
        parts = self.image_parts(tokens[:, 1:]).float().transpose(1, 2).unflatten(2, (GRID, GRID))
        return self._attributes(raw, texels, _upsample(palette, 4), parts)

    def _seen_features(
        self, pyramid: tuple[Tensor, ...], where: Float[Tensor, "B S S 2"], confidence: Float[Tensor, "B 1 S S"]
    ) -> list[Tensor]:
        """Appearance at S, S/2 and S/4, from the crop's features at 1/2, 1/4 and 1/8."""
        planes, out = where.permute(0, 3, 1, 2), []
        for level, features in enumerate(pyramid):
            if level == 0:
                place, weight = planes, confidence
            else:
                place, weight = weighted_mean_down(planes, confidence, 2**level)
            out.append(self.sample[level](features, place.permute(0, 2, 3, 1), weight))
        return out

    def _encode(
        self, texels: Float[Tensor, "B C S S"], seen: list[Tensor], tokens: Float[Tensor, "B N W"]
    ) -> list[Tensor]:
        x = self.stem(self.seams[0](texels)) + seen[0]
        x = x + F.interpolate(self.prior, size=texels.shape[2:], mode="bilinear").to(x.dtype)
        skips = [x]
        for level, (down, encode) in enumerate(zip(self.down, self.encode, strict=True), start=1):
            x = down(F.silu(x))
            if level < SEAM_LEVELS:
                x = self._block(encode, level, x + seen[level])
            else:
                x = self.ask[level - SEAM_LEVELS](encode(x), tokens)
            skips.append(x)
        return skips

    def _block(self, block: nn.Module, level: int, x: Tensor) -> Tensor:
        return block(self.seams[level](x))

    def _look_up(
        self,
        queries: Tensor,
        uv_features: Tensor,
        crop: Tensor,
        crop_features: Tensor,
        tokens: Tensor,
        texels: Tensor,
    ) -> Float[Tensor, "B 3 S/4 S/4"]:
        """What the palette answers, at S/4."""
        grid = tokens[:, 1:].transpose(1, 2).unflatten(2, (GRID, GRID))
        crop_features = torch.cat([crop_features, F.interpolate(grid, scale_factor=2.0)], dim=1)
        crop_keys = (crop_features, *_means(crop[:, :3], crop[:, 3:], crop.shape[-1] // crop_features.shape[-1]))
        uv_keys = (uv_features, *_means(texels[:, _SEEN], texels[:, _CONFIDENCE], 8))
        return self.palette(queries, crop_keys, uv_keys)

    def _attributes(self, raw: Tensor, texels: Tensor, palette: Tensor, image_parts: Tensor) -> UvAttributes:
        free = dict(zip(_HEADS, raw.split(list(_HEADS.values()), dim=1), strict=True))
        bound = dict(zip(_HEADS, raw.tanh().split(list(_HEADS.values()), dim=1), strict=True))
        config, texels = self.config, texels.float()
        unseen = 1.0 - texels[:, _CONFIDENCE]
        completion = texels[:, _SEEN] + unseen * texels[:, _FILLED]
        correction = bound["color"] + bound["palette"] * (palette - texels[:, _FILLED])
        return UvAttributes(
            offset=config.max_offset * (bound["along_normal"] * texels[:, _NORMAL] + 0.5 * bound["offset"]),
            log_scale=config.max_log_scale * bound["log_scale"],
            rotation=config.max_turn * bound["rotation"],
            opacity=free["opacity"] + START_OPACITY_LOGIT,
            color=completion + unseen * correction,
            features=free["features"],
            image_parts=image_parts,
        )


def _means(
    premultiplied: Float[Tensor, "B 3 H W"], weight: Float[Tensor, "B 1 H W"], factor: int
) -> tuple[Float[Tensor, "B 3 h w"], Float[Tensor, "B 1 h w"]]:
    """Mean colour of each block of premultiplied colours, and its mean weight."""
    mean_weight = F.avg_pool2d(weight, factor)
    return F.avg_pool2d(premultiplied, factor) / mean_weight.clamp(min=1e-4), mean_weight


def _upsample(x: Tensor, factor: int = 2) -> Tensor:
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)
