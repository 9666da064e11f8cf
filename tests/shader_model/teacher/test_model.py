"""The network: nothing at first, frames alone at first, then bidirectional in time and across the eyes."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from inperson.shader_model.interface import Conditions
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.teacher.blocks import turned, turns_of
from inperson.shader_model.teacher.config import HEAD, SIZES, TeacherConfig
from inperson.shader_model.teacher.flow import sample
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.told import FAR, Told
from tests.shader_model.teacher.conftest import MakeTold, noise_like

HALF = torch.tensor([0.5])


def test_untrained_it_gives_the_render(untrained: Teacher, make_told: MakeTold) -> None:
    told = make_told()
    made = sample(lambda x, t: untrained(x, torch.tensor([t]), told), noise_like(told), 3)
    assert not made.any()


@pytest.mark.parametrize("eyes", [1, 2])
def test_before_windows_are_learned_a_window_is_its_frames_alone(
    teacher: Teacher, make_told: MakeTold, eyes: int
) -> None:
    for layer in teacher.through_time:
        nn.init.zeros_(layer.out.weight)
    told = make_told(frames=4, eyes=eyes)
    noisy = noise_like(told)
    whole = teacher(noisy, HALF, told)
    for t in range(4):
        part = Told(*(getattr(told, name)[:, t : t + 1] for name in ("color", "photo", "dense", "motion", "switch")))
        torch.testing.assert_close(teacher(noisy[:, t : t + 1], HALF, part)[:, 0], whole[:, t], atol=1e-5, rtol=1e-4)
    assert whole.std() > 0.1


def test_a_frame_alone_passes_the_attention_whatever_its_weights(teacher: Teacher, make_told: MakeTold) -> None:
    told = make_told(frames=1)
    noisy = noise_like(told)
    with_attention = teacher(noisy, HALF, told)
    for layer in teacher.through_time:
        nn.init.zeros_(layer.out.weight)
    assert torch.equal(teacher(noisy, HALF, told), with_attention)


@pytest.mark.parametrize("changed", [0, 3])
def test_every_frame_sees_earlier_and_later_ones(teacher: Teacher, make_told: MakeTold, changed: int) -> None:
    told = make_told(frames=4)
    noisy = noise_like(told)
    other = noisy.clone()
    other[:, changed] += 1.0
    moved = (teacher(other, HALF, told) - teacher(noisy, HALF, told)).abs().amax(dim=(0, 2, 3, 4, 5))
    assert (moved > 1e-4).all()


def test_eyes_see_each_other(teacher: Teacher, make_told: MakeTold) -> None:
    told = make_told(frames=1, eyes=2)
    noisy = noise_like(told)
    other = noisy.clone()
    other[:, :, 1] += 1.0
    assert (teacher(other, HALF, told) - teacher(noisy, HALF, told))[:, :, 0].abs().max() > 1e-4


def test_the_order_of_frames_counts(teacher: Teacher) -> None:
    layer = teacher.through_time[0]
    maps = torch.randn((5, 64, 2, 3), generator=torch.Generator().manual_seed(0))
    assert not torch.allclose(layer(maps.flip(0), 5, 1).flip(0), layer(maps, 5, 1), atol=1e-3)


@given(first=st.integers(0, 40), apart=st.integers(-20, 20), later=st.integers(0, 40), seed=st.integers(0, 99))
def test_time_is_relative(first: int, apart: int, later: int, seed: int) -> None:
    """How much a query likes a key depends on how far apart their frames are alone."""
    query, key = torch.randn((2, HEAD), generator=torch.Generator().manual_seed(seed)).double()
    cos, sin = turns_of(121, 1, query)

    def liked(at: int, of: int) -> torch.Tensor:
        return turned(query, (cos[at], sin[at])) @ turned(key, (cos[of], sin[of]))

    first += 20
    torch.testing.assert_close(
        liked(first, first + apart), liked(first + later, first + later + apart), atol=1e-4, rtol=0
    )


def test_eyes_of_a_frame_share_its_time() -> None:
    for one, both in zip(turns_of(3, 1, torch.zeros(1)), turns_of(3, 2, torch.zeros(1)), strict=True):
        assert torch.equal(one.repeat_interleave(2, dim=0), both)


def test_windows_of_a_batch_do_not_mix(teacher: Teacher, make_told: MakeTold) -> None:
    told = make_told(windows=2, frames=3, eyes=2)
    noisy, times = noise_like(told), torch.tensor([0.2, 0.7])
    both = teacher(noisy, times, told)
    for b in range(2):
        alone = Told(*(getattr(told, name)[b : b + 1] for name in ("color", "photo", "dense", "motion", "switch")))
        one = teacher(noisy[b : b + 1], times[b : b + 1], alone)
        torch.testing.assert_close(one[0], both[b], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["color", "photo", "dense", "motion", "switch"])
def test_everything_that_is_told_counts(teacher: Teacher, make_told: MakeTold, name: str) -> None:
    told = make_told(frames=2)
    fields = {n: getattr(told, n) for n in ("color", "photo", "dense", "motion", "switch")}
    other = Told(**{**fields, name: 0.5 * fields[name]})
    noisy = noise_like(told)
    assert not torch.allclose(teacher(noisy, HALF, told), teacher(noisy, HALF, other), atol=1e-4)


def test_motion_is_the_own_eye_s_way_back(make_window: Callable[..., list[Conditions]]) -> None:
    moments = make_window(2, eyes=2)
    told = Told.of([ConditionsBatch.of([m]) for m in moments])
    assert not told.motion[:, 0].any()
    seen = moments[1].seen_before[1, 1]
    torch.testing.assert_close(told.motion[0, 1, 1, 2], seen)
    y, x = 5, 7
    way = moments[1].before[1, 1, :, y, x] - torch.tensor([4 * x + 2.0, 4 * y + 2.0])
    torch.testing.assert_close(told.motion[0, 1, 1, :2, y, x], way / FAR * seen[y, x])
    later = told.window([1, 0])
    assert not later.motion[:, 0].any()
    assert torch.equal(later.color[:, 0], told.color[:, 1])


@pytest.mark.parametrize(("size", "least", "most"), [("small", 5e6, 8e6), ("base", 25e6, 33e6)])
def test_sizes_are_as_large_as_is_said(size: str, least: float, most: float) -> None:
    config: TeacherConfig = SIZES[size]  # type: ignore[index]
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in Teacher(config).parameters())
    assert least < count < most
