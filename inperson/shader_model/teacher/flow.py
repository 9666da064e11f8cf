"""Flow matching along straight lines: from noise at t = 0 to what is generated at t = 1.

x_t = (1 - t) noise + t r, whose velocity is r - noise (Lipman et al. 2023; rectified flow, Liu et al. 2023). Networks
predict r; what follows from it is here. Everything is written for any shape, with one time for all of it or one for
each along the first axis.
"""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Solver = Literal["euler", "heun"]
Predictor = Callable[[Float[Tensor, "..."], float], Float[Tensor, "..."]]
"""What is clean, from x_t and t."""


def mixed(noise: Float[Tensor, "B ..."], clean: Float[Tensor, "B ..."], times: Float[Tensor, " B"]) -> Tensor:
    """x_t."""
    t = _along_first(times, clean)
    return (1.0 - t) * noise + t * clean


def velocity(noisy: Tensor, clean: Tensor, time: float) -> Tensor:
    """The velocity at x_t of the straight line that ends in `clean`; time < 1."""
    return (clean - noisy) / (1.0 - time)


def velocity_error(
    predicted: Float[Tensor, "B ..."], clean: Float[Tensor, "B ..."], times: Float[Tensor, " B"], least_left: float
) -> Float[Tensor, " B"]:
    """Mean squared error of the velocity that follows from a prediction: that of the prediction over (1 - t)^2.

    Args:
        least_left: 1 - t counts as no less.
    """
    return (predicted - clean).square().flatten(1).mean(dim=1) / (1.0 - times).clamp(min=least_left).square()


@torch.no_grad()
def sample(predict: Predictor, noise: Tensor, steps: int, solver: Solver = "heun") -> Tensor:
    """From noise to what the predictor takes it for, in equal steps of time.

    Heun's method costs two predictions a step, but for the last: there is no velocity at t = 1, and Euler's step
    there is the prediction itself (as in Karras et al. 2022).
    """
    x = noise
    for step in range(steps):
        now, then = step / steps, (step + 1) / steps
        clean = predict(x, now)
        if step == steps - 1:
            return clean
        slope = velocity(x, clean, now)
        ahead = x + (then - now) * slope
        if solver == "heun":
            slope = 0.5 * (slope + velocity(ahead, predict(ahead, then), then))
            ahead = x + (then - now) * slope
        x = ahead
    return x


def _along_first(times: Float[Tensor, " B"], like: Float[Tensor, "B ..."]) -> Tensor:
    return times.view(-1, *[1] * (like.dim() - 1))
