"""Losses on pictures with known answers, and the critic's norms and gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.shader_model.training import losses
from inperson.shader_model.training.critic import Critic, fooling_loss, made_loss, spectral_norm, true_loss

EVERYWHERE = torch.ones(2, 1, 32, 32)


def pictures(seed: int, channels: int = 3) -> torch.Tensor:
    return torch.rand(2, channels, 32, 32, generator=torch.Generator().manual_seed(seed))


def test_compositing_puts_the_background_behind() -> None:
    rgba = torch.zeros(1, 4, 1, 3)
    rgba[0, :, 0, 1] = torch.tensor([0.25, 0.0, 0.1, 0.5])
    rgba[0, :, 0, 2] = torch.tensor([1.0, 0.5, 0.2, 1.0])
    shown = losses.composited(rgba, torch.tensor([0.2, 0.4, 0.6])[:, None, None])[0, :, 0].T
    expected = torch.tensor([[0.2, 0.4, 0.6], [0.35, 0.2, 0.4], [1.0, 0.5, 0.2]])
    torch.testing.assert_close(shown, expected)


def test_the_region_is_the_person_and_a_margin() -> None:
    render, truth = torch.zeros(1, 4, 64, 64), torch.zeros(1, 4, 64, 64)
    render[0, 3, 10:20, 10:20] = 0.5
    truth[0, 3, 12:22, 30:40] = 1.0
    region = losses.region_of(render, truth)[0, 0]
    assert set(region.unique().tolist()) == {0.0, 1.0}
    assert region[6, 6] == region[23, 23] == region[25, 43] == 1.0
    assert region[5, 6] == region[26, 43] == region[40, 15] == 0.0


def test_means_are_over_the_weight_alone() -> None:
    values, weight = pictures(1), torch.zeros(2, 1, 32, 32)
    weight[0, 0, :4, :4] = 1.0
    inside = losses.mean_inside(values, weight)
    torch.testing.assert_close(inside[0], values[0, :, :4, :4].mean())
    assert inside[1] == 0.0


def test_equal_pictures_cost_nothing_and_noise_costs_more_than_a_tint() -> None:
    truth = torch.nn.functional.avg_pool2d(pictures(2), 5, 1, 2)
    same = losses.dissimilarity(truth, truth, EVERYWHERE)
    torch.testing.assert_close(same, torch.zeros(2), atol=1e-5, rtol=0)
    tint, noise = torch.full_like(truth, 0.1), 0.1 * torch.sign(pictures(3) - 0.5)
    assert (losses.edge_loss(tint, EVERYWHERE) < 1e-6).all()
    assert (losses.edge_loss(noise, EVERYWHERE) > 0.05).all()
    assert (losses.hold_loss(tint, EVERYWHERE) > 0.099).all()
    assert (losses.hold_loss(noise, EVERYWHERE) < 0.02).all()
    assert (losses.dissimilarity(truth + noise, truth, EVERYWHERE) > 0.2).all()


def test_ssim_is_the_plain_formula() -> None:
    a, b = pictures(4), 0.7 * pictures(4) + 0.3 * pictures(5)
    where = torch.zeros(2, 1, 32, 32)
    where[:, :, 10, 14] = 1.0
    x, y = (p[1, 2, 7:14, 11:18].double().numpy() for p in (a, b))
    c1, c2 = 0.01**2, 0.03**2
    covariance = np.mean(x * y) - x.mean() * y.mean()
    ssim = (2 * x.mean() * y.mean() + c1) * (2 * covariance + c2)
    ssim /= (x.mean() ** 2 + y.mean() ** 2 + c1) * (x.var() + y.var() + c2)
    found = losses.dissimilarity(a[1:, 2:].expand(-1, 3, -1, -1), b[1:, 2:].expand(-1, 3, -1, -1), where[1:])
    assert float(found) == pytest.approx(1 - ssim, abs=1e-4)


@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_the_spectral_norm_is_numpys(seed: int) -> None:
    weight = torch.randn(6, 4, 3, 3, generator=torch.Generator().manual_seed(seed))
    assert float(spectral_norm(weight)) == pytest.approx(np.linalg.norm(weight.flatten(1).numpy(), 2), rel=1e-4)


def test_a_critic_learns_to_tell_and_its_gradients_keep_apart() -> None:
    torch.manual_seed(0)
    critic = Critic(8)
    true, made = pictures(6, 8), pictures(7, 8).mul(0.2).requires_grad_(True)
    optimiser = torch.optim.Adam(critic.parameters(), lr=1e-2)
    first = None
    for _ in range(60):
        loss = (true_loss(critic(true)) + made_loss(critic(made.detach()))).mean()
        first = float(loss.detach()) if first is None else first
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert first == pytest.approx(2.0, abs=0.3)
    assert float(loss.detach()) < 1.2
    assert critic(true).mean() > critic(made).mean()
    fooling_loss(critic(made)).sum().backward()
    with torch.no_grad():
        assert critic(made - 0.5 * made.grad / made.grad.norm()).mean() > critic(made).mean()
