"""The network can learn what it is for: colours of unseen places come from what the photo shows elsewhere."""

import pytest
import torch
from torch.nn import functional as F

from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.interface import CONFIDENCE, SEEN, TEXEL_CHANNELS, NetInputs
from inperson.reconstruct.network.model import ReconstructionNet

SIZE = 32
UNSEEN = slice(0, SIZE // 2)


def _batch(source: str, random: torch.Generator, count: int = 1) -> tuple[NetInputs, torch.Tensor]:
    """The upper half of the map is hidden and has one colour, new for each photo. The crop's upper half shows it, or
    the map's lowest quarter does; everything else is grey, the completion too."""
    color = torch.rand(count, 3, 1, 1, generator=random)
    crop = torch.full((count, 4, 256, 256), 0.5)
    crop[:, 3] = 1.0
    texels = torch.zeros(count, len(TEXEL_CHANNELS), SIZE, SIZE)
    texels[:, SEEN], texels[:, CONFIDENCE] = 0.5, 1.0
    texels[:, 4:7], texels[:, -1] = 0.5, 1.0
    if source == "crop":
        crop[:, :3, :128] = color
    else:
        texels[:, SEEN, 3 * SIZE // 4 :] = color
    texels[:, :4, UNSEEN] = 0.0
    height = torch.linspace(1, -1, SIZE)[:, None].expand(SIZE, SIZE)
    texels[:, TEXEL_CHANNELS.index("y")] = height
    return NetInputs(crop, texels, torch.zeros(count, SIZE, SIZE, 2)), color


@pytest.mark.parametrize("source", ["crop", "map"])
def test_unseen_places_learn_to_ask(source: str) -> None:
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(1)
    config = NetConfig(
        size=SIZE, widths=(8, 8, 16, 16, 16), token_width=16, token_blocks=1, heads=1, appearance=(8, 8, 8)
    )
    network = ReconstructionNet(config)
    optimiser = torch.optim.Adam(network.parameters(), lr=4e-3)
    for _ in range(50):
        inputs, color = _batch(source, random)
        got = network(inputs).color[:, :, UNSEEN]
        loss = F.mse_loss(got, color.expand_as(got))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    inputs, color = _batch(source, random, count=16)  # colours it has never seen
    with torch.no_grad():
        got = network(inputs).color[:, :, UNSEEN]
    completion = F.mse_loss(torch.full_like(got, 0.5), color.expand_as(got))
    assert F.mse_loss(got, color.expand_as(got)) < 0.15 * completion
