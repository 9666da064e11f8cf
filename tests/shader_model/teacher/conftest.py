"""Small teachers, untrained and with weights that say something, and windows of made-up moments."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from inperson.shader_model.interface import Conditions
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.teacher.config import TeacherConfig
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.residual import CHANNELS
from inperson.shader_model.teacher.told import Told

MakeTold = Callable[..., Told]
TINY = TeacherConfig(widths=(32, 32, 64), blocks=(1, 1, 2), embedding=32, expansion=1)


@pytest.fixture
def untrained() -> Teacher:
    torch.manual_seed(1)
    return Teacher(TINY).eval().requires_grad_(False)


@pytest.fixture
def teacher(untrained: Teacher) -> Teacher:
    """One in which everything that starts as zeros is not, or hardly anything would pass."""
    for parameter in untrained.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return untrained


@pytest.fixture(scope="session")
def make_told(make_window: Callable[..., list[Conditions]]) -> MakeTold:
    """`windows` windows of noise, 64 x 64."""

    def make(windows: int = 1, frames: int = 3, eyes: int = 1) -> Told:
        people = [make_window(frames, eyes, seed) for seed in range(windows)]
        return Told.of([ConditionsBatch.of(moment) for moment in zip(*people, strict=True)])

    return make


def noise_like(told: Told, seed: int = 5) -> torch.Tensor:
    """B T E R h w."""
    windows, frames, eyes, height, width = told.shape
    shape = (windows, frames, eyes, CHANNELS, height, width)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
