"""Carrying memory to where it belongs now, in torch: differentiable, batched, and the reference of `warp_cpu`."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from inperson.shader_model.interface import INNER
from inperson.shader_model.network.batch import ConditionsBatch

HIDDEN = 16
"""Crop pixels along the side of a cell of the hidden state."""
UNSEEN = 1e-6
"""Places seen less than this were not seen."""


def carry_pictures(
    output: Float[Tensor, "B P 4 G V"], before: Float[Tensor, "B E P 2 h w"], seen: Float[Tensor, "B E P h w"]
) -> Float[Tensor, "B E 5 H W"]:
    """The last pictures where they belong now, times how far they are known, and that, 0 to 1.

    Motion is interpolated between inner pixels by how visible each was, so that a place beside the outline moves
    with the person and not with what is behind. A place that several eyes saw gets their mean.

    Args:
        output: the last pictures; of the last crop's size, G x V.
        before, seen: as in `Conditions`.
    """
    (people, eyes, seen_by, height, width), size = seen.shape, (output.shape[-2], output.shape[-1])
    here = _centers(height, width, INNER, seen)
    moved = torch.cat([(before - here) * seen[:, :, :, None], seen[:, :, :, None]], dim=3)
    moved = F.interpolate(moved.flatten(0, 2), scale_factor=INNER, mode="bilinear", align_corners=False)
    visible = moved[:, 2:]
    known = torch.where(visible > UNSEEN, visible, 0.0)
    place = _centers(INNER * height, INNER * width, 1, seen) + moved[:, :2] / visible.clamp(min=UNSEEN)
    pictures = output[:, None].expand(-1, eyes, -1, -1, -1, -1).flatten(0, 2)
    found = torch.cat([_sampled(pictures, place, size), torch.ones_like(known)], dim=1) * known
    total = found.unflatten(0, (people, eyes, seen_by)).sum(dim=2)
    return total / total[:, :, 4:].clamp(min=1.0)


def carry_hidden(
    hidden: Float[Tensor, "B C g v"], before: Float[Tensor, "B 2 h w"], seen: Float[Tensor, "B h w"]
) -> Float[Tensor, "B C H/16 W/16"]:
    """The hidden state where it belongs now, by the motion of the first eye; zeros where that eye saw nothing.

    A cell moves with the mean motion of what was seen in it, and counts as seen as much as the most visible of it.
    """
    height, width = seen.shape[-2:]
    step, seen = HIDDEN // INNER, seen[:, None]
    motion = F.avg_pool2d((before - _centers(height, width, INNER, seen)) * seen, step)
    motion = motion / F.avg_pool2d(seen, step).clamp(min=UNSEEN)
    place = _centers(height // step, width // step, HIDDEN, seen) + motion
    size = (HIDDEN * hidden.shape[-2], HIDDEN * hidden.shape[-1])
    return _sampled(hidden, place, size) * F.max_pool2d(seen, step)


def carried_batch(
    output: Float[Tensor, "B P 4 G V"] | None,
    hidden: Float[Tensor, "B C g v"] | None,
    conditions: ConditionsBatch,
    channels: int,
) -> tuple[Float[Tensor, "B E 5 H W"], Float[Tensor, "B C H/16 W/16"]]:
    """`previous` and `hidden` of the network's inputs; zeros in a first frame (P is 0, or nothing is remembered).

    Args:
        channels: C, of a hidden state that is not there yet.
    """
    people, eyes, seen_by = conditions.seen_before.shape[:3]
    height, width = conditions.color.shape[-2:]
    if output is None or hidden is None or seen_by == 0:
        none = conditions.color.new_zeros
        return none(people, eyes, 5, height, width), none(people, channels, height // HIDDEN, width // HIDDEN)
    return (
        carry_pictures(output, conditions.before, conditions.seen_before),
        carry_hidden(hidden, conditions.before[:, 0, 0], conditions.seen_before[:, 0, 0]),
    )


def _centers(height: int, width: int, side: int, like: Tensor) -> Float[Tensor, "2 height width"]:
    """x and y of the centres of height x width squares of `side` pixels, in pixels."""
    x = (torch.arange(width, dtype=like.dtype, device=like.device) + 0.5) * side
    y = (torch.arange(height, dtype=like.dtype, device=like.device) + 0.5) * side
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)])


def _sampled(
    maps: Float[Tensor, "N C g v"], place: Float[Tensor, "N 2 H W"], size: tuple[int, int]
) -> Float[Tensor, "N C H W"]:
    """Maps between their cells, bilinearly; beyond their border as at it. `size`: theirs, in the units of `place`."""
    x, y = place.unbind(1)
    grid = torch.stack([x * (2.0 / size[1]) - 1.0, y * (2.0 / size[0]) - 1.0], dim=-1)
    return F.grid_sample(maps, grid, mode="bilinear", padding_mode="border", align_corners=False)
