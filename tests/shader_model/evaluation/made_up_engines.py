"""Engines whose answer is known."""

from collections.abc import Callable

import torch
from torch import Tensor

from inperson.shader_model.interface import NetworkInputs
from inperson.shader_model.network.warp import HIDDEN


class KnownEngine:
    """Does one thing to every render.

    Args:
        change: from the render (and how many steps there were) to the output.
    """

    name = "known"
    hidden_channels = 16

    def __init__(self, change: Callable[[Tensor, int], Tensor]) -> None:
        self._change = change
        self.steps = 0
        self.remembered: list[bool] = []
        """Of each step, whether it was given a last picture."""

    def step(self, inputs: NetworkInputs) -> tuple[Tensor, Tensor]:
        output = self._change(inputs.color, self.steps)
        self.steps += 1
        self.remembered.append(bool(inputs.previous.any()))
        height, width = inputs.color.shape[-2:]
        return output, torch.zeros(len(inputs.hidden), self.hidden_channels, height // HIDDEN, width // HIDDEN)


def brighter(color: Tensor, grey_levels: float) -> Tensor:
    """Premultiplied colour with every opaque pixel raised by so much."""
    return torch.cat([color[:, :3] + grey_levels / 255 * color[:, 3:], color[:, 3:]], dim=1)
