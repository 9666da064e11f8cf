"""Losses are taken where something was truly seen, and nowhere else."""

from dataclasses import replace

import pytest
import torch

from inperson.reconstruct.network.interface import TEXEL_CHANNELS, NetInputs, UvAttributes
from inperson.reconstruct.training.batches import UvTruth
from inperson.reconstruct.training.losses import edge_loss, uv_losses, weighted_mean
from inperson.reconstruct.training.recipe import LossRecipe

B, S = 2, 16
SILENT = LossRecipe(
    color=0, color_squared=0, edges=0, offset=0, part=0, crop_part=0, offset_smoothness=0, scale_and_turn=0
)


def case() -> tuple[UvAttributes, UvTruth, NetInputs]:
    g = torch.Generator().manual_seed(0)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=g)

    texels = rand(B, len(TEXEL_CHANNELS), S, S)
    texels[:, -1] = 1.0
    attributes = UvAttributes(
        offset=0.01 * rand(B, 3, S, S),
        log_scale=rand(B, 3, S, S),
        rotation=rand(B, 3, S, S),
        opacity=rand(B, 1, S, S),
        color=rand(B, 3, S, S),
        features=rand(B, 7, S, S),
        image_parts=rand(B, 8, 16, 16),
    )
    weight = (rand(B, 1, S, S) > 0.5).float()
    part = torch.where(weight[:, 0] > 0, torch.randint(0, 7, (B, S, S), generator=g), -1)
    truth = UvTruth(rand(B, 3, S, S), 0.01 * rand(B, 3, S, S), part, weight, torch.zeros(B, 16, 16).long())
    return attributes, truth, NetInputs(rand(B, 4, 256, 256), texels, rand(B, S, S, 2))


def test_unseen_texels_have_no_loss_and_no_gradient() -> None:
    attributes, truth, inputs = case()
    unseen = truth.weight == 0
    color, offset = (t.clone().requires_grad_() for t in (attributes.color, attributes.offset))
    quiet = replace(LossRecipe(), offset_smoothness=0.0)
    losses = uv_losses(replace(attributes, color=color, offset=offset), truth, inputs, quiet)
    sum(losses.values()).backward()
    for gradient in (color.grad, offset.grad):
        assert gradient.masked_select(unseen.expand_as(gradient)).abs().max() == 0
        assert gradient.masked_select(~unseen.expand_as(gradient)).abs().min() > 0
    wild = truth.color.masked_fill(unseen, torch.nan)
    again = uv_losses(attributes, replace(truth, color=wild), inputs, quiet)
    assert {k: float(v) for k, v in again.items()} == {k: float(v.detach()) for k, v in losses.items()}


def test_what_the_input_does_not_show_counts_more() -> None:
    attributes, truth, inputs = case()
    only_color = replace(SILENT, color=1.0, unseen_by_input=3.0)
    texels = inputs.texels.clone()
    texels[:, 3, :, : S // 2], texels[:, 3, :, S // 2 :] = 1.0, 0.0
    shown = replace(attributes, color=truth.color + torch.where(texels[:, 3:4] == 1.0, 0.1, 0.0))
    hidden = replace(attributes, color=truth.color + torch.where(texels[:, 3:4] == 0.0, 0.1, 0.0))
    truth = replace(truth, weight=torch.ones(B, 1, S, S))
    inputs = replace(inputs, texels=texels)
    of_shown, of_hidden = (float(uv_losses(a, truth, inputs, only_color)["color"]) for a in (shown, hidden))
    assert of_shown == pytest.approx(0.1 / (1 + 4), rel=1e-4)
    assert of_hidden == pytest.approx(4 * of_shown, rel=1e-4)


def test_means_are_taken_within_samples_first() -> None:
    values = torch.stack([torch.full((1, 4, 4), 2.0), torch.full((1, 4, 4), 6.0)])
    weight = torch.ones(2, 1, 4, 4)
    weight[1, :, 1:] = 0.0
    assert float(weighted_mean(values, weight)) == 4.0
    whole, halves = (
        weighted_mean(values, weight),
        [weighted_mean(values[i : i + 1], weight[i : i + 1]) for i in (0, 1)],
    )
    torch.testing.assert_close(whole, torch.stack(halves).mean())


def test_a_constant_error_has_no_edges_and_a_step_has() -> None:
    known = torch.ones(1, 1, 8, 8, dtype=torch.bool)
    flat = torch.full((1, 3, 8, 8), 0.3)
    assert float(edge_loss(flat, known.float(), known)) == 0.0
    step = flat.clone()
    step[..., 4:] += 0.5
    assert float(edge_loss(step, known.float(), known)) == pytest.approx(0.5 / 7, rel=1e-5)
    known[..., 4] = False  # the step lies between a known and an unknown texel
    assert float(edge_loss(step, torch.ones(1, 1, 8, 8), known)) == 0.0
