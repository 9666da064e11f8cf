"""Rasterisers that the tests of this folder share."""

from collections.abc import Iterator

import moderngl
import pytest
import torch

from inperson.render.backends import ReferenceRasterizer
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.gbuffer import Rasterizer
from inperson.render.gl import GlRasterizer

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def cpu() -> Iterator[CpuRasterizer]:
    """Two threads, so that what they share is tested."""
    rasterizer = CpuRasterizer(threads=2)
    yield rasterizer
    rasterizer.close()


@pytest.fixture(scope="session")
def gl() -> Iterator[GlRasterizer]:
    """Software GL does."""
    rasterizer = GlRasterizer()
    yield rasterizer
    rasterizer.close()


@pytest.fixture
def context(gl: GlRasterizer) -> Iterator[moderngl.Context]:
    """The `gl` rasteriser's context, current while a test runs."""
    with gl.context:
        yield gl.context


@pytest.fixture(scope="session")
def reference() -> ReferenceRasterizer:
    return ReferenceRasterizer()


@pytest.fixture(params=["cpu", "gl", "reference"])
def rasterizer(request: pytest.FixtureRequest) -> Rasterizer:
    """Each backend that runs without CUDA, in turn."""
    return request.getfixturevalue(request.param)
