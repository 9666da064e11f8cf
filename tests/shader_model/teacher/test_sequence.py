"""Crops that stand still and hold the person throughout, and orbits whose first frame knows the last."""

import math
from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import pytest
import torch

from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.selection import select
from inperson.avatar.state import BodyState
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.scene.crop import PixelRectangle, covered
from inperson.render.views import EyeView
from inperson.shader_model.conditions.maker import ConditionMaker
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.interface import MULTIPLE, Conditions
from inperson.shader_model.teacher.sequence import closed_conditions, steady_crops
from tests.shader_model.conditions.scenes import card, eye

FRAMES, STEP_NS = 16, 100_000_000


def pair(angle: float) -> tuple[EyeView, ...]:
    """Eyes on an orbit."""
    x, z = 1.2 * math.sin(angle), 1.2 * math.cos(angle)
    return tuple(eye((x + side, 0.3, z), (0.0, 0.25, 0.0), (160, 128), half=0.4) for side in (-0.03, 0.03))


@pytest.fixture(scope="module")
def maker() -> Iterator[ConditionMaker]:
    rasterizer = CpuRasterizer(threads=1)
    maker = ConditionMaker(rasterizer)
    yield maker
    maker.close()
    rasterizer.close()


@pytest.fixture(scope="module")
def orbit() -> list[Moment]:
    ada = load_avatar("ada")
    poser = AvatarPoser(select(ada, np.arange(0, len(ada.scales), 20)), load_body(ada.body_name))
    state = BodyState.rest(0, poser.body.num_expression)
    gaussians = poser.pose(state)
    views = [pair(math.tau * n / FRAMES) for n in range(FRAMES)]
    crops = steady_crops([(gaussians, v) for v in views])
    return [Moment(poser, state, gaussians, crop.views, n * STEP_NS) for n, crop in enumerate(crops)]


def test_one_rectangle_an_eye_holds_everything_throughout() -> None:
    frames = [(card((x, 0.1 * x, 0.0), 0.2, 0.3), pair(0.0)) for x in (-0.2, 0.0, 0.25)]
    crops = steady_crops(frames)
    assert len({crop.rectangles for crop in crops}) == 1
    left, right = crops[0].rectangles
    assert (left.width, left.height) == (right.width, right.height)
    assert left.width % MULTIPLE == left.height % MULTIPLE == 0
    for gaussians, views in frames:
        for view, held in zip(views, crops[0].rectangles, strict=True):
            needed = covered(gaussians, view, PixelRectangle(0, 0, view.width, view.height))
            assert needed is not None
            assert held.left <= needed.left < needed.right <= held.right
            assert held.top <= needed.top < needed.bottom <= held.bottom
    assert {(view.width, view.height) for crop in crops for view in crop.views} == {(left.width, left.height)}


def test_what_has_no_crop_is_said() -> None:
    with pytest.raises(ValueError, match="none of the views"):
        steady_crops([(card((0.0, 0.0, 5.0), 0.1, 0.1), pair(0.0))])
    with pytest.raises(ValueError, match="as many eyes"):
        steady_crops([(card((0.0, 0.0, 0.0), 0.1, 0.1), views) for views in (pair(0.0), pair(0.0)[:1])])


def test_an_orbit_is_as_if_it_had_gone_round_before(maker: ConditionMaker, orbit: list[Moment]) -> None:
    closed = list(closed_conditions(maker, orbit, STEP_NS))
    maker.forget()
    lap: list[Conditions] = []
    for n in range(2 * FRAMES):
        moment = orbit[n % FRAMES]
        again = Moment(moment.poser, moment.state, moment.gaussians, moment.views, n * STEP_NS)
        lap.append(maker.make(again).conditions)
    assert lap[0].before.shape[1] == 0
    assert closed[0].before.shape[1] == 2
    assert float(closed[0].seen_before.max()) > 0.9
    for mine, second in zip(closed, lap[FRAMES:], strict=True):
        for field in fields(Conditions):
            assert torch.equal(getattr(mine, field.name), getattr(second, field.name))
