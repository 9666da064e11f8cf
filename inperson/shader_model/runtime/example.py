"""Inputs to measure and to check engines with."""

import torch

from inperson.shader_model.interface import DENSE_CHANNELS, INNER, NetworkInputs
from inperson.shader_model.network.model import SWITCH, LiveShader
from inperson.shader_model.network.warp import HIDDEN
from inperson.shader_model.runtime.choices import Shape


def example_inputs(model: LiveShader, shape: Shape, device: torch.device) -> NetworkInputs:
    """Noise of a shape: how long a step takes does not depend on what it sees."""
    random = torch.Generator(device).manual_seed(0)
    count, height, width = shape.people * shape.eyes, shape.height, shape.width

    def noise(*sizes: int) -> torch.Tensor:
        return torch.rand(sizes, generator=random, device=device)

    return NetworkInputs(
        color=noise(count, 4, height, width),
        photo=noise(count, 4, height, width),
        dense=noise(count, len(DENSE_CHANNELS), height // INNER, width // INNER),
        previous=noise(count, 5, height, width),
        hidden=noise(shape.people, model.config.hidden_channels, height // HIDDEN, width // HIDDEN),
        switch=noise(count, SWITCH),
    )
