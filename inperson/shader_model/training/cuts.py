"""Parts of windows, and their mirror images: more variety from the same windows, at less cost for each step."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.data.window import Window
from inperson.shader_model.interface import DENSE_CHANNELS, INNER, MULTIPLE, Conditions

_NORMAL_X = DENSE_CHANNELS.index("normal_x")


@dataclass(frozen=True, slots=True)
class Cut:
    """Which part of every picture, in crop pixels."""

    top: int
    left: int
    side: int


def drawn_frames(total: int, count: int, rng: np.random.Generator) -> range:
    """`count` frames in a row of so many, or all of them when there are no more."""
    first = int(rng.integers(max(total - count, 0) + 1))
    return range(first, min(first + count, total))


def drawn_cut(window: Window, side: int, rng: np.random.Generator) -> Cut | None:
    """A square about a random point of the person in the first frame; None where the window is no larger than that.

    Args:
        side: pixels, a multiple of `interface.MULTIPLE`.
    """
    height, width = window.truth.shape[-2:]
    if side >= min(height, width):
        return None
    assert side % MULTIPLE == 0
    there = torch.maximum(window.truth[0, 0, 3], window.conditions[0].color[0, 3]) > 0.5
    ys, xs = np.nonzero(there.numpy())
    point = rng.integers(len(ys)) if len(ys) else 0
    y, x = (ys[point], xs[point]) if len(ys) else (height // 2, width // 2)
    # not always in the middle of the cut, and aligned with the inner pixels
    y, x = (int(c) - int(rng.integers(side // 4, 3 * side // 4)) for c in (y, x))
    top, left = (min(max(c, 0), most - side) // INNER * INNER for c, most in ((y, height), (x, width)))
    return Cut(top, left, side)


def cut_window(window: Window, cut: Cut) -> Window:
    """The window as if its crops had been that square."""
    return replace(
        window, conditions=tuple(_cut(c, cut) for c in window.conditions), truth=_pixels(window.truth, cut, 1)
    )


def _cut(conditions: Conditions, cut: Cut) -> Conditions:
    before = _pixels(conditions.before, cut, INNER) - torch.tensor([cut.left, cut.top])[:, None, None]
    inside = ((before >= 0.0) & (before <= cut.side)).all(dim=2)
    return replace(
        conditions,
        color=_pixels(conditions.color, cut, 1),
        photo=_pixels(conditions.photo, cut, 1),
        dense=_pixels(conditions.dense, cut, INNER),
        before=before,
        seen_before=_pixels(conditions.seen_before, cut, INNER) * inside,
    )


def _pixels(pictures: Tensor, cut: Cut, side: int) -> Tensor:
    """The cut, of pictures whose pixels are so many crop pixels wide."""
    rows, columns = (slice(start // side, (start + cut.side) // side) for start in (cut.top, cut.left))
    return pictures[..., rows, columns]


def mirrored(window: Window) -> Window:
    """The window as a mirror shows it: left and right change places, and with them the eyes."""
    return replace(
        window,
        conditions=tuple(_mirrored(c) for c in window.conditions),
        truth=window.truth.flip(dims=(1, 4)),
    )


def _mirrored(conditions: Conditions) -> Conditions:
    def turned(pictures: Float[Tensor, "E ... W"]) -> Float[Tensor, "E ... W"]:
        return pictures.flip(dims=(0, -1))

    dense = turned(conditions.dense).clone()
    dense[:, _NORMAL_X] *= -1.0
    before = conditions.before.flip(dims=(0, 1, 4)).clone()
    before[:, :, 0] = conditions.color.shape[-1] - before[:, :, 0]
    return Conditions(
        color=turned(conditions.color),
        photo=turned(conditions.photo),
        dense=dense,
        before=before,
        seen_before=conditions.seen_before.flip(dims=(0, 1, 3)),
        switch=conditions.switch.flip(dims=(0,)),
    )
