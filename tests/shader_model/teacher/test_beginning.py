"""A teacher that begins at the live model's pictures, and adds nothing to them before it has learned something."""

from collections.abc import Callable
from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor, nn

from inperson.shader_model.interface import Conditions
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.config import ShaderConfig
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.unroll import unroll
from inperson.shader_model.network.weights import load_shader, shipped_shader
from inperson.shader_model.teacher.beginning import begun_around, begun_at
from inperson.shader_model.teacher.config import TeacherConfig
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.offline import OfflineSettings, TeacherOffline
from tests.shader_model.teacher.conftest import TINY

MakeWindow = Callable[..., list[Conditions]]
MakeConditions = Callable[..., Conditions]
HOW = OfflineSettings(steps=2, window=3, overlap=1)
REFINER = replace(TINY, begins_at="live")


@pytest.fixture
def live(tiny_config: ShaderConfig) -> LiveShader:
    """One that changes pictures a little."""
    torch.manual_seed(3)
    live = LiveShader(tiny_config).eval()
    for parameter in live.head.parameters():
        nn.init.normal_(parameter, std=0.1)
    return live


def batches(window: list[Conditions]) -> list[ConditionsBatch]:
    return [ConditionsBatch.of([moment]) for moment in window]


def test_the_live_models_pictures_take_the_renders_place(live: LiveShader, make_window: MakeWindow) -> None:
    moments = batches(make_window(3, eyes=2))
    begun, shown = begun_at(live, moments), unroll(live, moments)
    for there, moment, picture in zip(begun, moments, shown, strict=True):
        torch.testing.assert_close(there.color, picture.detach())
        assert not there.color.requires_grad
        assert (there.color - moment.color).abs().mean() > 1e-3
        assert all(
            getattr(there, f.name) is getattr(moment, f.name) for f in fields(ConditionsBatch) if f.name != "color"
        )
    assert begun_at(None, moments) == tuple(moments)


def test_around_an_orbit_it_has_been_before(live: LiveShader, make_conditions: MakeConditions) -> None:
    """Its memory of the last frame is in the first one."""
    ring = batches([make_conditions(1, 1, seed) for seed in range(3)])
    around, once = begun_around(live, ring), begun_at(live, ring)
    assert len(around) == 3
    assert not torch.equal(around[0].color, once[0].color)
    torch.testing.assert_close(around[0].color, begun_at(live, [*ring, ring[0]])[-1].color)
    assert begun_around(None, ring) == tuple(ring)


@pytest.mark.parametrize("closed", [False, True])
def test_an_untrained_one_shows_what_the_live_model_shows(
    live: LiveShader, make_conditions: MakeConditions, closed: bool
) -> None:
    torch.manual_seed(1)
    ring = [make_conditions(1, 1 if closed or seed else 0, seed) for seed in range(4)]
    begun = (begun_around if closed else begun_at)(live, batches(ring))
    shown = TeacherOffline(Teacher(REFINER).eval(), HOW, live).shade(ring, closed=closed)
    torch.testing.assert_close(shown, torch.cat([moment.color for moment in begun]), atol=1e-5, rtol=1e-5)


def test_without_another_it_begins_at_the_shader_that_ships(make_window: MakeWindow) -> None:
    window = make_window(2, eyes=1)

    def shown(config: TeacherConfig) -> Tensor:
        return TeacherOffline(Teacher(config).eval(), HOW).shade(window)

    ships = begun_at(load_shader(shipped_shader("small")), batches(window))
    torch.testing.assert_close(shown(REFINER), torch.cat([moment.color for moment in ships]), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(shown(TINY), torch.stack([moment.color for moment in window]), atol=1e-5, rtol=1e-5)
