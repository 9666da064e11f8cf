"""`LiveShader`: one causal step, from conditions and memory to each eye's refined picture.

A UNet at 1/4, 1/8 and 1/16 of the crop. What the eyes see is averaged at 1/16, where a ConvGRU remembers and the
trunk thinks once for all of them: this is what makes them agree, and a second eye cheap. Untrained it returns the
render as it is.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from inperson.shader_model.interface import DENSE_CHANNELS, INNER
from inperson.shader_model.network.blocks import ConvGRU, Modulation, Up, blocks
from inperson.shader_model.network.compose import Corrections, compose
from inperson.shader_model.network.config import ShaderConfig

SWITCH = 2
"""Numbers of the modality switch."""


class Stem(nn.Module):
    """Every input to 1/4 of the crop. Pictures through 4x4 convolutions with stride 4, one each and summed: the
    same as folding blocks of pixels into channels of one stack, which costs CPUs a third of the whole step."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.color = nn.Conv2d(4, channels, INNER, stride=INNER)
        self.photo = nn.Conv2d(4, channels, INNER, stride=INNER)
        self.previous = nn.Conv2d(5, channels, INNER, stride=INNER)
        self.dense = nn.Conv2d(len(DENSE_CHANNELS), channels, 1)

    def forward(self, color: Tensor, photo: Tensor, dense: Tensor, previous: Tensor) -> Float[Tensor, "BE C h w"]:
        return F.relu(self.color(color) + self.photo(photo) + self.previous(previous) + self.dense(dense))


class Head(nn.Module):
    """What to change about every pixel, from 1/4 of the crop. Untrained: nothing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # three convolutions: CPU engines are slow at taking one map's channels apart
        self.added, self.photo, self.previous = (nn.Conv2d(channels, n * INNER**2, 1) for n in (4, 1, 1))
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Float[Tensor, "BE C h w"]) -> Corrections:
        added, photo, previous = (F.pixel_shuffle(part(x), INNER) for part in (self.added, self.photo, self.previous))
        return Corrections(added, photo, previous)

    def folded(self, x: Float[Tensor, "BE C h w"]) -> Float[Tensor, "BE 96 h w"]:
        """The same by one convolution, a square's pixels still channels: `compose_folded_cpu` takes them apart."""
        parts = (self.added, self.photo, self.previous)
        weight, bias = (torch.cat([getattr(part, name) for part in parts]) for name in ("weight", "bias"))
        return F.conv2d(x, weight, bias)


class LiveShader(nn.Module):
    """The live model.

    Its convolutions run in the type of its parameters; pictures stay float32 from input to output.
    """

    def __init__(self, config: ShaderConfig) -> None:
        super().__init__()
        self.config = config
        (quarter, eighth, sixteenth), (at_quarter, at_eighth, at_sixteenth) = config.widths, config.blocks
        wider = config.expansion
        self.stem = Stem(quarter)
        self.down_quarter = blocks(at_quarter, quarter, wider)
        self.to_eighth = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.down_eighth = blocks(at_eighth, eighth, wider)
        self.to_sixteenth = nn.Conv2d(eighth, sixteenth, 2, stride=2)
        self.each_eye = blocks(at_sixteenth, sixteenth, wider)
        self.remember = ConvGRU(sixteenth)
        self.trunk = blocks(config.trunk, sixteenth, wider)
        self.modulate_sixteenth = Modulation(SWITCH, sixteenth)
        self.from_sixteenth = Up(sixteenth, eighth)
        self.modulate_eighth = Modulation(SWITCH, eighth)
        self.up_eighth = blocks(at_eighth, eighth, wider)
        self.from_eighth = Up(eighth, quarter)
        self.up_quarter = blocks(at_quarter, quarter, wider)
        self.head = Head(quarter)

    def forward(
        self,
        color: Float[Tensor, "BE 4 H W"],
        photo: Float[Tensor, "BE 4 H W"],
        dense: Float[Tensor, "BE D h w"],
        previous: Float[Tensor, "BE 5 H W"],
        hidden: Float[Tensor, "B C H/16 W/16"],
        switch: Float[Tensor, "BE 2"],
    ) -> tuple[Float[Tensor, "BE 4 H W"], Float[Tensor, "B C H/16 W/16"]]:
        """One step; the arguments are `NetworkInputs`'s fields.

        Returns:
            the refined pictures and the next hidden state, both float32.
        """
        features, hidden = self._features(color, photo, dense, previous, hidden, switch)
        return compose(self.head(features), color, photo, previous), hidden

    def folded(
        self,
        color: Float[Tensor, "BE 4 H W"],
        photo: Float[Tensor, "BE 4 H W"],
        dense: Float[Tensor, "BE D h w"],
        previous: Float[Tensor, "BE 5 H W"],
        hidden: Float[Tensor, "B C H/16 W/16"],
        switch: Float[Tensor, "BE 2"],
    ) -> tuple[Float[Tensor, "BE 96 h w"], Float[Tensor, "B C H/16 W/16"]]:
        """A step without its last part, for engines that are slow at single pixels.

        Returns:
            `Head.folded`, which `compose_folded_cpu` makes the refined pictures of, and the next hidden state; both
            float32.
        """
        features, hidden = self._features(color, photo, dense, previous, hidden, switch)
        return self.head.folded(features).float(), hidden

    def _features(self, *inputs: Tensor) -> tuple[Float[Tensor, "BE C h w"], Float[Tensor, "B C H/16 W/16"]]:
        """What the head looks at, and the next hidden state, float32."""
        dtype = self.stem.color.weight.dtype
        color, photo, dense, previous, hidden, switch = (x.to(dtype) for x in inputs)
        people, eyes = len(hidden), len(color) // len(hidden)
        quarter = self.down_quarter(self.stem(color, photo, dense, previous))
        eighth = self.down_eighth(F.relu(self.to_eighth(quarter)))
        own = self.each_eye(F.relu(self.to_sixteenth(eighth)))
        # one eye is its own mean: engines would go over the maps for it
        seen = own if eyes == 1 else own.unflatten(0, (people, eyes)).mean(dim=1)
        hidden = self.remember(seen, hidden)
        shared = self.trunk(hidden)
        shared = shared if eyes == 1 else shared.repeat_interleave(eyes, dim=0)
        own = self.modulate_sixteenth(own + shared, switch)
        eighth = self.up_eighth(self.modulate_eighth(eighth + self.from_sixteenth(own), switch))
        return self.up_quarter(quarter + self.from_eighth(eighth)), hidden.float()
