"""Carried memory: exact for known motions, the same by torch and by numba."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inperson.shader_model.interface import INNER, Conditions
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.warp import HIDDEN, carried_batch, carry_hidden, carry_pictures
from inperson.shader_model.network.warp_cpu import carry_hidden_cpu, carry_pictures_cpu
from inperson.workers import Workers

MakeConditions = Callable[..., Conditions]


def centers(height: int, width: int, side: int) -> torch.Tensor:
    y, x = torch.meshgrid(side * (torch.arange(height) + 0.5), side * (torch.arange(width) + 0.5), indexing="ij")
    return torch.stack([x, y])


def ramp(height: int, width: int) -> torch.Tensor:
    """A picture that is linear in x and y: interpolation is exact in it (4 x height x width)."""
    x, y = centers(height, width, 1) / 100.0
    return torch.stack([x, y, x + y, torch.ones_like(x)])


def test_an_affine_motion_carries_a_linear_picture_exactly():
    inner = centers(16, 16, INNER)
    turn = torch.tensor([[0.9, 0.1], [-0.1, 0.95]])
    shift = torch.tensor([5.0, 8.0])
    before = torch.einsum("ij,jyx->iyx", turn, inner) + shift[:, None, None]
    carried = carry_pictures(ramp(80, 96)[None, None], before[None, None, None], torch.ones(1, 1, 1, 16, 16))[0, 0]
    pixels = centers(64, 64, 1)
    expected = (torch.einsum("ij,jyx->iyx", turn, pixels) + shift[:, None, None]) / 100.0
    within = slice(2, -2)  # beyond the outermost centres motion is carried on, not the affine map
    torch.testing.assert_close(carried[:2, within, within], expected[:, within, within], rtol=0, atol=1e-5)
    torch.testing.assert_close(carried[3:], torch.ones(2, 64, 64))


def test_without_motion_a_picture_stays_as_it_is():
    picture = torch.rand(1, 1, 4, 64, 96)
    still = centers(16, 24, INNER)[None, None, None]
    carried = carry_pictures(picture, still, torch.ones(1, 1, 1, 16, 24))
    torch.testing.assert_close(carried[0, 0, :4], picture[0, 0], rtol=0, atol=1e-5)


def test_the_motion_beside_an_outline_is_the_persons():
    seen = torch.zeros(1, 1, 1, 16, 16)
    seen[..., :8] = 1.0
    before = centers(16, 16, INNER) + torch.tensor([3.0, 0.0])[:, None, None]
    before[:, :, 8:] = 1e6  # what lies where nothing was seen does not matter
    carried = carry_pictures(ramp(64, 64)[None, None], before[None, None, None], seen)[0, 0]
    known = carried[4]
    assert known[:, 33].min() > 0.1
    assert known[:, 34:].max() == 0.0
    expected = known * (centers(64, 64, 1)[0] + 3.0) / 100.0
    torch.testing.assert_close(carried[0, :, 2:], expected[:, 2:], rtol=0, atol=1e-5)


def test_a_place_both_eyes_saw_gets_their_mean_and_otherwise_that_of_the_one():
    output = torch.stack([torch.full((4, 64, 64), 0.2), torch.full((4, 64, 64), 0.8)])[None]
    before = centers(16, 16, INNER).expand(1, 1, 2, 2, 16, 16)
    seen = torch.zeros(1, 1, 2, 16, 16)
    seen[:, :, 0, :8] = 1.0
    seen[:, :, 1, 4:12] = 1.0
    carried = carry_pictures(output, before, seen)[0, 0]
    for rows, colour, known in ((slice(0, 14), 0.2, 1), (slice(18, 30), 0.5, 1), (slice(34, 46), 0.8, 1)):
        torch.testing.assert_close(carried[:4, rows], torch.full_like(carried[:4, rows], colour * known))
        assert (carried[4, rows] == known).all()
    assert carried[:, 50:].abs().max() == 0.0


@pytest.mark.parametrize("size", [(4, 6), (6, 5), (2, 2)])
def test_numba_carries_the_hidden_state_as_torch_does(make_conditions: MakeConditions, size: tuple[int, int]):
    """Of a crop of another size; far moves, cells that nobody saw, and such of which hardly anything was seen."""
    now = make_conditions(1, 1, seed=3, height=64, width=96)
    before, seen = now.before[0, 0].clone(), now.seen_before[0, 0].clone()
    before[0, 4:9] += 60.0
    seen[8:, :8], seen[:4, :4] = 0.0, 0.0
    seen[5, 5] = 1e-7
    hidden = torch.randn(7, *size)
    expected = carry_hidden(hidden[None], before[None], seen[None])[0]
    carried = carry_hidden_cpu(hidden.numpy(), before.numpy(), seen.numpy())
    np.testing.assert_allclose(carried, expected, atol=1e-5)
    assert 0.1 < (carried[0] == 0).mean() < 0.9


@pytest.mark.parametrize(("eyes", "eyes_before"), [(1, 1), (2, 2), (2, 1), (1, 2)])
def test_numba_carries_as_torch_does(make_conditions: MakeConditions, eyes: int, eyes_before: int):
    now = make_conditions(eyes, eyes_before, seed=3, height=64, width=96)
    last = torch.rand(eyes_before, 4, 96, 64)  # the crop was of another size
    slow = carry_pictures(last[None], now.before[None], now.seen_before[None])[0]
    for threads in (1, 2):
        workers = Workers(threads)
        fast = carry_pictures_cpu(last.numpy(), now.before.numpy(), now.seen_before.numpy(), workers)
        workers.close()
        np.testing.assert_allclose(fast, slow, rtol=0, atol=2e-5)


@given(shift=st.tuples(st.floats(-200, 200), st.floats(-200, 200)), seed=st.integers(0, 1 << 20))
def test_carried_pictures_stay_within_what_they_were(shift: tuple[float, float], seed: int):
    random = np.random.default_rng(seed)
    last = random.uniform(0, 1, (2, 4, 32, 32)).astype(np.float32)
    before = (centers(8, 8, INNER).numpy() + np.array(shift)[:, None, None]).astype(np.float32)
    seen = random.choice([0.0, 0.3, 1.0], (1, 2, 8, 8)).astype(np.float32)
    carried = carry_pictures_cpu(last, np.broadcast_to(before, (1, 2, 2, 8, 8)).copy(), seen, Workers(1))
    assert carried.min() >= 0.0
    assert carried[:, 4].max() <= 1.0
    assert (carried[:, :4] <= carried[:, 4:] + 1e-6).all()


def test_the_hidden_state_moves_by_whole_cells():
    hidden = torch.rand(1, 3, 4, 6)
    before = centers(16, 24, INNER) + torch.tensor([HIDDEN, -HIDDEN])[:, None, None]
    seen = torch.ones(1, 16, 24)
    seen[:, :4, :4] = 0.0
    seen[:, 4:8, :4] = 0.0
    seen[:, 7, 3] = 1.0  # one inner pixel of the cell is enough
    carried = carry_hidden(hidden, before[None], seen)
    expected = torch.zeros_like(hidden)
    expected[:, :, 1:, :-1] = hidden[:, :, :-1, 1:]
    torch.testing.assert_close(carried[:, :, 1:, :-1], expected[:, :, 1:, :-1], rtol=0, atol=1e-5)
    assert carried[:, :, 0, 0].abs().max() == 0.0


def test_a_first_frame_has_no_memory(make_conditions: MakeConditions):
    first = ConditionsBatch.of([make_conditions(2, 0)])
    later = ConditionsBatch.of([make_conditions(2, 2)])
    memory = torch.rand(1, 2, 4, 64, 64), torch.rand(1, 32, 4, 4)
    for output, hidden, now in ((*memory, first), (None, None, later)):
        previous, state = carried_batch(output, hidden, now, channels=32)
        assert previous.shape == (1, 2, 5, 64, 64)
        assert state.shape == (1, 32, 4, 4)
        assert previous.abs().max() == state.abs().max() == 0.0


def test_gradients_flow_back_through_what_is_carried(make_conditions: MakeConditions):
    now = make_conditions(2, 2, height=32, width=32)
    output = torch.rand(1, 2, 4, 32, 32, dtype=torch.float64, requires_grad=True)
    before, seen = now.before[None].double(), now.seen_before[None].double()
    assert torch.autograd.gradcheck(
        lambda x: carry_pictures(x, before, seen)[..., ::5, ::5], (output,), fast_mode=True
    )
    hidden = torch.rand(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: carry_hidden(x, before[:, 0, 0], seen[:, 0, 0]), (hidden,))
