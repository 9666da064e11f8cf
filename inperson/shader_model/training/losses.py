"""Losses on a window's pictures. Each is a mean over windows of something normalised within the window, so that a
batch may be spread over processes and over groups of one or two eyes."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

SSIM_WINDOW = 7
TILE = 16
"""Pixels along the side of the tiles whose mean colours are held."""
MARGIN = 9
"""Pixels about the person that count, too (an odd window)."""


def composited(
    rgba: Float[Tensor, "... 4 H W"], background: Float[Tensor, "... 3 1 1"]
) -> Float[Tensor, "... 3 H W"]:
    """Premultiplied colour over a background."""
    return rgba[..., :3, :, :] + (1.0 - rgba[..., 3:, :, :]) * background


def region_of(render: Float[Tensor, "N 4 H W"], truth: Float[Tensor, "N 4 H W"]) -> Float[Tensor, "N 1 H W"]:
    """1 where render or truth show the person, and a little beyond; else 0."""
    there = torch.maximum(render[:, 3:], truth[:, 3:])
    return (F.max_pool2d(there, MARGIN, 1, MARGIN // 2) > 0.0).float()


def mean_inside(values: Float[Tensor, "N C H W"], weight: Float[Tensor, "N 1 H W"]) -> Float[Tensor, " N"]:
    """Weighted mean of each picture over places and channels; 0 where nothing weighs."""
    total = (values.mean(dim=1, keepdim=True) * weight).sum(dim=(1, 2, 3))
    return total / weight.sum(dim=(1, 2, 3)).clamp(min=1.0)


def edge_loss(wrong: Float[Tensor, "N 3 H W"], region: Float[Tensor, "N 1 H W"]) -> Float[Tensor, " N"]:
    """Differences of the error between neighbours, at full size and at half: sharpness, whatever the level."""
    total = wrong.new_zeros(len(wrong))
    for size in (1, 2):
        error, where = (F.avg_pool2d(x, size) for x in (wrong, region))
        across, down = (error.diff(dim=dim).abs() for dim in (3, 2))
        total = total + mean_inside(across, where[..., 1:]) + mean_inside(down, where[..., 1:, :])
    return total


def dissimilarity(
    a: Float[Tensor, "N 3 H W"], b: Float[Tensor, "N 3 H W"], region: Float[Tensor, "N 1 H W"]
) -> Float[Tensor, " N"]:
    """1 - SSIM (Wang et al. 2004) inside the region, over uniform windows about every second pixel."""
    c1, c2 = 0.01**2, 0.03**2
    mean_a, mean_b, aa, bb, ab = (
        F.avg_pool2d(x, SSIM_WINDOW, 2, SSIM_WINDOW // 2, count_include_pad=False)
        for x in (a, b, a * a, b * b, a * b)
    )
    covariance = ab - mean_a * mean_b
    variances = (aa - mean_a.square()) + (bb - mean_b.square())
    similar = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    similar = similar / ((mean_a.square() + mean_b.square() + c1) * (variances + c2))
    return mean_inside(1.0 - similar, region[..., ::2, ::2])


def hold_loss(wrong: Float[Tensor, "N 3 H W"], region: Float[Tensor, "N 1 H W"]) -> Float[Tensor, " N"]:
    """Mean colours of tiles against the truth's: who somebody is must not drift while details come and go."""
    weight = F.avg_pool2d(region, TILE)
    error = F.avg_pool2d(wrong * region, TILE) / weight.clamp(min=1.0 / TILE**2)
    return mean_inside(error.abs(), weight)
