"""The live model with its dearest products in 8-bit integers: those at 1/16 of the crop, more than half of a step.

Only what the network remembers and shares is rounded so. The way from pictures to there, the way back to pixels, and
the pictures themselves stay as they are; an avatar's personal change (`personal.adapter.CHANGED`) is in the way back,
so one calibration serves everybody.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from inperson.errors import BadInputError, DeviceError
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.choices import Shape
from inperson.shader_model.runtime.engine import Engine, in_order
from inperson.shader_model.runtime.example import example_inputs

ROUNDED = ("each_eye", "remember", "trunk")
"""Parts of the model whose dense convolutions are rounded. Depthwise ones cost little."""
LEVELS = 255
"""Of an input: 0 to this, one of them zero itself."""
LARGEST = 127
"""Of a weight, which may be negative; zero is zero."""

AGREEMENT = 0.01
"""Mean difference from `rounded` that an engine may have, of pictures and of the hidden state: bfloat16 around the
integers makes a quarter of it, sums that overflow many times as much."""
CHECKED = Shape(people=1, eyes=1, height=64, width=64)

LEAST = 1e-6
"""Channels that are never larger than this count as if they were."""


@dataclass(frozen=True, slots=True)
class ChannelRanges:
    """The smallest and the largest value of every channel of an input; zero is between them."""

    low: tuple[float, ...]
    high: tuple[float, ...]


Ranges = Mapping[str, ChannelRanges]
"""Of the input of a convolution, by its name."""


def rounded_convolutions(model: LiveShader) -> Iterator[tuple[str, nn.Conv2d]]:
    """Those that `rounded` rounds, by name, in the model's order."""
    for name, module in model.named_modules():
        if name.split(".")[0] in ROUNDED and isinstance(module, nn.Conv2d) and module.groups == 1:
            yield name, module


def rounded(model: LiveShader, ranges: Ranges) -> LiveShader:
    """A copy that computes in floating point what an engine computes in integers, and says in its ONNX graph how
    (pairs of QuantizeLinear and DequantizeLinear).

    Args:
        ranges: of every one of `rounded_convolutions`.

    Raises:
        BadInputError: some have none, or of another number of channels.
    """
    for name, convolution in rounded_convolutions(model):
        channels, wanted = len(ranges[name].low) if name in ranges else 0, convolution.in_channels
        if channels != wanted:
            what = f"shader calibration: {name} has {wanted} channels, not {channels}"
            raise BadInputError(what, "make it again with `python -m tools.calibrate_shader`")
    copied = copy.deepcopy(model).requires_grad_(False)
    for name, convolution in list(rounded_convolutions(copied)):
        parent, _, own = name.rpartition(".")
        setattr(copied.get_submodule(parent), own, RoundedConv2d(convolution, ranges[name]))
    return copied


@torch.no_grad()
def check_rounding(engine: Engine, model: LiveShader) -> None:
    """See that an engine's integers on this processor are those of the model that `rounded` made: without
    instructions for 8-bit products, sums may overflow.

    Raises:
        DeviceError: they are not.
    """
    given = example_inputs(model, CHECKED, torch.device("cpu"))
    for got, expected in zip(engine.step(given), model(*in_order(given)), strict=True):
        off = float((got - expected).abs().mean())
        if not off < AGREEMENT:
            raise DeviceError(
                f"{engine.name} computes something else on this processor (off by {off:.3f})",
                "choose another shader engine",
            )


class RoundedConv2d(nn.Module):
    """A convolution of an input and weights that 8-bit integers can hold (affine quantisation, Jacob et al. 2018):
    one scale and zero point for the input, one scale for the weights of each output.

    Channels differ in size by tens: what is remembered stays within 1, what comes in does not. So they are brought
    to one size first, half of the way in the input and half in the weights (SmoothQuant, Xiao et al. 2023).

    Args:
        convolution: as it was trained.
        ranges: of its input; what lies beyond becomes the nearest that there is.
    """

    def __init__(self, convolution: nn.Conv2d, ranges: ChannelRanges) -> None:
        super().__init__()
        self.convolution = convolution
        weight = convolution.weight.detach()
        low, high = (torch.tensor(end, device=weight.device) for end in (ranges.low, ranges.high))
        gain = (weight.abs().amax(dim=(0, 2, 3)).clamp(min=LEAST) / torch.maximum(-low, high).clamp(min=LEAST)).sqrt()
        lowest, highest = float((gain * low).min()), float((gain * high).max())
        self.scale = max(highest - lowest, LEAST) / LEVELS
        self.zero = round(-lowest / self.scale)
        evened = weight / gain[:, None, None]
        self.gain: Float[Tensor, "C 1 1"]
        self.weight: Float[Tensor, "O C kh kw"]
        self.weight_scale: Float[Tensor, " O"]
        self.weight_zero: Int[Tensor, " O"]
        self.register_buffer("gain", gain[:, None, None])
        self.register_buffer("weight", evened)
        self.register_buffer("weight_scale", evened.abs().flatten(1).amax(dim=1).clamp(min=LEAST) / LARGEST)
        self.register_buffer("weight_zero", torch.zeros(len(weight), dtype=torch.int32))

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B O H W"]:
        x = torch.fake_quantize_per_tensor_affine(x * self.gain, self.scale, self.zero, 0, LEVELS)
        weight = torch.fake_quantize_per_channel_affine(
            self.weight, self.weight_scale, self.weight_zero, 0, -LARGEST - 1, LARGEST
        )
        own = self.convolution
        return F.conv2d(x, weight, own.bias, own.stride, own.padding)
