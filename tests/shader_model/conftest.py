"""Small networks, and made-up conditions that obey the contract."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from inperson.shader_model.interface import DENSE_CHANNELS, INNER, Conditions
from inperson.shader_model.network.config import ShaderConfig
from inperson.shader_model.network.model import LiveShader

SIDE = 64
MakeConditions = Callable[..., Conditions]


@pytest.fixture(scope="session")
def tiny_config() -> ShaderConfig:
    return ShaderConfig(widths=(16, 16, 32), blocks=(1, 1, 1), trunk=1)


@pytest.fixture
def untrained(tiny_config: ShaderConfig) -> LiveShader:
    torch.manual_seed(1)
    return LiveShader(tiny_config).eval()


@pytest.fixture
def network(untrained: LiveShader) -> LiveShader:
    """One whose head and modulation say something."""
    for part in (untrained.head, untrained.modulate_sixteenth, untrained.modulate_eighth):
        for parameter in part.parameters():
            nn.init.normal_(parameter, std=0.2)
    return untrained


@pytest.fixture(scope="session")
def make_conditions() -> MakeConditions:
    """A moment of noise in a blob, moved by a few pixels; `eyes_before` is P."""

    def make(eyes: int = 2, eyes_before: int = 2, seed: int = 0, height: int = SIDE, width: int = SIDE) -> Conditions:
        random = torch.Generator().manual_seed(seed)
        rand = lambda *shape: torch.rand(shape, generator=random)  # noqa: E731
        h, w = height // INNER, width // INNER
        alpha = 1.5 - (_centers(height, width) / torch.tensor([width, height])[:, None, None] - 0.5).norm(dim=0) * 4
        alpha = alpha.clamp(0.0, 1.0).expand(eyes, 1, -1, -1)
        inner_alpha = nn.functional.avg_pool2d(alpha, INNER)
        trust = rand(eyes, 1, height, width) * alpha
        here = INNER * _centers(h, w)
        seen = inner_alpha.expand(-1, eyes_before, -1, -1) * (rand(eyes, eyes_before, h, w) > 0.2)
        before = here + 6.0 * rand(eyes, eyes_before, 2, 1, 1) - 3.0 + 0.5 * rand(eyes, eyes_before, 2, h, w)
        return Conditions(
            color=torch.cat([rand(eyes, 3, height, width) * alpha, alpha], dim=1),
            photo=torch.cat([rand(eyes, 3, height, width) * trust, trust], dim=1),
            dense=torch.cat([inner_alpha, rand(eyes, len(DENSE_CHANNELS) - 1, h, w) * inner_alpha], dim=1),
            before=before,
            seen_before=seen,
            switch=rand(eyes, 2),
        )

    return make


@pytest.fixture(scope="session")
def make_window(make_conditions: MakeConditions) -> Callable[..., list[Conditions]]:
    """Consecutive moments; the first has nothing before it."""

    def make(frames: int, eyes: int = 2, seed: int = 0) -> list[Conditions]:
        return [make_conditions(eyes, 0 if t == 0 else eyes, 100 * seed + t) for t in range(frames)]

    return make


def _centers(height: int, width: int) -> torch.Tensor:
    """x and y of pixels' centres (2 x height x width)."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack([x, y])
