"""Noise: normal, its own for every frame, and the same for the same seed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inperson.shader_model.teacher.draws import DrawRecipe, FlowDraws, Lot
from inperson.shader_model.teacher.noise import sequence_noise

SIZE = (12, 16)


def test_a_frame_s_noise_depends_on_seed_and_number_alone() -> None:
    long, short = sequence_noise(3, 6, 2, SIZE, 0.5), sequence_noise(3, 2, 2, SIZE, 0.5)
    assert torch.equal(long[:2], short)
    assert not torch.equal(long, sequence_noise(4, 6, 2, SIZE, 0.5))


@pytest.mark.parametrize("shared", [0.0, 0.3, 1.0])
def test_noise_is_standard_normal_and_shares_what_is_said(shared: float) -> None:
    noise = sequence_noise(1, 4, 2, SIZE, shared).flatten(0, 1).flatten(1)
    correlation = noise.cov()
    wanted = torch.full((8, 8), shared).fill_diagonal_(1.0)
    torch.testing.assert_close(correlation, wanted, atol=0.05, rtol=0)
    assert abs(float(noise.mean())) < 0.05


def test_a_draw_depends_on_its_lot_alone() -> None:
    lots, how = [Lot(0, n) for n in (1, 2, 3)], DrawRecipe()
    together, alone = FlowDraws.of(lots, 3, 1, SIZE, how), FlowDraws.of(lots[1:2], 3, 1, SIZE, how)
    assert torch.equal(together.noise[1], alone.noise[0])
    assert torch.equal(together.times[1:2], alone.times)
    assert len({float(t) for t in together.times}) == 3


@given(seed=st.integers(0, 999), first=st.integers(0, 100_000))
def test_a_few_in_a_row_have_times_all_over(seed: int, first: int) -> None:
    """Of eight neighbours at least one, at most three fall into any quarter of the distribution."""
    how = DrawRecipe(time_mean=0.0, time_spread=1.0)
    times = torch.tensor([how.time_of(Lot(seed, first + n), 0.123 * seed % 1.0) for n in range(8)])
    quarter = (4 * torch.special.ndtr(torch.logit(times.double()))).long()
    counts = torch.bincount(quarter, minlength=4)
    assert counts.min() >= 1
    assert counts.max() <= 3


def test_draws_are_spread_as_the_recipe_says() -> None:
    how = DrawRecipe(time_mean=-0.5, time_spread=0.7, forgotten=0.3)
    draws = FlowDraws.of([Lot(5, n) for n in range(3000)], 1, 1, (1, 1), how)
    logits = torch.logit(draws.times)
    assert logits.mean() == pytest.approx(-0.5, abs=0.05)
    assert logits.std() == pytest.approx(0.7, abs=0.05)
    assert draws.forgotten.float().mean() == pytest.approx(0.3, abs=0.03)
    clean = torch.full_like(draws.noise, 2.0)
    t = draws.times[7]
    torch.testing.assert_close(draws.noisy(clean)[7], (1 - t) * draws.noise[7] + t * clean[7])
