"""A bare person's orbit, teachers whose answer is known, and orbits of plain cards."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.shader_model.data.shards import own_places
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.evaluation.orbit.shading import Taught
from inperson.shader_model.evaluation.orbit.views import LEAST_VIEWS, Orbit, OrbitSettings, View, orbit_of
from inperson.shader_model.interface import DENSE_CHANNELS, INNER, Conditions
from inperson.shader_model.teacher.config import TeacherConfig
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.offline import OfflineSettings
from inperson.shader_model.teacher.residual import residual_of
from inperson.synthetic.stage import Stage
from tests.shader_model.data.test_windows import PERSON

VIEWS, SIDE = 18, 64
assert VIEWS > LEAST_VIEWS
TINY = TeacherConfig(widths=(32, 32, 32), blocks=(0, 0, 1), embedding=32, expansion=1)
QUICK = OfflineSettings(steps=1, window=6, overlap=3, back=1.0)


class KnownTeacher(Teacher):
    """Predicts one thing of every render, whatever the noise.

    Args:
        change: from the render to the picture.
    """

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__(TINY)
        self._change = change

    def forward(self, noisy, times, told):
        return residual_of(self._change(told.color), told.color)


@pytest.fixture
def untrained() -> Teacher:
    torch.manual_seed(1)
    return Teacher(TINY).eval().requires_grad_(False)


@pytest.fixture
def outspoken(untrained: Teacher) -> Taught:
    """A teacher in which everything that starts as zeros is not."""
    for parameter in untrained.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return Taught(untrained, QUICK)


@pytest.fixture(scope="session")
def orbit(subject: Subject, stage: Stage, cpu: CpuRasterizer) -> Orbit:
    return orbit_of(subject, PERSON.body, stage, cpu, OrbitSettings(VIEWS, SIDE), np.random.default_rng(1))


@pytest.fixture(scope="session")
def cards() -> Orbit:
    """An opaque picture of noise in each of 24 views, in which everything stays where it is."""
    views, side = 24, 32
    inner = side // INNER
    random = torch.Generator().manual_seed(3)

    def told(seen_by: int) -> Conditions:
        picture = torch.rand(1, 4, side, side, generator=random)
        picture[:, 3] = 1.0
        return Conditions(
            color=picture,
            photo=picture,
            dense=torch.rand(1, len(DENSE_CHANNELS), inner, inner, generator=random),
            before=own_places(inner, inner).expand(1, seen_by, -1, -1, -1),
            seen_before=torch.ones(1, seen_by, inner, inner),
            switch=torch.full((1, 2), 0.2),
        )

    truth, nothing = torch.zeros(1, 4, side, side), np.zeros((1, side, side), np.uint8)
    each = tuple(View(math.tau * n / views, told(1), truth, nothing) for n in range(views))
    return Orbit(told(0), each)
