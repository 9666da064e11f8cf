"""Flicker whose size is known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.avatar.posing import AvatarPoser
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.evaluation.frames import sample_act
from inperson.shader_model.evaluation.stillness import SETTLING, Flicker, flicker_when_still
from inperson.shader_model.stream import ShaderStream
from tests.shader_model.data.test_windows import PERSON
from tests.shader_model.evaluation.conftest import SMALL
from tests.shader_model.evaluation.made_up_engines import KnownEngine, brighter

EVERYWHERE = torch.ones(1, 4, 4, dtype=torch.bool)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), frames=st.integers(2, 12))
def test_flicker_is_the_deviation_over_time(seed: int, frames: int) -> None:
    pictures = np.random.default_rng(seed).random((frames, 1, 3, 4, 4)).astype(np.float32)
    flicker = Flicker()
    for picture in pictures:
        flicker.add(torch.from_numpy(picture))
    assert flicker.value(EVERYWHERE) == pytest.approx(255 * pictures.std(axis=0).mean(), rel=1e-5)


@pytest.fixture(scope="module")
def moment(subject: Subject) -> Moment:
    act = sample_act(subject, SMALL, stereo=False, rng=np.random.default_rng(3))
    poser, state = AvatarPoser(subject.avatar, PERSON.body), act.states[0]
    return Moment(poser, state, poser.pose(state), act.path.views(0.0, SMALL.size), 0)


def measured(engine: KnownEngine, moment: Moment, cpu: CpuRasterizer) -> float:
    with ShaderStream(engine, threads=1) as stream:
        return flicker_when_still(moment, cpu, stream, frames=SETTLING + 6)


def test_a_shader_that_changes_nothing_is_still(moment: Moment, cpu: CpuRasterizer) -> None:
    engine = KnownEngine(lambda color, step: color)
    assert measured(engine, moment, cpu) == pytest.approx(0.0, abs=1e-4)
    assert engine.remembered == [False, *[True] * (SETTLING + 5)], "one reset, at the start"


def test_one_that_blinks_flickers_by_as_much(moment: Moment, cpu: CpuRasterizer) -> None:
    blinking = KnownEngine(lambda color, step: brighter(color, 2.0 * (step % 2)))
    assert measured(blinking, moment, cpu) == pytest.approx(1.0, rel=0.03)


def test_settling_does_not_count(moment: Moment, cpu: CpuRasterizer) -> None:
    settling = KnownEngine(lambda color, step: brighter(color, 50.0 if step < SETTLING else 0.0))
    assert measured(settling, moment, cpu) == pytest.approx(0.0, abs=1e-4)
