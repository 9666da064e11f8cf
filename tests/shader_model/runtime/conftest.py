"""Inputs with something in every field."""

from collections.abc import Callable

import pytest
import torch

from inperson.shader_model.interface import Conditions, NetworkInputs

MakeInputs = Callable[..., NetworkInputs]


@pytest.fixture(scope="session")
def make_inputs(make_conditions: Callable[..., Conditions]) -> MakeInputs:
    """One person's, as if there had been a frame before."""

    def make(eyes: int = 2, height: int = 64, width: int = 64, channels: int = 32) -> NetworkInputs:
        now = make_conditions(eyes, 0, height=height, width=width)
        random = torch.Generator().manual_seed(7)
        known = torch.rand(eyes, 1, height, width, generator=random)
        last = torch.rand(eyes, 4, height, width, generator=random)
        hidden = 2.0 * torch.rand(1, channels, height // 16, width // 16, generator=random) - 1.0
        return NetworkInputs(
            now.color, now.photo, now.dense, torch.cat([last * known, known], dim=1), hidden, now.switch
        )

    return make
