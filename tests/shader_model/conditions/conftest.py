"""A rasteriser and an avatar that the tests of this folder share."""

from collections.abc import Iterator

import pytest
import torch

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.posing import AvatarPoser
from inperson.render.cpu.rasterizer import CpuRasterizer

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
def body() -> BodyModel:
    """Ada's."""
    return load_body(load_avatar("ada").body_name)
