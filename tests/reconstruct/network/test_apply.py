"""From maps to Gaussians, against values worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
import roma
import torch

from inperson.avatar.body import load_body
from inperson.avatar.state import BodyState
from inperson.reconstruct.network import apply
from inperson.reconstruct.network.apply import gaussians_from, settled
from inperson.reconstruct.network.interface import UvAttributes
from inperson.reconstruct.network.seams import cut_edges, seam_texels
from inperson.reconstruct.stages import DressedSurface, SeenSites, Sites
from inperson.reconstruct.surface.atlas import UvAtlas, texel_sites
from inperson.reconstruct.surface.filling import HALF_TRUST
from inperson.reconstruct.surface.gaussians import plain_gaussians
from inperson.reconstruct.surface.places import at_places, uv_at

SIZE = 64


@pytest.fixture(scope="module")
def surface() -> DressedSurface:
    body = load_body("neutral")
    displacement = 0.01 * np.random.default_rng(0).normal(size=(body.num_vertices, 3)).astype(np.float32)
    return DressedSurface(body, np.zeros(body.num_betas, np.float32), displacement)


@pytest.fixture(scope="module")
def atlas(surface: DressedSurface) -> UvAtlas:
    return UvAtlas.of(surface.body, SIZE)


@pytest.fixture(scope="module")
def sites(surface: DressedSurface) -> Sites:
    """Anywhere on the surface, so that most lie between texels."""
    rng = np.random.default_rng(1)
    face = rng.integers(0, len(surface.body.faces), 500)
    barycentric = rng.dirichlet([1.0, 1.0, 1.0], 500).astype(np.float32)
    offsets = 0.01 * rng.normal(size=(500, 3)).astype(np.float32)
    spacing = rng.uniform(0.003, 0.02, 500).astype(np.float32)
    return Sites(face, barycentric, uv_at(surface.body, face, barycentric), offsets, spacing)


def maps(seed: int | None = None, batch: int = 1) -> UvAttributes:
    random = torch.Generator().manual_seed(seed or 0)

    def plane(channels: int) -> torch.Tensor:
        values = torch.rand(batch, channels, SIZE, SIZE, generator=random)
        return values if seed is not None else torch.zeros_like(values)

    return UvAttributes(plane(3), plane(3), plane(3), plane(1), plane(3), plane(7))


def test_empty_maps_are_the_plain_discs(surface: DressedSurface, atlas: UvAtlas, sites: Sites) -> None:
    got = gaussians_from(maps(), sites, surface, atlas)
    plain = plain_gaussians(sites, np.zeros((len(sites), 3)), surface)
    for name in ("base_offsets", "spacing", "shift", "log_scales", "colors"):
        torch.testing.assert_close(getattr(got, name), getattr(plain, name))
    torch.testing.assert_close(got.quats, plain.quats.detach(), atol=1e-6, rtol=0.0)
    assert not got.logits.any()
    torch.testing.assert_close(got.features, torch.full((len(sites), 7), 1 / 7))
    assert np.array_equal(got.face_index, sites.face_index)


def test_uniform_maps_move_every_site_alike(surface: DressedSurface, atlas: UvAtlas, sites: Sites) -> None:
    attributes = maps()
    attributes.offset[:] = torch.tensor([0.01, -0.02, 0.03])[:, None, None]
    attributes.log_scale[:] = torch.tensor([0.1, -0.2, 0.3])[:, None, None]
    attributes.rotation[:] = torch.tensor([0.0, np.pi / 2, 0.0])[:, None, None]
    attributes.opacity[:] = 1.5
    attributes.features[:, 3] = np.log(6.0)
    got = gaussians_from(attributes, sites, surface, atlas)
    plain = plain_gaussians(sites, np.zeros((len(sites), 3)), surface)
    moved = got.spacing[:, None] * got.shift
    torch.testing.assert_close(moved, torch.tensor([0.01, -0.02, 0.03]).expand_as(moved))
    torch.testing.assert_close((got.log_scales - plain.log_scales)[7], torch.tensor([0.1, -0.2, 0.3]))
    before, after = (roma.unitquat_to_rotmat(roma.quat_wxyz_to_xyzw(g.quats.detach())) for g in (plain, got))
    quarter = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])  # about y: z goes to x
    torch.testing.assert_close(after, quarter @ before, atol=1e-5, rtol=0.0)
    torch.testing.assert_close(got.logits, torch.full((len(sites),), 1.5))
    torch.testing.assert_close(got.features[0], torch.tensor([1, 1, 1, 6, 1, 1, 1]) / 12.0)


def test_sites_between_texels_mix_the_four_around_them(surface: DressedSurface, atlas: UvAtlas, sites: Sites) -> None:
    attributes = maps(seed=2)
    got = gaussians_from(attributes, sites, surface, atlas).colors
    source = atlas.nearest.flatten()
    outside, across = seam_texels(surface.body, SIZE)
    source[outside] = across
    padded = attributes.color[0].flatten(1)[:, torch.from_numpy(source)].view(3, SIZE, SIZE)
    for n in range(0, 500, 25):
        x, y = sites.uv[n, 0] * SIZE - 0.5, (1.0 - sites.uv[n, 1]) * SIZE - 0.5
        column, row = int(np.floor(x)), int(np.floor(y))
        right, down = float(x - column), float(y - row)
        top = (1 - right) * padded[:, row, column] + right * padded[:, row, column + 1]
        bottom = (1 - right) * padded[:, row + 1, column] + right * padded[:, row + 1, column + 1]
        torch.testing.assert_close(got[n], (1 - down) * top + down * bottom, atol=2e-4, rtol=0.0)


def test_both_sides_of_a_cut_meet(surface: DressedSurface, monkeypatch: pytest.MonkeyPatch) -> None:
    """A map that paints each texel's own place: at one point of the skin, both sides of a cut say nearly the same."""
    body, size = surface.body, 256
    atlas = UvAtlas.of(body, size)
    assert body.vt is not None
    assert body.ft is not None
    places = at_places(body.v_template, body.faces, atlas.face_index.ravel(), atlas.barycentric.reshape(-1, 3))
    painted = torch.from_numpy(0.5 + 0.3 * places.T.reshape(1, 3, size, size))
    empty = [torch.zeros(1, channels, size, size) for channels in (3, 3, 3, 1, 7)]
    attributes = UvAttributes(*empty[:4], painted, empty[4])
    start, end, start_across, end_across = cut_edges(body.faces, body.ft)
    long = np.linalg.norm(body.vt[start] - body.vt[end], axis=1) > 1.0 / size

    def jumps() -> np.ndarray:
        sides = []
        for a, b in ((start, end), (start_across, end_across)):
            uv = 0.5 * (body.vt[a] + body.vt[b])[long]  # type: ignore[index]
            n = len(uv)
            sites = Sites(np.zeros(n, np.int32), np.full((n, 3), 1 / 3), uv, np.zeros((n, 3)), np.ones(n))
            sides.append(gaussians_from(attributes, sites, surface, atlas).colors.numpy() / 0.3)
        return np.linalg.norm(sides[0] - sides[1], axis=1)

    joined = jumps()
    nothing = np.zeros(0, np.int64)
    monkeypatch.setattr(apply, "seam_texels", lambda *_: (nothing, nothing))
    apart = jumps()
    assert len(joined) > 500
    assert np.median(joined) < 0.003  # metres: half a texel
    assert np.median(joined) < 0.4 * np.median(apart)


def test_texels_outside_never_leak_in(surface: DressedSurface, atlas: UvAtlas, sites: Sites) -> None:
    attributes = maps(seed=3)
    clean = gaussians_from(attributes, sites, surface, atlas)
    outside = torch.from_numpy(~atlas.inside)
    for plane in (attributes.offset, attributes.color, attributes.opacity, attributes.features):
        plane[..., outside] = float("nan")
    dirty = gaussians_from(attributes, sites, surface, atlas)
    for name in ("shift", "colors", "logits", "features"):
        assert torch.equal(getattr(dirty, name), getattr(clean, name))


def test_texels_own_sites_get_their_texel(surface: DressedSurface, atlas: UvAtlas) -> None:
    attributes = maps(seed=4)
    got = gaussians_from(attributes, texel_sites(atlas, surface), surface, atlas)
    want = attributes.color[0][:, torch.from_numpy(atlas.inside)].T
    # a texel's site is snapped to 1/256 texel, and so is what it takes of its neighbours
    torch.testing.assert_close(got.colors, want, atol=0.02, rtol=0.0)


def test_the_photo_s_colour_counts_as_far_as_the_plain_completion_trusts_it(
    surface: DressedSurface, atlas: UvAtlas, sites: Sites
) -> None:
    attributes = maps()
    attributes.color[:] = 0.25
    confidence = np.tile(np.array([0.0, 0.5, 1.0], np.float32), 167)[:500]
    color = np.where(confidence[:, None] > 0, 0.75, np.nan).astype(np.float32).repeat(3, axis=1)
    seen = SeenSites(np.zeros((500, 2), np.float32), color, confidence)
    got = gaussians_from(attributes, sites, surface, atlas, seen).colors
    half = 0.25 + 0.5 * 0.5 / (0.5 + HALF_TRUST)
    full = 0.25 + 0.5 * 1.0 / (1.0 + HALF_TRUST)
    torch.testing.assert_close(got[:3], torch.tensor([[0.25] * 3, [half] * 3, [full] * 3]))
    assert got.isfinite().all()


def test_colours_are_colours(surface: DressedSurface, atlas: UvAtlas, sites: Sites) -> None:
    attributes = maps()
    attributes.color[:] = torch.tensor([-0.5, 0.5, 1.5])[:, None, None]
    got = gaussians_from(attributes, sites, surface, atlas).colors
    torch.testing.assert_close(got[0], torch.tensor([0.0, 0.5, 1.0]))


def test_one_of_a_batch(surface: DressedSurface, atlas: UvAtlas, sites: Sites) -> None:
    both = maps(seed=5, batch=2)
    second = UvAttributes(*(x[1:] for x in (both.offset, both.log_scale, both.rotation)), both.opacity[1:],
                          both.color[1:], both.features[1:])  # fmt: skip
    want = gaussians_from(second, sites, surface, atlas).learned()
    for name, value in gaussians_from(both, sites, surface, atlas, index=1).learned().items():
        assert torch.equal(value, want[name])


def test_gradients_reach_the_maps_through_posing(surface: DressedSurface, atlas: UvAtlas, sites: Sites) -> None:
    attributes = maps(seed=6)
    named = {name: getattr(attributes, name) for name in ("offset", "log_scale", "rotation", "opacity", "color")}
    for value in named.values():
        value.requires_grad_(True)
    gaussians = gaussians_from(attributes, sites, surface, atlas)
    body = surface.body
    motion = gaussians.binding(body, surface.betas).motion(BodyState.rest(body.num_betas, body.num_expression))
    posed = gaussians.posed(motion)
    spread = torch.arange(1.0, 5.0)
    loss = (posed.means * spread[:3]).sum() + (posed.quats * spread).sum() + (posed.scales * spread[:3]).sum()
    (loss + posed.opacities.sum() + posed.colors.sum()).backward()
    for name, value in named.items():
        assert value.grad is not None, name
        assert value.grad.isfinite().all(), name
        assert value.grad.any(), name
        assert not value.grad[..., torch.from_numpy(~atlas.inside)].any(), name


def test_settled_gaussians_are_the_same_and_ready_to_learn(
    surface: DressedSurface, atlas: UvAtlas, sites: Sites
) -> None:
    attributes = maps(seed=7)
    attributes.offset.requires_grad_(True)
    moved = gaussians_from(attributes, sites, surface, atlas)
    start = settled(moved)
    assert all(value.is_leaf and value.requires_grad for value in start.learned().values())
    assert not start.base_offsets.requires_grad
    assert not start.shift.detach().any()
    body = surface.body
    a, b = (g.to_avatar(body, surface.betas, "a", {}) for g in (moved, start))
    np.testing.assert_allclose(a.offsets, b.offsets, atol=1e-6)
    np.testing.assert_array_equal(a.sh, b.sh)
    np.testing.assert_array_equal(a.features, b.features)
    assert replace(start) is not start
