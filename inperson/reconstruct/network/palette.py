"""Colours looked up by attention: an unseen place asks which seen places look alike and takes their mean colour.

The keys are places of the crop (hair that stands off the body is only there) and seen places of the uv map. Colours
are averaged, never made up, so people unlike those of the training keep their own.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

LEAST_WEIGHT = 1e-5
"""Of a key that holds no colour: rather any other than this one, but never a division by zero."""


class Palette(nn.Module):
    """Attention with one head whose values are colours."""

    def __init__(self, query_channels: int, crop_channels: int, uv_channels: int, width: int = 31) -> None:
        super().__init__()
        self.query = nn.Conv2d(query_channels, width, 1)
        self.crop_key = nn.Conv2d(crop_channels, width, 1)
        self.uv_key = nn.Conv2d(uv_channels, width, 1)

    def forward(
        self,
        queries: Float[Tensor, "B Q S S"],
        crop: tuple[Float[Tensor, "B C h w"], Float[Tensor, "B 3 h w"], Float[Tensor, "B 1 h w"]],
        uv: tuple[Float[Tensor, "B D s s"], Float[Tensor, "B 3 s s"], Float[Tensor, "B 1 s s"]],
    ) -> Float[Tensor, "B 3 S S"]:
        """Colour for each query.

        Args:
            crop, uv: features, colour and weight (alpha, confidence; 0 to 1) of the keys in each.
        """
        query = self.query(queries).flatten(2).transpose(1, 2)
        key = torch.cat([self.crop_key(crop[0]).flatten(2), self.uv_key(uv[0]).flatten(2)], dim=2).transpose(1, 2)
        color, weight = (torch.cat([crop[i].flatten(2), uv[i].flatten(2)], dim=2).transpose(1, 2) for i in (1, 2))
        # softmax of (q k / sqrt(d) + log weight): the weight is one more channel of the key, so that the fused
        # kernel does it all; it wants values as wide as keys, and widths like 31 + 1
        width = query.shape[-1]
        query = torch.cat([query * width**-0.5, torch.ones_like(query[..., :1])], dim=2)
        key = torch.cat([key, weight.clamp(min=LEAST_WEIGHT).log().to(key.dtype)], dim=2)
        value = F.pad(color.to(key.dtype), (0, width + 1 - color.shape[-1]))
        mixed = F.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None], scale=1.0)[:, 0, :, :3]
        return mixed.transpose(1, 2).unflatten(2, queries.shape[2:]).float()
