"""The live model with its dearest products in 8-bit integers: those at 1/16 of the crop, more than half of a step.

Only what the network remembers and shares is rounded so. The way from pictures to there, the way back to pixels, and
the pictures themselves stay as they are; an avatar's personal change (`personal.adapter.CHANGED`) is in the way back,
so one calibration serves everybody.
"""

import copy
from collections.abc import Iterator, Mapping

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
integers makes a fifth of it, sums that overflow many times as much."""
CHECKED = Shape(people=1, eyes=1, height=64, width=64)

Ranges = Mapping[str, tuple[float, float]]
"""By the name of a convolution: the smallest and the largest value of its input."""


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
        BadInputError: some have no range.
    """
    missing = [name for name, _ in rounded_convolutions(model) if name not in ranges]
    if missing:
        raise BadInputError(f"shader calibration: {missing[0]} is not in it", "calibrate the shader again")
    copied = copy.deepcopy(model).requires_grad_(False)
    for name, convolution in list(rounded_convolutions(copied)):
        parent, _, own = name.rpartition(".")
        setattr(copied.get_submodule(parent), own, RoundedConv2d(convolution, *ranges[name]))
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

    Args:
        convolution: as it was trained.
        low, high: of its input; what lies beyond becomes the nearest that there is.
    """

    def __init__(self, convolution: nn.Conv2d, low: float, high: float) -> None:
        super().__init__()
        self.convolution = convolution
        low, high = min(low, 0.0), max(high, 0.0)
        self.scale = max(high - low, 1e-6) / LEVELS
        self.zero = round(-low / self.scale)
        largest = convolution.weight.detach().abs().flatten(1).amax(dim=1)
        self.weight_scale: Float[Tensor, " O"]
        self.weight_zero: Int[Tensor, " O"]
        self.register_buffer("weight_scale", largest.clamp(min=1e-6) / LARGEST)
        self.register_buffer("weight_zero", torch.zeros(len(largest), dtype=torch.int32))

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B O H W"]:
        own = self.convolution
        x = torch.fake_quantize_per_tensor_affine(x, self.scale, self.zero, 0, LEVELS)
        weight = torch.fake_quantize_per_channel_affine(
            own.weight, self.weight_scale, self.weight_zero, 0, -LARGEST - 1, LARGEST
        )
        return F.conv2d(x, weight, own.bias, own.stride, own.padding)
