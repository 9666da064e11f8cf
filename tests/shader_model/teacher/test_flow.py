"""The flow's algebra, and the sampler on problems whose answer is known."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inperson.shader_model.teacher.flow import Solver, mixed, sample, velocity, velocity_error

SOLVERS: tuple[Solver, ...] = ("euler", "heun")


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(seed=st.integers(0, 99), time=st.floats(0.0, 0.98), then=st.floats(0.0, 1.0))
def test_the_velocity_leads_along_the_line(seed: int, time: float, then: float) -> None:
    noise, clean = normal(seed, 3, 4), normal(seed + 100, 3, 4)
    at = lambda t: mixed(noise, clean, torch.full((3,), t, dtype=torch.float64))  # noqa: E731
    v = velocity(at(time), clean, time)
    torch.testing.assert_close(v, clean - noise)
    torch.testing.assert_close(at(time) + (then - time) * v, at(then))


@given(seed=st.integers(0, 99), times=st.lists(st.floats(0.0, 0.95), min_size=2, max_size=2))
def test_the_loss_is_that_of_the_velocity(seed: int, times: list[float]) -> None:
    noise, clean, predicted = normal(seed, 2, 5), normal(seed + 1, 2, 5), normal(seed + 2, 2, 5)
    t = torch.tensor(times, dtype=torch.float64)
    noisy = mixed(noise, clean, t)
    wanted = [
        (velocity(x, p, float(time)) - (c - n)).square().mean()
        for x, p, c, n, time in zip(noisy, predicted, clean, noise, t, strict=True)
    ]
    torch.testing.assert_close(velocity_error(predicted, clean, t, least_left=0.0), torch.stack(wanted))


def test_the_last_bit_of_noise_counts_for_no_more_than_is_said() -> None:
    error = velocity_error(torch.ones(3, 2), torch.zeros(3, 2), torch.tensor([0.5, 0.9, 0.99]), least_left=0.1)
    torch.testing.assert_close(error, torch.tensor([4.0, 100.0, 100.0]))


@pytest.mark.parametrize("solver", SOLVERS)
@given(seed=st.integers(0, 99), steps=st.integers(1, 20))
def test_who_knows_the_truth_ends_there(solver: Solver, seed: int, steps: int) -> None:
    truth = normal(seed, 2, 3)
    torch.testing.assert_close(sample(lambda _, __: truth, normal(seed + 1, 2, 3), steps, solver), truth)


@pytest.mark.parametrize(("solver", "steps", "wrong"), [("euler", 400, 0.02), ("heun", 40, 0.02)])
def test_a_gaussian_is_sampled_with_its_mean_and_covariance(solver: Solver, steps: int, wrong: float) -> None:
    """The best prediction of r ~ N(m, C) from x_t is linear, so sampling is: its matrix A must have A A^T = C."""
    mean = torch.tensor([0.7, -1.5, 0.0], dtype=torch.float64)
    root = torch.tensor([[1.2, 0.0, 0.0], [0.5, 0.3, 0.0], [-0.2, 0.1, 0.05]], dtype=torch.float64)
    covariance = root @ root.T
    eye = torch.eye(3, dtype=torch.float64)

    def best(x: torch.Tensor, t: float) -> torch.Tensor:
        gain = t * covariance @ torch.linalg.inv(t * t * covariance + (1 - t) ** 2 * eye)
        return mean + (x - t * mean) @ gain.T

    drawn = normal(3, 2000, 3)
    # whitened, so that what is measured is the sampler and not the draw
    drawn = (drawn - drawn.mean(dim=0)) @ torch.linalg.inv(torch.linalg.cholesky(drawn.T.cov(correction=0))).T
    made = sample(best, drawn, steps, solver)
    torch.testing.assert_close(made.mean(dim=0), mean, atol=1e-9, rtol=0)
    assert (made.T.cov(correction=0) - covariance).norm() < wrong * covariance.norm()


def test_heun_is_of_higher_order() -> None:
    best = lambda x, t: t * 0.25 / (t * t * 0.25 + (1 - t) ** 2) * x  # noqa: E731  # r ~ N(0, 0.25)
    wrong = {
        (solver, steps): abs(float(sample(best, torch.ones(1, dtype=torch.float64), steps, solver)) - 0.5)
        for solver in SOLVERS
        for steps in (20, 40)
    }
    assert wrong["heun", 40] < 0.2 * wrong["euler", 40]
    assert wrong["heun", 40] < 0.4 * wrong["heun", 20]
    assert 0.4 * wrong["euler", 20] < wrong["euler", 40]
