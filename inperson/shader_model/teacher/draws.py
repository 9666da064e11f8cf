"""What is drawn by lot for a window's flow: its time, its noise, and whether the conditions are forgotten."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inperson.shader_model.teacher.flow import mixed
from inperson.shader_model.teacher.noise import sequence_noise

GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_DRAWS = 1
"""Of the random streams of a lot: others augment the window."""


class Lot(NamedTuple):
    """What is random about a window comes from here alone."""

    seed: int
    """The run's."""
    number: int
    """The window's, in the order of the data: neighbours get times far apart (see `DrawRecipe.time_of`)."""


@dataclass(frozen=True, slots=True)
class DrawRecipe:
    """How draws are spread."""

    time_mean: float = -0.8
    """Times are logit-normal (Esser et al. 2024): mean ..."""
    time_spread: float = 1.0
    """... and standard deviation of log(t / (1 - t)). Early times are the hard ones (Li & He 2025), and a sampler
    of few steps has several of them."""
    forgotten: float = 0.1
    """How often photo and dense channels are dropped together, for classifier-free guidance."""

    def time_of(self, lot: Lot, shift: float) -> float:
        """A time. Those of any few windows in a row are spread evenly over the distribution (multiples of the golden
        ratio): a step's loss depends less on luck, as with the antithetic times of Kingma et al. 2021.

        Args:
            shift: of all times, as a share of the distribution.
        """
        place = (shift + GOLDEN * lot.number) % 1.0
        logit = NormalDist(self.time_mean, self.time_spread).inv_cdf(min(max(place, 1e-4), 1.0 - 1e-4))
        return 1.0 / (1.0 + math.exp(-logit))


@dataclass(frozen=True, slots=True, eq=False)
class FlowDraws:
    """Of B windows."""

    times: Float[Tensor, " B"]
    noise: Float[Tensor, "B T E R h w"]
    """A random share of each window's is the same in all its frames: the sampler may choose any."""
    forgotten: Bool[Tensor, " B"]

    @staticmethod
    def of(lots: Sequence[Lot], frames: int, eyes: int, size: tuple[int, int], how: DrawRecipe) -> "FlowDraws":
        """What is drawn for a window depends on its lot alone.

        Args:
            lots: one a window.
            size: h and w.
        """
        times, noise, forgotten = [], [], []
        for lot in lots:
            rng = np.random.default_rng([*lot, _DRAWS])
            times.append(how.time_of(lot, float(np.random.default_rng(lot.seed).random())))
            forgotten.append(rng.random() < how.forgotten)
            noise.append(sequence_noise(int(rng.integers(2**62)), frames, eyes, size, float(rng.random())))
        return FlowDraws(torch.tensor(times, dtype=torch.float32), torch.stack(noise), torch.tensor(forgotten))

    def noisy(self, clean: Float[Tensor, "B T E R h w"]) -> Float[Tensor, "B T E R h w"]:
        """x_t of each window."""
        return mixed(self.noise, clean, self.times)

    def to(self, device: torch.device) -> "FlowDraws":
        """On another device."""
        return FlowDraws(self.times.to(device), self.noise.to(device), self.forgotten.to(device))
