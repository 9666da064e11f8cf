"""Noise of a sequence of frames: each frame's depends on the seed and the frame's number alone."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.teacher import residual


def sequence_noise(
    seed: int, frames: int, eyes: int, size: tuple[int, int], shared: float
) -> Float[Tensor, "T E R h w"]:
    """Standard normal noise, of which a share is the same in all frames and eyes.

    Detail that is made up from the same noise is the same detail (mixed noise, Ge et al. 2023, "Preserve Your Own
    Correlation"): what stands still then looks still.

    Args:
        size: h and w.
        shared: share of the variance, 0 to 1.
    """
    height, width = size
    common = _normal(seed, 0, (residual.CHANNELS, height, width))
    own = torch.stack([_normal(seed, 1 + t, (eyes, residual.CHANNELS, height, width)) for t in range(frames)])
    return shared**0.5 * common + (1.0 - shared) ** 0.5 * own


def _normal(seed: int, number: int, shape: tuple[int, ...]) -> Tensor:
    state = np.random.SeedSequence([seed, number]).generate_state(2)
    generator = torch.Generator().manual_seed(int(state[0]) << 32 | int(state[1]))
    return torch.randn(shape, generator=generator)
