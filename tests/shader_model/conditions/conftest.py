"""A rasteriser and an avatar that the tests of this folder share."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.selection import select
from inperson.reconstruct.network.interface import PARTS
from inperson.render.cpu.rasterizer import CpuRasterizer
from tests.avatar.made_up import made_up_photo

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def cpu() -> Iterator[CpuRasterizer]:
    rasterizer = CpuRasterizer(threads=1)
    yield rasterizer
    rasterizer.close()


@pytest.fixture(scope="session")
def ada(body: BodyModel) -> AvatarPoser:
    return AvatarPoser(load_avatar("ada"), body)


@pytest.fixture(scope="session")
def photographed() -> GaussianAvatar:
    """A person of 5800 Gaussians who was photographed, and whose parts are known."""
    ada = load_avatar("ada")
    thinned = select(ada, np.arange(0, len(ada.scales), 10))
    n = len(thinned.scales)
    parts = np.tile(np.arange(len(PARTS), dtype=np.float32) / len(PARTS), (n, 1))
    return replace(thinned, scales=3 * thinned.scales, features=parts, photo=made_up_photo(n))


@pytest.fixture(scope="session")
def body() -> BodyModel:
    """Ada's."""
    return load_body(load_avatar("ada").body_name)
