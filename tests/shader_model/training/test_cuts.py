"""Parts and mirror images of windows are windows that somebody could have rendered."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inperson.shader_model.data.shards import decode_window, encode_window
from inperson.shader_model.data.window import Window
from inperson.shader_model.interface import DENSE_CHANNELS, INNER, Conditions
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.warp import carried_batch
from inperson.shader_model.training.cuts import Cut, cut_window, drawn_cut, drawn_frames, mirrored
from tests.shader_model.made_up_windows import made_up_window


def carried(window: Window) -> torch.Tensor:
    """The truth of the first frame where it belongs in the second: (E, 5, H, W)."""
    now = ConditionsBatch.of([window.conditions[1]])
    return carried_batch(window.truth[:1], torch.zeros(1, 1, 1, 1), now, 1)[0][0]


def same(a: Window, b: Window) -> bool:
    names = [field.name for field in fields(Conditions)]
    pairs = [(getattr(c, n), getattr(d, n)) for c, d in zip(a.conditions, b.conditions, strict=True) for n in names]
    return all(torch.allclose(x, y, atol=1e-4) for x, y in [*pairs, (a.truth, b.truth)])


@given(seed=st.integers(0, 1000), eyes=st.integers(1, 2))
def test_a_mirrored_window_carries_its_memory_as_in_a_mirror(seed: int, eyes: int) -> None:
    window = made_up_window(seed, eyes)
    assert torch.allclose(carried(mirrored(window)), carried(window).flip(dims=(0, 3)), atol=1e-5)
    assert same(mirrored(mirrored(window)), window)


def test_in_a_mirror_normals_look_the_other_way() -> None:
    window = made_up_window(0)
    dense = window.conditions[0].dense
    dense[:, DENSE_CHANNELS.index("normal_x")] = torch.linspace(-0.5, 1.0, dense.shape[-1])
    turned = mirrored(window).conditions[0].dense[:, DENSE_CHANNELS.index("normal_x")]
    assert torch.equal(turned[0, 0], torch.linspace(-0.5, 1.0, dense.shape[-1]).flip(0).neg())


@given(seed=st.integers(0, 1000))
def test_a_cut_remembers_what_it_saw_as_the_whole_does(seed: int) -> None:
    whole = made_up_window(seed, size=64)
    cut = drawn_cut(whole, 32, np.random.default_rng(seed))
    assert cut is not None
    inside = (..., slice(cut.top, cut.top + 32), slice(cut.left, cut.left + 32))
    part = cut_window(whole, cut)
    assert torch.equal(part.truth, whole.truth[inside])
    within = (..., slice(INNER, -INNER), slice(INNER, -INNER))  # the cut interpolates nothing from beyond its border
    mine, all_of_it = carried(part)[within], carried(whole)[inside][within]
    assert (mine[:, 4] <= all_of_it[:, 4] + 1e-5).all()
    sure = (mine[:, 4:] > 0.999) & (all_of_it[:, 4:] > 0.999)
    assert sure.any()
    assert torch.where(sure, (mine - all_of_it).abs(), 0.0).max() < 1e-3


def test_what_was_outside_of_the_cut_was_not_seen() -> None:
    whole = made_up_window(1, size=64)
    whole.conditions[1].before[:, :, 0] -= 40.0
    part = cut_window(whole, Cut(16, 16, 32))
    left = part.conditions[1].before[:, :, 0] < 0.0
    assert left.any()
    assert (part.conditions[1].seen_before[left] == 0.0).all()


@given(seed=st.integers(0, 10_000))
def test_cuts_show_the_person_and_lie_inside(seed: int) -> None:
    window = made_up_window(seed, size=96)
    cut = drawn_cut(window, 32, np.random.default_rng(seed))
    assert cut is not None
    assert cut.top % INNER == cut.left % INNER == 0
    assert 0 <= cut.top <= 64
    assert 0 <= cut.left <= 64
    assert cut_window(window, cut).truth[0, 0, 3].max() > 0.5


def test_a_window_no_larger_than_the_cut_stays_whole() -> None:
    assert drawn_cut(made_up_window(0), 32, np.random.default_rng(0)) is None


@pytest.mark.parametrize(("total", "count"), [(8, 3), (3, 3), (2, 3)])
def test_frames_are_in_a_row(total: int, count: int) -> None:
    drawn = [drawn_frames(total, count, np.random.default_rng(seed)) for seed in range(50)]
    assert {len(frames) for frames in drawn} == {min(total, count)}
    assert {frames[0] for frames in drawn} == set(range(max(total - count, 0) + 1))


def test_frames_chosen_from_a_shard_are_those_of_the_window() -> None:
    window = made_up_window(3, frames=4)
    sample = encode_window(window)
    whole, part = decode_window(sample), decode_window(sample, lambda total: range(1, 3))
    assert torch.equal(part.truth, whole.truth[1:3])
    assert torch.equal(part.conditions[1].before, whole.conditions[2].before)
    assert torch.equal(part.conditions[1].color, whole.conditions[2].color)
    assert part.conditions[0].before.shape[1] == 0
