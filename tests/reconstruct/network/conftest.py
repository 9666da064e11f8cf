"""Small networks and made-up batches."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.interface import CONFIDENCE, SEEN, TEXEL_CHANNELS, NetInputs
from inperson.reconstruct.network.model import ReconstructionNet

SIZE = 64


@pytest.fixture(scope="session")
def config() -> NetConfig:
    return NetConfig(
        size=SIZE, widths=(8, 16, 16, 24, 32), token_width=32, token_blocks=1, heads=2, appearance=(8, 8, 16)
    )


@pytest.fixture
def untrained(config: NetConfig) -> ReconstructionNet:
    torch.manual_seed(1)
    return ReconstructionNet(config).eval()


@pytest.fixture
def network(untrained: ReconstructionNet) -> ReconstructionNet:
    """One whose heads say something."""
    for parameter in untrained.head.out.parameters():
        nn.init.normal_(parameter, std=0.5)
    return untrained


@pytest.fixture
def make_batch() -> Callable[[int], NetInputs]:
    """Batches of noise that obey the contract: some places are not seen, some fully."""

    def make(count: int, seed: int = 0) -> NetInputs:
        random = torch.Generator().manual_seed(seed)
        rand = lambda *shape: torch.rand(shape, generator=random)  # noqa: E731
        crop = rand(count, 4, 256, 256)
        crop[:, :3] *= crop[:, 3:]
        texels = rand(count, len(TEXEL_CHANNELS), SIZE, SIZE)
        patches = (3.0 * rand(count, 1, SIZE // 8, SIZE // 8) - 1.0).clamp(0.0, 1.0)
        texels[:, CONFIDENCE] = patches.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
        texels[:, SEEN] *= texels[:, CONFIDENCE]
        return NetInputs(crop, texels, 2.0 * rand(count, SIZE, SIZE, 2) - 1.0)

    return make
