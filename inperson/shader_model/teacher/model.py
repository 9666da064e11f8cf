"""`Teacher`: from noisy residuals of a window and what is told of it, the residuals themselves.

A UNet at 1/4, 1/8 and 1/16 of the crop, bidirectional in time: at 1/16 every cell looks at the window's other
pictures. It predicts what is clean and not the velocity ("x-prediction", Li & He 2025): residuals lie on a thin
manifold, noise does not. Untrained it predicts no residual, so that sampling gives the render as it is.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from inperson.shader_model.interface import DENSE_CHANNELS, INNER
from inperson.shader_model.network.blocks import Up
from inperson.shader_model.teacher import residual
from inperson.shader_model.teacher.blocks import Embedding, Modulated, ModulatedBlock, TimeAttention
from inperson.shader_model.teacher.config import TeacherConfig
from inperson.shader_model.teacher.told import MOTION, Told


class Teacher(nn.Module):
    """The teacher."""

    def __init__(self, config: TeacherConfig) -> None:
        super().__init__()
        self.config = config
        (quarter, eighth, sixteenth), (at_quarter, at_eighth, at_sixteenth) = config.widths, config.blocks
        self.embed = Embedding(config.embedding)
        seen = 3 * residual.CHANNELS + len(DENSE_CHANNELS) + MOTION
        self.stem = nn.Conv2d(seen, quarter, 1)
        self.down_quarter = self._blocks(at_quarter, quarter)
        self.to_eighth = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.down_eighth = self._blocks(at_eighth, eighth)
        self.to_sixteenth = nn.Conv2d(eighth, sixteenth, 2, stride=2)
        self.middle = self._blocks(at_sixteenth, sixteenth)
        self.through_time = nn.ModuleList(TimeAttention(sixteenth) for _ in range(at_sixteenth))
        self.from_sixteenth = Up(sixteenth, eighth)
        self.up_eighth = self._blocks(at_eighth, eighth)
        self.from_eighth = Up(eighth, quarter)
        self.up_quarter = self._blocks(at_quarter, quarter)
        self.head = Head(quarter, config.embedding)

    def forward(
        self, noisy: Float[Tensor, "B T E R h w"], times: Float[Tensor, " B"], told: Told
    ) -> Float[Tensor, "B T E R h w"]:
        """The residuals that `noisy` becomes.

        Args:
            noisy: (1 - t) noise + t residual.
            times: t of each window, 0 (all noise) to 1.
        """
        _, frames, eyes = noisy.shape[:3]
        pictures = noisy.flatten(0, 2)
        color, photo, dense, motion, switch = (
            x.flatten(0, 2) for x in (told.color, told.photo, told.dense, told.motion, told.switch)
        )
        seen = torch.cat([pictures, residual.fold(color), residual.fold(photo), dense, motion], dim=1)
        embedded = self.embed(times.repeat_interleave(frames * eyes), switch)
        quarter = self.stem(seen.contiguous(memory_format=torch.channels_last))
        quarter = _through(self.down_quarter, quarter, embedded)
        eighth = _through(self.down_eighth, self.to_eighth(quarter), embedded)
        sixteenth = self.to_sixteenth(eighth)
        for block, attention in zip(self.middle, self.through_time, strict=True):
            sixteenth = attention(block(sixteenth, embedded), frames, eyes)
        eighth = _through(self.up_eighth, eighth + self.from_sixteenth(sixteenth), embedded)
        quarter = _through(self.up_quarter, quarter + self.from_eighth(eighth), embedded)
        return self.head(quarter, embedded, pictures, color, photo).unflatten(0, noisy.shape[:3])

    def _blocks(self, count: int, channels: int) -> nn.ModuleList:
        how = channels, self.config.expansion, self.config.embedding
        return nn.ModuleList(ModulatedBlock(*how) for _ in range(count))


class Head(nn.Module):
    """The residual: something new, and shares of the way to the photo and of what comes in, pixel by pixel, so that
    their detail need not pass through the network's channels. Untrained: nothing."""

    def __init__(self, channels: int, embedding: int) -> None:
        super().__init__()
        self.modulated = Modulated(channels, embedding, gates=False)
        self.out = nn.Conv2d(channels, residual.CHANNELS + 2 * INNER**2, 1)
        for parameter in self.out.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self,
        x: Float[Tensor, "N C h w"],
        embedded: Float[Tensor, "N M"],
        noisy: Float[Tensor, "N R h w"],
        color: Float[Tensor, "N 4 H W"],
        photo: Float[Tensor, "N 4 H W"],
    ) -> Float[Tensor, "N R h w"]:
        """In float32 from here on: what comes in is not rounded."""
        (x,) = self.modulated(x, embedded)
        added, to_photo, kept = self.out(x).float().split([residual.CHANNELS, INNER**2, INNER**2], dim=1)
        # the photo comes times its trust, its last channel
        way = residual.fold((photo - photo[:, 3:] * color) / residual.SCALE)
        return added + _each_color(to_photo) * way + _each_color(kept) * noisy


def _through(blocks: nn.ModuleList, x: Tensor, embedded: Tensor) -> Tensor:
    for block in blocks:
        x = block(x, embedded)
    return x


def _each_color(per_pixel: Float[Tensor, "N 16 h w"]) -> Float[Tensor, "N R h w"]:
    """The same for the four channels of every pixel."""
    return per_pixel.repeat(1, residual.CHANNELS // INNER**2, 1, 1)
