"""Building blocks: residual convolutions, attention, transformer blocks."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

GROUP = 8
"""Channels per group of a GroupNorm; all widths are multiples of it."""
HEAD_WIDTH = 32


def group_norm(channels: int) -> nn.GroupNorm:
    """Normalises groups of `GROUP` channels over one map, so a batch never mixes."""
    return nn.GroupNorm(channels // GROUP, channels)


class ResidualBlock(nn.Module):
    """x + conv(act(norm(conv(act(norm(x)))))), 3x3, pre-activated (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = group_norm(channels), group_norm(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        h = self.conv1(F.silu(self.norm1(x)))
        return x + self.conv2(F.silu(self.norm2(h)))


class Attention(nn.Module):
    """Multi-head attention of queries to a context, both already normalised."""

    def __init__(self, width: int, context_width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        inner = heads * HEAD_WIDTH
        self.query = nn.Linear(width, inner)
        self.key_value = nn.Linear(context_width, 2 * inner)
        self.out = nn.Linear(inner, width)

    def forward(self, x: Float[Tensor, "B Q C"], context: Float[Tensor, "B K D"]) -> Float[Tensor, "B Q C"]:
        query = self._split(self.query(x))
        key, value = (self._split(part) for part in self.key_value(context).chunk(2, dim=-1))
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _split(self, x: Float[Tensor, "B N C"]) -> Float[Tensor, "B H N D"]:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class TransformerBlock(nn.Module):
    """Self-attention and an MLP, pre-norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Float[Tensor, "B N C"]) -> Float[Tensor, "B N C"]:
        normed = self.norm1(tokens)
        tokens = tokens + self.attention(normed, normed)
        return tokens + self.mlp(self.norm2(tokens))


class AskTokens(nn.Module):
    """A map's places ask the tokens of the crop, and one another where `among_themselves`."""

    def __init__(self, channels: int, token_width: int, heads: int, among_themselves: bool) -> None:
        super().__init__()
        self.norm = group_norm(channels)
        self.ask = Attention(channels, token_width, heads)
        self.talk = TransformerBlock(channels, heads) if among_themselves else None

    def forward(self, x: Float[Tensor, "B C H W"], tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B C H W"]:
        places = x.flatten(2).transpose(1, 2)
        places = places + self.ask(self.norm(x).flatten(2).transpose(1, 2), tokens)
        if self.talk is not None:
            places = self.talk(places)
        return places.transpose(1, 2).unflatten(2, x.shape[2:])


def mean_of_blocks(
    weighted: Float[Tensor, "B C H W"], weight: Float[Tensor, "B 1 H W"], factor: int
) -> tuple[Float[Tensor, "B C h w"], Float[Tensor, "B 1 h w"]]:
    """Weighted mean of each block of factor x factor, and its mean weight; 0 where a block weighs nothing.

    Args:
        weighted: values already multiplied by their weight, as premultiplied colours are.
    """
    mean_weight = F.avg_pool2d(weight, factor)
    return F.avg_pool2d(weighted, factor) / mean_weight.clamp(min=1e-6), mean_weight
