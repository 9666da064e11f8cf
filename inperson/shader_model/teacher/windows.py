"""Sequences of any length by windows that overlap: at every step their predictions are blended.

In the manner of MultiDiffusion (Bar-Tal et al. 2023): the sequence is denoised as a whole, and each window's opinion
of a frame counts smoothly less towards its ends. A closed sequence has windows across its seam like everywhere else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """A window in a sequence."""

    frames: tuple[int, ...]
    """Numbers in the sequence, in order of time."""
    weights: Float[Tensor, " L"]
    """Its part in each; over all spans they add up to 1 for every frame."""


def spans_of(frames: int, length: int, overlap: int, closed: bool) -> tuple[Span, ...]:
    """Windows that cover a sequence.

    Args:
        frames: of the sequence.
        length: of a window, frames; a shorter sequence's is its own.
        overlap: frames that two neighbouring windows share at least, less than `length`.
        closed: the last frame is followed by the first. Windows are then as far apart as `length` less `overlap`, or
            a little less where that does not divide the sequence.
    """
    length = min(length, frames)
    step = max(length - overlap, 1)
    if closed:
        starts = np.arange(-(-frames // step)) * frames // -(-frames // step)
    else:
        starts = np.append(np.arange(0, frames - length, step), frames - length)
    numbers = (starts[:, None] + np.arange(length)) % frames
    # raised cosine: as smooth where a window begins as where it ends
    shape = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    total = np.bincount(numbers.ravel(), np.tile(shape, len(starts)), minlength=frames)
    return tuple(
        Span(tuple(int(n) for n in row), torch.from_numpy((shape / total[row]).astype(np.float32))) for row in numbers
    )


def blended(
    spans: Sequence[Span], of_span: Callable[[Span], Float[Tensor, "L ..."]], like: Float[Tensor, "T ..."]
) -> Float[Tensor, "T ..."]:
    """Every window's prediction, weighted and laid over one another.

    Args:
        like: of the result's shape.
    """
    total = torch.zeros_like(like)
    for span in spans:
        weights = span.weights.to(like).view(-1, *[1] * (like.dim() - 1))
        total.index_add_(0, torch.tensor(span.frames, device=like.device), weights * of_span(span))
    return total
