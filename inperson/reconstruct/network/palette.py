"""Colours looked up by attention: an unseen place asks which seen places look alike and takes their mean colour.

The keys are places of the crop (hair that stands off the body is only there) and seen places of the uv map. Colours
are averaged, never made up, so people unlike those of the training keep their own.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

LEAST_WEIGHT = 1e-5
"""Of a key that holds no colour: rather any other than this one, but never a division by zero."""


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """Places that a colour can be taken from."""

    features: Float[Tensor, "B C h w"]
    color: Float[Tensor, "B 3 h w"]
    """sRGB-encoded, not premultiplied."""
    weight: Float[Tensor, "B 1 h w"]
    """How much of the place holds that colour (alpha, confidence), 0 to 1."""


class Palette(nn.Module):
    """Attention with one head whose values are colours."""

    def __init__(self, query_channels: int, crop_channels: int, uv_channels: int, width: int = 31) -> None:
        super().__init__()
        self.query = nn.Conv2d(query_channels, width, 1)
        self.crop_key = nn.Conv2d(crop_channels, width, 1)
        self.uv_key = nn.Conv2d(uv_channels, width, 1)

    def forward(self, queries: Float[Tensor, "B Q S S"], crop: Keys, uv: Keys) -> Float[Tensor, "B 3 S S"]:
        """Colour for each query, from places of the crop and of the uv map."""
        query = _listed(self.query(queries))
        key = torch.cat([_listed(self.crop_key(crop.features)), _listed(self.uv_key(uv.features))], dim=1)
        color = torch.cat([_listed(crop.color), _listed(uv.color)], dim=1)
        weight = torch.cat([_listed(crop.weight), _listed(uv.weight)], dim=1)
        # softmax of (q k / sqrt(d) + log weight): the weight is one more channel of the key, so that the fused
        # kernel does it all; it wants values as wide as keys, and widths like 31 + 1
        width = query.shape[-1]
        query = torch.cat([query * width**-0.5, torch.ones_like(query[..., :1])], dim=2)
        key = torch.cat([key, weight.clamp(min=LEAST_WEIGHT).log().to(key.dtype)], dim=2)
        value = F.pad(color.to(key.dtype), (0, width + 1 - color.shape[-1]))
        mixed = F.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None], scale=1.0)[:, 0, :, :3]
        return mixed.transpose(1, 2).unflatten(2, queries.shape[2:]).float()


def _listed(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B N C"]:
    return x.flatten(2).transpose(1, 2)
