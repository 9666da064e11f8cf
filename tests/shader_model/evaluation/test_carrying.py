"""Disagreement of pictures of the same places, where the answer is known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.shader_model.data.shards import own_places
from inperson.shader_model.evaluation.carrying import Disagreement, last_places, places_in_other_eye
from inperson.shader_model.evaluation.eyes import alone
from inperson.shader_model.evaluation.pictures import over_grey
from inperson.shader_model.interface import INNER
from inperson.shader_model.network.same_places import SamePlaces
from tests.shader_model.conditions.scenes import card, eye

SIZE = 64
INNER_SIZE = SIZE // INNER


def picture(shift: int = 0) -> torch.Tensor:
    """A smooth pattern, moved to the right."""
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE) - shift, indexing="ij")
    return torch.stack([0.5 + 0.2 * torch.sin(0.2 * x + k + 0.1 * y) for k in range(3)])[None]


def moved_by(pixels: float) -> SamePlaces:
    """Everything was `pixels` further left, and visible but for a margin."""
    seen = torch.zeros(1, INNER_SIZE, INNER_SIZE)
    seen[:, 4:-4, 4:-4] = 1.0
    places = own_places(INNER_SIZE, INNER_SIZE)
    return SamePlaces(places[None] - torch.tensor([pixels, 0.0])[:, None, None], seen)


def disagreement(*given: torch.Tensor | SamePlaces) -> float:
    one = Disagreement()
    one.add(*given)  # type: ignore[arg-type]
    return one.value


def test_what_moves_as_told_does_not_disagree() -> None:
    assert disagreement(picture(5), picture(0), moved_by(5)) == pytest.approx(0.0, abs=1e-3)
    assert disagreement(picture(5), picture(0), moved_by(0)) > 5.0


@settings(max_examples=15, deadline=None)
@given(levels=st.floats(0.1, 40.0), shift=st.integers(0, 6))
def test_an_even_difference_is_told_in_grey_levels(levels: float, shift: int) -> None:
    brighter = picture(shift) + levels / 255
    assert disagreement(brighter, picture(0), moved_by(shift)) == pytest.approx(levels, abs=2e-3)


def test_what_was_not_visible_does_not_count() -> None:
    changed = picture(0)
    changed[..., :8] = 0.0  # in the margin
    assert disagreement(changed, picture(0), moved_by(0)) == pytest.approx(0.0, abs=1e-3)
    nothing = SamePlaces(moved_by(0).before, torch.zeros(1, INNER_SIZE, INNER_SIZE))
    assert np.isnan(disagreement(picture(0), picture(0), nothing))


def test_moments_are_pooled_by_visible_area() -> None:
    one = Disagreement()
    one.add(picture(0) + 10 / 255, picture(0), moved_by(0))
    half = moved_by(0)
    half.seen[:, :8] = 0.0
    one.add(picture(0), picture(0), half)
    assert 6.0 < one.value < 7.5


def test_each_eye_is_compared_with_its_own_last_picture(make_conditions) -> None:
    conditions = make_conditions(eyes=2, eyes_before=2)
    same = last_places(conditions)
    for e in range(2):
        assert torch.equal(same.before[e], conditions.before[e, e])
        assert torch.equal(same.seen[e], conditions.seen_before[e, e])


@pytest.mark.parametrize("eye_number", [0, 1])
def test_an_eye_alone_is_told_nothing_of_the_other(make_conditions, eye_number: int) -> None:
    conditions = make_conditions(eyes=2, eyes_before=2)
    one = alone(conditions, eye_number)
    assert one.before.shape[:2] == one.seen_before.shape[:2] == (1, 1)
    assert torch.equal(one.before[0, 0], conditions.before[eye_number, eye_number])
    assert torch.equal(one.color[0], conditions.color[eye_number])
    first = alone(make_conditions(eyes=2, eyes_before=0), eye_number)
    assert first.before.shape[:2] == (1, 0)


def test_two_eyes_see_the_same_card_by_its_depth(cpu: CpuRasterizer) -> None:
    """Parallel eyes 6 cm apart see what is 1 m away fx * 0.06 pixels apart; the card's picture then agrees."""
    flat = card((0.0, 0.0, 0.0), 0.3, 0.25)
    views = tuple(eye((x, 0.0, 1.0), (x, 0.0, 0.0)) for x in (-0.03, 0.03))
    same = places_in_other_eye(cpu, flat, (views[0], views[1]))
    visible = same.seen[0] > 0.9
    assert 0.2 < visible.float().mean() < 0.9
    moved = (same.before[0] - own_places(*visible.shape))[:, visible]
    K = views[0].intrinsics
    torch.testing.assert_close(moved[0].mean().item(), -0.06 * K.fx, atol=0.15, rtol=0)
    assert moved[1].abs().max() < 0.2
    drawn = torch.from_numpy(cpu.render_color(flat, views).planes[:, [0, 1, 2, 4]].copy())
    left, right = over_grey(drawn)[:1], over_grey(drawn)[1:]
    right_places = disagreement(left, right, same)
    wrong_places = disagreement(left, right, SamePlaces(same.before + 8.0, same.seen))
    assert right_places < 0.2 * wrong_places
    assert right_places < 3.0
