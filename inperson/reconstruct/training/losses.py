"""Losses on the uv map. Every one is a mean over samples of something normalised within the sample, so that a batch
may be spread over processes."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from inperson.reconstruct.network.interface import NetInputs, UvAttributes
from inperson.reconstruct.training.batches import CONFIDENCE, UvTruth
from inperson.reconstruct.training.recipe import LossRecipe


def uv_losses(
    attributes: UvAttributes, truth: UvTruth, inputs: NetInputs, weights: LossRecipe
) -> dict[str, Float[Tensor, ""]]:
    """The parts of the loss, already weighted; their sum is the loss."""
    confidence = inputs.texels[:, CONFIDENCE : CONFIDENCE + 1]
    inside = inputs.texels[:, -1:] > 0
    emphasis = truth.weight * (1.0 + weights.unseen_by_input * (1.0 - confidence))
    wrong = attributes.color - truth.color
    known = truth.weight > 0
    parts = {
        "color": weights.color * weighted_mean(wrong.abs(), emphasis),
        "color_squared": weights.color_squared * weighted_mean(wrong.square(), emphasis),
        "edges": weights.edges * edge_loss(wrong, emphasis, known),
        "offset": weights.offset * weighted_mean((attributes.offset - truth.offset).abs(), truth.weight),
        "part": weights.part * _part_loss(attributes.features, truth),
        "offset_smoothness": weights.offset_smoothness * _roughness(attributes.offset, inside),
        "scale_and_turn": weights.scale_and_turn
        * (attributes.log_scale.square().mean() + attributes.rotation.square().mean()),
    }
    if attributes.image_parts is not None:
        parts["crop_part"] = weights.crop_part * F.cross_entropy(attributes.image_parts, truth.crop_parts)
    return parts


def weighted_mean(values: Float[Tensor, "B C S S"], weight: Float[Tensor, "B 1 S S"]) -> Float[Tensor, ""]:
    """Mean over samples of the weighted mean within each; texels without weight may hold anything, even NaN."""
    values = torch.where(weight > 0, values, 0.0)
    total = (values * weight).mean(dim=1).sum(dim=(1, 2))
    return (total / weight.sum(dim=(1, 2, 3)).clamp(min=1.0)).mean()


def edge_loss(
    wrong: Float[Tensor, "B C S S"], weight: Float[Tensor, "B 1 S S"], known: Bool[Tensor, "B 1 S S"]
) -> Float[Tensor, ""]:
    """Differences of the error between neighbouring texels that are both known: sharpness, whatever the level."""
    total = wrong.new_zeros(())
    for dim in (2, 3):
        n = wrong.shape[dim] - 1
        a, b = (wrong.narrow(dim, start, n) for start in (0, 1))
        both = known.narrow(dim, 0, n) & known.narrow(dim, 1, n)
        total = total + weighted_mean((b - a).abs(), weight.narrow(dim, 0, n) * both)
    return total


def _part_loss(logits: Float[Tensor, "B 7 S S"], truth: UvTruth) -> Float[Tensor, ""]:
    each = F.cross_entropy(logits, truth.part.clamp(min=0), reduction="none")[:, None]
    return weighted_mean(each, truth.weight * (truth.part >= 0)[:, None])


def _roughness(offset: Float[Tensor, "B 3 S S"], inside: Bool[Tensor, "B 1 S S"]) -> Float[Tensor, ""]:
    """Mean absolute difference between neighbours, metres, also where nothing is known."""
    total = offset.new_zeros(())
    for dim in (2, 3):
        n = offset.shape[dim] - 1
        a, b = (offset.narrow(dim, start, n) for start in (0, 1))
        both = inside.narrow(dim, 0, n) & inside.narrow(dim, 1, n)
        total = total + weighted_mean((b - a).abs(), both.float())
    return total
