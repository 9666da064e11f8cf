"""`Engine`: anything that runs one step of the live model."""

from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.interface import NetworkInputs


class Engine(Protocol):
    """Runs one step. Engines differ in speed, and in their last digits: bfloat16 ones in more of them."""

    @property
    def name(self) -> str:
        """As `choose.engine_makers` calls it."""

    @property
    def hidden_channels(self) -> int:
        """C of the hidden state."""

    def step(self, inputs: NetworkInputs) -> tuple[Float[Tensor, "BE 4 H W"], Float[Tensor, "B C H/16 W/16"]]:
        """The refined pictures and the next hidden state: float32, on the inputs' device, the caller's to keep."""


def in_order(inputs: NetworkInputs) -> tuple[Tensor, ...]:
    """The inputs as `LiveShader.forward` takes them."""
    return inputs.color, inputs.photo, inputs.dense, inputs.previous, inputs.hidden, inputs.switch
