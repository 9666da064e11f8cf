"""Guidance: its ends, its middle, and the triangle over an orbit."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inperson.shader_model.teacher.guidance import guided, triangular
from inperson.shader_model.teacher.model import Teacher
from tests.shader_model.teacher.conftest import MakeTold, noise_like


def test_weights_one_and_zero_are_the_two_predictions_and_others_lie_on_their_line(
    teacher: Teacher, make_told: MakeTold
) -> None:
    told = make_told(windows=2, frames=3)
    noisy, times = noise_like(told), torch.tensor([0.3, 0.8])
    given_all, given_render = teacher(noisy, times, told), teacher(noisy, times, told.without_conditions())
    assert not torch.allclose(given_all, given_render, atol=1e-2)
    assert torch.equal(guided(teacher, noisy, times, told, torch.ones(3)), given_all)
    assert torch.equal(guided(teacher, noisy, times, told, torch.zeros(3)), given_render)
    each = guided(teacher, noisy, times, told, torch.tensor([0.0, 1.0, 2.5]))
    torch.testing.assert_close(each[:, 0], given_render[:, 0])
    torch.testing.assert_close(each[:, 1], given_all[:, 1])
    torch.testing.assert_close(each[:, 2], given_render[:, 2] + 2.5 * (given_all - given_render)[:, 2])


def test_what_is_dropped_is_photo_and_dense_channels_where_it_is_said(make_told: MakeTold) -> None:
    told = make_told(windows=2)
    some = told.without_conditions(torch.tensor([False, True]))
    assert not some.photo[1].any()
    assert not some.dense[1].any()
    assert torch.equal(some.photo[0], told.photo[0])
    assert torch.equal(some.dense[0], told.dense[0])
    assert torch.equal(some.color, told.color)
    assert torch.equal(some.motion, told.motion)


@pytest.mark.parametrize(
    ("degrees", "weight"), [(0, 1.0), (90, 2.0), (180, 3.0), (-180, 3.0), (270, 2.0), (-45, 1.5), (765, 1.5)]
)
def test_the_triangle_s_values(degrees: float, weight: float) -> None:
    angle = torch.tensor([math.radians(degrees)])
    torch.testing.assert_close(triangular(angle, 1.0, 3.0), torch.tensor([weight]), atol=1e-5, rtol=0)


@given(angle=st.floats(-20.0, 20.0), front=st.floats(0.0, 5.0), back=st.floats(0.0, 5.0))
def test_the_triangle_is_even_and_repeats_itself(angle: float, front: float, back: float) -> None:
    at = lambda a: triangular(torch.tensor([a], dtype=torch.float64), front, back)  # noqa: E731
    torch.testing.assert_close(at(angle), at(-angle))
    torch.testing.assert_close(at(angle), at(angle + 2 * math.pi))
    assert min(front, back) - 1e-9 <= float(at(angle)) <= max(front, back) + 1e-9
