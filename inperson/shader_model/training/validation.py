"""Scores on held-out windows, beside those of the plain render that the live model starts from."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.reconstruct.perceptual import Perceptual
from inperson.shader_model.training.groups import WindowGroup
from inperson.shader_model.training.losses import composited, mean_inside
from inperson.shader_model.training.window_loss import along_motion

LEAST_CHANGE = 1e-4
"""Of a truth that stands still: what moves there is divided by this."""


@torch.no_grad()
def validate(
    roll_out: Callable[[WindowGroup], tuple[Float[Tensor, "T B E 4 H W"], object]],
    groups: Iterable[WindowGroup],
    perceptual: Perceptual,
) -> dict[str, float]:
    """Means over windows, over mid-grey.

    Returns:
        `psnr` (dB, inside the truth's mask or the render's), `perceptual`, `sharpness` (energy of differences between
        neighbours, in that of the truth), `warping` (mean change along the exact motion, in that of the truth, over
        all windows), each also as `plain_...` of the Gaussian render.
    """
    rows = [_scores(group, roll_out(group)[0].float(), perceptual) for group in groups]
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    out: dict[str, float] = {}
    for name in ("", "plain_"):
        out |= {f"{name}{score}": means[f"{name}{score}"] for score in ("psnr", "perceptual")}
        out[f"{name}sharpness"] = means[f"{name}energy"] / means["true_energy"]
        out[f"{name}warping"] = means[f"{name}change"] / max(means["true_change"], LEAST_CHANGE)
    return {k: float(f"{v:.4g}") for k, v in out.items()}


def _scores(group: WindowGroup, shown: Float[Tensor, "T B E 4 H W"], perceptual: Perceptual) -> dict[str, float]:
    grey = torch.full_like(group.background, 0.5)
    truth = composited(group.truth, grey)
    mask = (torch.maximum(group.render, group.truth)[:, :, :, 3:] > 0.5).float()
    scores = {"true_change": _change(group, truth), "true_energy": _energy(truth, mask)}
    for name, rgba in (("", shown), ("plain_", group.render)):
        picture = composited(rgba, grey)
        error = mean_inside((picture - truth).square().flatten(0, 2), mask.flatten(0, 2)).mean()
        scores |= {
            f"{name}psnr": float(-10.0 * torch.log10(error + 1e-12)),
            f"{name}perceptual": float(
                perceptual.distance(*(x[-1].flatten(0, 1) for x in (picture, truth, mask))).mean()
            ),
            f"{name}change": _change(group, picture),
            f"{name}energy": _energy(picture, mask),
        }
    return scores


def _change(group: WindowGroup, pictures: Float[Tensor, "T B E 3 H W"]) -> float:
    """Mean absolute change along the motion."""
    changes = [mean_inside(c.change.abs(), c.seen).mean() for c in along_motion(group, pictures)]
    return float(torch.stack(changes).mean())


def _energy(pictures: Float[Tensor, "T B E 3 H W"], mask: Float[Tensor, "T B E 1 H W"]) -> float:
    """Mean squared difference between neighbours that are both inside."""
    total = 0.0
    for dim in (-1, -2):
        n = pictures.shape[dim] - 1
        inside = mask.narrow(dim, 0, n) * mask.narrow(dim, 1, n)
        total += float(mean_inside(pictures.diff(dim=dim).square().flatten(0, 2), inside.flatten(0, 2)).mean())
    return total
