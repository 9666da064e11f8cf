"""A bare person, their avatar, and what draws them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from inperson.reconstruct.perceptual import Perceptual
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.shader_model.data.recipe import FramingRecipe, MotionRecipe
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.evaluation.frames import WindowSettings
from inperson.synthetic.lights import capture_light
from inperson.synthetic.stage import Stage
from inperson.tracking.models import fetch_models
from tests.shader_model.data.test_windows import PERSON, skin_avatar

torch.set_num_threads(1)

SMALL = WindowSettings(
    frames=3,
    size=96,
    windows=2,
    motion=MotionRecipe(still_body=0.0, turning=1.0, still_camera=0.0),
    framing=FramingRecipe(all_round=0.0, least_across=0.7),
)
"""Two windows that move, one of them for two eyes."""


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture(scope="session")
def cpu() -> Iterator[CpuRasterizer]:
    rasterizer = CpuRasterizer(threads=1)
    yield rasterizer
    rasterizer.close()


@pytest.fixture(scope="session")
def perceptual() -> Perceptual:
    fetch_models()
    return Perceptual.load()


@pytest.fixture(scope="session")
def subject() -> Subject:
    """An avatar speckled with colour, so that there is something to blur and something to get wrong."""
    avatar = skin_avatar()
    colors = np.random.default_rng(0).normal(0.0, 0.6, avatar.sh.shape).astype(np.float32)
    return Subject(PERSON, capture_light(), replace(avatar, sh=colors))
