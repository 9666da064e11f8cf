"""What is drawn by lot for a window's flow: its time, its noise, and whether the conditions are forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inperson.shader_model.teacher.flow import mixed
from inperson.shader_model.teacher.noise import sequence_noise

Lot = Sequence[int]
"""Seeds one window's draw: a run's seed and a sample's number, for instance."""


@dataclass(frozen=True, slots=True)
class DrawRecipe:
    """How draws are spread."""

    time_mean: float = -0.8
    """Times are logit-normal (Esser et al. 2024): mean ..."""
    time_spread: float = 0.8
    """... and standard deviation of log(t / (1 - t)). Early times are the hard ones (Li & He 2025)."""
    forgotten: float = 0.1
    """How often photo and dense channels are dropped together, for classifier-free guidance."""


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
            size: h and w.
        """
        times, noise, forgotten = [], [], []
        for lot in lots:
            rng = np.random.default_rng(lot)
            times.append(1.0 / (1.0 + np.exp(-rng.normal(how.time_mean, how.time_spread))))
            forgotten.append(rng.random() < how.forgotten)
            noise.append(sequence_noise(int(rng.integers(2**62)), frames, eyes, size, float(rng.random())))
        return FlowDraws(torch.tensor(times, dtype=torch.float32), torch.stack(noise), torch.tensor(forgotten))

    def noisy(self, clean: Float[Tensor, "B T E R h w"]) -> Float[Tensor, "B T E R h w"]:
        """x_t of each window."""
        return mixed(self.noise, clean, self.times)

    def to(self, device: torch.device) -> "FlowDraws":
        """On another device."""
        return FlowDraws(self.times.to(device), self.noise.to(device), self.forgotten.to(device))
