"""Building blocks of the teacher. Untrained, each of them changes nothing."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from inperson.shader_model.teacher.config import HEAD

SWITCH = 2
"""Numbers of the modality switch."""
SLOWEST_TIME = 1e3
SLOWEST_FRAME = 100.0
"""Of sinusoids over flow time (0 to 1, times 1000) and over frames: longest wavelengths, in turns of the shortest."""


class Embedding(nn.Module):
    """The flow's time, and beside it GAS's modality switch, as numbers that modulate every block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.switch = nn.Sequential(nn.Linear(SWITCH, width), nn.SiLU(), nn.Linear(width, width))
        self._width = width

    def forward(self, times: Float[Tensor, " N"], switch: Float[Tensor, "N 2"]) -> Float[Tensor, "N C"]:
        waves = torch.cat(_waves(1000.0 * times, self._width // 2, SLOWEST_TIME), dim=-1)
        return F.silu(self.time(waves) + self.switch(switch))


class Modulated(nn.Module):
    """Every place's channels brought to mean 0 and deviation 1, then scaled and shifted as the embedding says (AdaLN,
    Peebles & Xie 2023).

    Args:
        gates: also how much of what is made of it counts, at first nothing ("AdaLN-zero").
    """

    def __init__(self, channels: int, embedding: int, gates: bool) -> None:
        super().__init__()
        self.modulation = nn.Linear(embedding, (2 + gates) * channels)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        self._channels = channels

    def forward(self, x: Float[Tensor, "N C g v"], embedded: Float[Tensor, "N M"]) -> tuple[Tensor, ...]:
        """The modulated map and, where it gates, the gate (N, C, 1, 1)."""
        scale, shift, *gate = self.modulation(embedded)[:, :, None, None].split(self._channels, dim=1)
        return _normed(x) * (1.0 + scale) + shift, *gate


class ModulatedBlock(nn.Module):
    """x + gate * narrow(relu(widen(depthwise(modulated x)))): the live model's block with what a denoiser needs."""

    def __init__(self, channels: int, expansion: int, embedding: int) -> None:
        super().__init__()
        self.modulated = Modulated(channels, embedding, gates=True)
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.widen = nn.Conv2d(channels, expansion * channels, 1)
        self.narrow = nn.Conv2d(expansion * channels, channels, 1)

    def forward(self, x: Float[Tensor, "N C g v"], embedded: Float[Tensor, "N M"]) -> Float[Tensor, "N C g v"]:
        y, gate = self.modulated(x, embedded)
        return x + gate * self.narrow(F.relu(self.widen(self.depthwise(y))))


class TimeAttention(nn.Module):
    """Each cell looks at itself in the window's other frames and in the other eye, before and after.

    Time is relative: queries and keys are turned by their frame (RoPE, Su et al. 2021), so windows may have any
    length. A cell does not look at its own picture, but may look at nothing (a key and value of zeros):
    a frame alone passes unchanged whatever the weights, so what was learned on single frames stays true.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.eyes = nn.Parameter(torch.zeros(3, channels))
        """Added to what a mono view, a left and a right eye see."""
        self.query_key_value = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Float[Tensor, "N C g v"], frames: int, eyes: int) -> Float[Tensor, "N C g v"]:
        """N pictures are B windows of so many frames of so many eyes."""
        who = self.eyes[:1] if eyes == 1 else self.eyes[1:]
        told = _normed(x) + who.repeat(len(x) // eyes, 1)[:, :, None, None]
        query, key, value = _cells(self.query_key_value(told), frames * eyes).unbind(dim=3)
        turns = turns_of(frames, eyes, query)
        query, key = turned(query, turns), turned(key, turns)
        # written out: fused attention is several times slower on a CPU for so few keys
        itself = torch.eye(frames * eyes, dtype=torch.bool, device=x.device)
        likes = (query @ key.mT * HEAD**-0.5).masked_fill(itself, -torch.inf)
        shares = F.pad(likes, (0, 1)).softmax(dim=-1)  # the last one's is that of nothing
        found = shares[..., :-1] @ value
        return x + self.out(_maps(found, x))


def _normed(x: Float[Tensor, "N C g v"]) -> Float[Tensor, "N C g v"]:
    """Layer normalisation of each place's channels."""
    return F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],)).permute(0, 3, 1, 2)


def _waves(
    at: Float[Tensor, " N"], count: int, slowest: float
) -> tuple[Float[Tensor, "N count"], Float[Tensor, "N count"]]:
    """Cosines and sines whose wavelengths grow geometrically."""
    pace = torch.exp(-math.log(slowest) * torch.arange(count, device=at.device) / count)
    angles = at[:, None] * pace
    return angles.cos(), angles.sin()


def _cells(x: Float[Tensor, "N C3 g v"], pictures: int) -> Float[Tensor, "B*g*v heads pictures 3 d"]:
    """Queries, keys and values of every cell, beside each other over a window's pictures."""
    by_head = x.unflatten(0, (-1, pictures)).unflatten(2, (3, -1, HEAD))
    return by_head.permute(0, 5, 6, 3, 1, 2, 4).flatten(0, 2)


def _maps(cells: Float[Tensor, "B*g*v heads pictures d"], like: Float[Tensor, "N C g v"]) -> Float[Tensor, "N C g v"]:
    """The inverse of `_cells`, for one of the three."""
    by_place = cells.unflatten(0, (-1, *like.shape[-2:]))
    maps = by_place.permute(0, 4, 3, 5, 1, 2).flatten(2, 3).flatten(0, 1)
    return maps.contiguous(memory_format=torch.channels_last)


def turned(
    x: Float[Tensor, "M heads pictures d"], turns: tuple[Tensor, Tensor]
) -> Float[Tensor, "M heads pictures d"]:
    """Pairs of channels turned by their picture's angles."""
    cos, sin = turns
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


def turns_of(
    frames: int, eyes: int, like: Tensor
) -> tuple[Float[Tensor, "pictures d/2"], Float[Tensor, "pictures d/2"]]:
    """Cosines and sines of each picture's angles; both eyes of a frame have the same."""
    at = torch.arange(frames, device=like.device).repeat_interleave(eyes)
    cos, sin = _waves(at, HEAD // 2, SLOWEST_FRAME)
    return cos.to(like.dtype), sin.to(like.dtype)
