"""Prepared samples as batches: decoding, augmenting, averaging down, and the ablations' switches."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inperson.avatar.body import load_body
from inperson.reconstruct.network.apply import gaussians_from
from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.interface import TEXEL_CHANNELS
from inperson.reconstruct.network.model import ReconstructionNet
from inperson.reconstruct.stages import DressedSurface
from inperson.reconstruct.surface.atlas import UvAtlas, texel_sites
from inperson.reconstruct.training.batches import BODY_PRIOR, BatchMaker, TrainBatch, texel_areas
from inperson.reconstruct.training.coarser import coarser_labels, coarser_mean, coarser_texels
from inperson.reconstruct.training.prepared import commonest_parts
from inperson.reconstruct.training.recipe import AugmentRecipe, Recipe
from inperson.reconstruct.training.rendering import draw, on_true_body, render_loss, some_sites
from inperson.reconstruct.training.shards import find_shards, read_shards


@pytest.fixture(scope="module")
def raw(prepared: Path) -> list:
    return list(enumerate(read_shards(find_shards(prepared, "train"))))


@pytest.fixture(scope="module")
def atlas() -> UvAtlas:
    return UvAtlas.of(load_body("neutral"), 32)


def maker(recipe: Recipe, atlas: UvAtlas) -> BatchMaker:
    return BatchMaker(load_body("neutral"), atlas, 1, recipe)


def unaugmented(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        augment=AugmentRecipe(gain=0, brightness=0, swapped_channels=0, forgetful=0),
        targets=replace(recipe.targets, by_area=0.0),
    )


def test_a_batch_holds_what_was_prepared(raw, atlas, tiny) -> None:
    batch = maker(unaugmented(tiny), atlas).training(raw[:2])
    inside = torch.from_numpy(atlas.inside)
    assert batch.numbers == (0, 1)
    assert torch.equal(batch.inputs.texels[:, -1] > 0, inside.expand(2, -1, -1))
    assert (batch.truth.weight[:, 0][:, ~inside] == 0).all()
    assert (batch.truth.weight[:, 0][:, inside] > 0).float().mean() > 0.5
    # what the input shows has, where views show it too, about the same colour there
    texels, confidence = batch.inputs.texels, batch.inputs.texels[:, 3:4]
    sure = (confidence > 0.95) & (batch.truth.weight > 0.9)
    assert sure.float().mean() > 0.02
    apart = (texels[:, :3] / confidence.clamp(min=1e-3) - batch.truth.color).abs().mean(dim=1, keepdim=True)[sure]
    assert apart.median() < 0.05
    # bare people, nearly true fits: what is truly there is close to the surface that was found
    assert batch.truth.offset.norm(dim=1, keepdim=True)[batch.truth.weight > 0].median() < 0.03


def test_augmented_colors_agree_with_one_another(raw, atlas, tiny) -> None:
    loud = replace(tiny, augment=AugmentRecipe(gain=0.1, brightness=0.1, swapped_channels=1.0, forgetful=1.0))
    before, after = (maker(r, atlas).training(raw[:2]) for r in (unaugmented(tiny), loud))
    sample = 0
    true = before.truth.color[sample][:, before.truth.weight[sample, 0] > 0]
    new = after.truth.color[sample][:, after.truth.weight[sample, 0] > 0]
    gains = [[float((new[i] / true[j].clamp(min=1e-3)).std()) for j in range(3)] for i in range(3)]
    order = [int(np.argmin(row)) for row in gains]
    gain = [float((new[i] / true[j].clamp(min=1e-3)).median()) for i, j in enumerate(order)]
    assert sorted(order) == [0, 1, 2]
    for i, j in enumerate(order):
        crop = (before.inputs.crop[sample, j] * gain[i]).minimum(before.inputs.crop[sample, 3])
        torch.testing.assert_close(after.inputs.crop[sample, i], crop, atol=2e-3, rtol=0)
        seen_pixels = after.views[sample][0].rgba[..., i].astype(float)
        expected = np.minimum(before.views[sample][0].rgba[..., j] * gain[i], before.views[sample][0].rgba[..., 3])
        np.testing.assert_allclose(seen_pixels, expected, atol=2.0)
    forgotten = (before.inputs.texels[:, 3] > 0) & (after.inputs.texels[:, 3] == 0)
    assert forgotten.any()
    assert (after.inputs.texels[:, :3].amax(dim=1)[forgotten] == 0).all()
    assert (after.inputs.texels[:, :3] <= after.inputs.texels[:, 3:4] + 1e-6).all()


def test_texels_count_by_their_area(raw, atlas, tiny) -> None:
    body, inside = load_body("neutral"), atlas.inside
    areas = texel_areas(atlas, body)
    assert (areas[~inside] == 0).all()
    assert areas[inside].mean() == pytest.approx(1.0, rel=1e-5)
    # together, texels cover the body: a texel of a face covers as much of it as of the uv map
    corners = body.v_template[body.faces]
    face_area = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    bare = DressedSurface(body, np.zeros(body.num_betas), np.zeros((body.num_vertices, 3)))
    covered = (texel_sites(atlas, bare).spacing ** 2).sum()
    assert covered == pytest.approx(face_area.sum(), rel=0.1)
    plain = unaugmented(tiny)
    by_area = replace(plain, targets=replace(plain.targets, by_area=1.0))
    of_plain, of_area = (maker(r, atlas).training(raw[:1]).truth.weight[0, 0] for r in (plain, by_area))
    torch.testing.assert_close(of_area, of_plain * torch.from_numpy(areas))


def test_numbers_decide_what_is_random(raw, atlas, tiny) -> None:
    make = maker(tiny, atlas)
    first, again, other = make.training(raw[:1]), make.training(raw[:1]), make.training([(7, raw[0][1])])
    torch.testing.assert_close(first.inputs.crop, again.inputs.crop, atol=0, rtol=0)
    assert not torch.equal(first.inputs.crop, other.inputs.crop)


def test_the_ablations_switches(raw, atlas, tiny) -> None:
    recipe = unaugmented(tiny)
    blind = replace(recipe, inputs=replace(recipe.inputs, body_prior=False))
    filled = replace(recipe, targets=replace(recipe.targets, fill_unseen=True))
    plain, no_prior, no_mask = (maker(r, atlas).training(raw[:1]) for r in (recipe, blind, filled))
    assert (no_prior.inputs.texels[:, BODY_PRIOR] == 0).all()
    assert TEXEL_CHANNELS[BODY_PRIOR] == TEXEL_CHANNELS[7:17]
    torch.testing.assert_close(no_prior.truth.offset, plain.truth.offset)
    known = plain.truth.weight[:, 0] > 0
    assert (no_mask.truth.weight[:, 0] == torch.from_numpy(atlas.inside)).all()
    torch.testing.assert_close(no_mask.truth.color[:, :, known[0]], plain.truth.color[:, :, known[0]])
    assert (no_mask.truth.part[0][torch.from_numpy(atlas.inside)] >= 0).all()


def test_coarser_maps_are_means_of_what_is_covered() -> None:
    rng = np.random.default_rng(0)
    values, weight = rng.random((2, 8, 8)).astype(np.float32), (rng.random((8, 8)) > 0.4).astype(np.float32)
    weight[:2, :2] = 0.0
    found = coarser_mean(values, weight, 2)
    for i in range(4):
        for j in range(4):
            block = np.s_[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            total = weight[block].sum()
            expected = (values[:, *block] * weight[block]).sum(axis=(1, 2)) / total if total else np.zeros(2)
            np.testing.assert_allclose(found[:, i, j], expected, atol=1e-6)
    labels = np.arange(64).reshape(8, 8)
    weight[3, 5] = 2.0
    assert coarser_labels(labels, weight, 2)[1, 2] == labels[3, 5]
    texels = rng.random((len(TEXEL_CHANNELS), 8, 8)).astype(np.float32)
    texels[-1] = weight > 0
    coarse = coarser_texels(texels * texels[-1], 2)
    normals = np.linalg.norm(coarse[10:13], axis=0)
    np.testing.assert_allclose(normals[coarse[-1] > 0], 1.0, atol=1e-5)
    assert coarse[-1, 0, 0] == 0.0


def test_the_crops_parts_are_what_prevails_but_small_ones_are_not_lost() -> None:
    picture = np.full((160, 160), 4, np.uint8)
    picture[:40] = 0
    picture[80:85, 80:85] = 2  # an eye, a quarter of its patch
    picture[80:84, 100:105] = 2  # a fifth
    parts = commonest_parts(picture)
    assert (parts[:4] == 0).all()
    assert parts[8, 8] == 2
    assert (np.delete(parts[4:].ravel(), 4 * 16 + 8) == 4).all()


def attributes_of(batch: TrainBatch, tiny: Recipe):
    torch.manual_seed(0)
    network = ReconstructionNet(NetConfig.from_dict({**NetConfig().to_dict(), **tiny.network}))
    for parameter in network.head.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    return network(batch.inputs)


def test_rendering_reaches_every_attribute(raw, atlas, tiny) -> None:
    batch = maker(unaugmented(tiny), atlas).training(raw[:2])
    attributes = attributes_of(batch, tiny)
    maps = (attributes.offset, attributes.log_scale, attributes.rotation, attributes.opacity, attributes.color)
    for values in maps:
        values.retain_grad()
    loss = render_loss(attributes, batch, atlas, 300, seed=0)
    loss.backward()
    assert 0.0 < loss.item() < 1.0
    assert all(values.grad is not None and values.grad.abs().max() > 0 for values in maps)
    again = render_loss(attributes, batch, atlas, 300, seed=0)
    assert again.item() == loss.item()


def test_the_truths_own_map_draws_the_truth(raw, atlas, tiny) -> None:
    """Gaussians at the uv targets look like the target views."""
    batch = maker(unaugmented(tiny), atlas).training(raw[:1])
    blank = attributes_of(batch, tiny)
    known = replace(
        blank,
        offset=batch.truth.offset,
        color=batch.truth.color,
        opacity=torch.where(batch.truth.weight > 0, 4.0, -9.0),
        log_scale=torch.zeros_like(blank.log_scale),
        rotation=torch.zeros_like(blank.rotation),
    )
    surface, view = batch.surfaces[0], batch.views[0][0]
    sites = texel_sites(atlas, surface)
    with torch.no_grad():
        planes = draw(known, 0, sites, surface, atlas, view).numpy()
    alpha, inside = planes[4], view.rgba[..., 3] > 0
    overlap = ((alpha > 0.5) & inside).sum() / ((alpha > 0.5) | inside).sum()
    assert overlap > 0.6  # texels of this map are 6 cm wide
    both = (alpha > 0.8) & inside
    error = np.abs(planes[:3, both] / alpha[both] - view.rgba[both, :3].T / 255.0)
    assert np.median(error) < 0.05


def test_the_true_body_is_where_the_fit_was_right(raw, atlas, tiny) -> None:
    batch = maker(unaugmented(tiny), atlas).training(raw[:1])
    surface = batch.surfaces[0]
    sites = some_sites(atlas, surface, 200, np.random.default_rng(0))
    assert len(sites) == 200
    gaussians = gaussians_from(attributes_of(batch, tiny), sites, surface, atlas)
    same = on_true_body(gaussians, sites, surface, surface.betas)
    torch.testing.assert_close(same.base_offsets, gaussians.base_offsets)
    body, other = surface.body, batch.views[0][0].betas
    moved = on_true_body(gaussians, sites, surface, other)

    def place(of: DressedSurface, base: torch.Tensor) -> np.ndarray:
        rest = body.shaped(of.betas)
        corners = rest[body.faces[sites.face_index]]
        return np.einsum("nk,nkc->nc", sites.barycentric, corners) + base.numpy() - body.J_regressor[0] @ rest

    np.testing.assert_allclose(
        place(replace(surface, betas=other), moved.base_offsets), place(surface, gaussians.base_offsets), atol=1e-5
    )
