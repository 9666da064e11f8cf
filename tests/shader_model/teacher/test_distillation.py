"""The trajectory loss: what it is, where its gradient points, and what it depends on."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from inperson.shader_model.interface import INNER
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.teacher.distillation import TrajectoryLoss
from inperson.shader_model.teacher.draws import DrawRecipe, FlowDraws, Lot
from inperson.shader_model.teacher.guidance import guided
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.residual import SCALE, picture_of, residual_of
from inperson.shader_model.teacher.told import Told
from inperson.shader_model.training.groups import WindowGroup
from tests.shader_model.made_up_windows import made_up_window

LOTS = (Lot(0, 4), Lot(0, 9))


@pytest.fixture(scope="module")
def group() -> WindowGroup:
    return group_of(4, 9)


def group_of(*seeds: int) -> WindowGroup:
    """Windows of two frames."""
    windows = [made_up_window(seed, frames=2) for seed in seeds]
    return WindowGroup(
        moments=tuple(ConditionsBatch.of(people) for people in zip(*(w.conditions for w in windows), strict=True)),
        truth=torch.stack([w.truth for w in windows], dim=1),
        background=torch.full((len(windows), 1, 3, 1, 1), 0.5),
        looked_at=torch.zeros(len(windows), 1, dtype=torch.long),
        numbers=seeds,
    )


def test_it_is_the_distance_to_where_the_teacher_goes(teacher: Teacher, group: WindowGroup) -> None:
    shown = 0.5 * group.truth + 0.5 * group.render
    draws = FlowDraws.of(LOTS, 2, 1, (8, 8), DrawRecipe())
    told = Told.of(group.moments)
    made = residual_of(shown, group.render).transpose(0, 1)
    target = guided(teacher, draws.noisy(made), draws.times, told, torch.tensor([1.5, 1.5]))
    there = group.render + SCALE * F.pixel_shuffle(target.transpose(0, 1), INNER)
    wanted = draws.times * (shown - there).square().mean(dim=(0, 2, 3, 4, 5))
    torch.testing.assert_close(TrajectoryLoss(teacher, 1.5).of(group, shown, LOTS), wanted)


def test_its_gradient_leads_there_and_not_through_the_teacher(teacher: Teacher, group: WindowGroup) -> None:
    shown = group.render.clone().requires_grad_(True)
    loss = TrajectoryLoss(teacher).of(group, shown, LOTS)
    loss.sum().backward()
    assert shown.grad is not None
    draws, told = FlowDraws.of(LOTS, 2, 1, (8, 8), DrawRecipe()), Told.of(group.moments)
    target = teacher(draws.noisy(torch.zeros_like(draws.noise)), draws.times, told)
    there = group.render + SCALE * F.pixel_shuffle(target.transpose(0, 1), INNER)
    way = draws.times.view(1, -1, 1, 1, 1, 1) * 2 * (shown.detach() - there) / shown[:, 0].numel()
    torch.testing.assert_close(shown.grad, way, atol=1e-8, rtol=1e-3)
    assert (picture_of(target, told.color) - told.color).abs().mean() > 0.01


def test_every_window_depends_on_itself_and_its_lot_alone(teacher: Teacher, group: WindowGroup) -> None:
    loss = TrajectoryLoss(teacher)
    both = loss.of(group, group.truth, LOTS)
    second = group_of(9)
    torch.testing.assert_close(loss.of(second, second.truth, LOTS[1:]), both[1:])
    assert not torch.allclose(loss.of(second, second.truth, LOTS[:1]), both[1:])


def test_an_untrained_teacher_asks_for_the_render(untrained: Teacher, group: WindowGroup) -> None:
    loss = TrajectoryLoss(untrained)
    assert not loss.of(group, group.render, LOTS).any()
    assert (loss.of(group, group.truth, LOTS) > 0).all()


def test_a_teacher_of_the_live_models_pictures_takes_them_further(teacher: Teacher, group: WindowGroup) -> None:
    """It is told what is shown in the render's place, so that what it says is how to go on from there."""
    refiner = Teacher(replace(teacher.config, begins_at="live")).eval().requires_grad_(False)
    refiner.load_state_dict(teacher.state_dict())
    shown = (0.5 * group.truth + 0.5 * group.render).requires_grad_(True)
    loss = TrajectoryLoss(refiner).of(group, shown, LOTS)
    draws, base = FlowDraws.of(LOTS, 2, 1, (8, 8), DrawRecipe()), shown.detach()
    told = replace(Told.of(group.moments), color=base.transpose(0, 1))
    target = refiner(draws.noisy(torch.zeros_like(draws.noise)), draws.times, told)
    further = base + SCALE * F.pixel_shuffle(target.transpose(0, 1), INNER)
    torch.testing.assert_close(loss, draws.times * (base - further).square().mean(dim=(0, 2, 3, 4, 5)))
    loss.sum().backward()
    assert shown.grad is not None
    way = draws.times.view(1, -1, 1, 1, 1, 1) * 2 * (base - further) / shown[:, 0].numel()
    torch.testing.assert_close(shown.grad, way, atol=1e-8, rtol=1e-3)
