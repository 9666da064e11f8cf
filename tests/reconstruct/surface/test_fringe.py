"""Hair beside the head, and hands that are not where the fit has them."""

import numpy as np
import pytest
import torch

from inperson.avatar.body import JOINT_NAMES
from inperson.avatar.posing import AvatarPoser
from inperson.reconstruct.stages import Matte, SeenSites, Sites
from inperson.reconstruct.surface.fringe import HAND_REACH, MAX_PIXELS, fringe_gaussians, spilled, with_fringe
from inperson.reconstruct.surface.gaussians import joined, plain_gaussians
from inperson.reconstruct.surface.mesh_picture import project
from inperson.reconstruct.surface.places import at_places
from inperson.reconstruct.surface.posing import dressed_rest, normals_of
from inperson.reconstruct.surface.seeing import see
from inperson.reconstruct.surface.sites import lay_sites
from inperson.render.backends import make_rasterizer
from tests.reconstruct.surface.conftest import HEIGHT, WIDTH, Scene, overlap

HAIR, SHIRT = np.array([0.3, 0.2, 0.1], np.float32), np.array([0.2, 0.3, 0.7], np.float32)


@pytest.fixture(scope="module")
def colors(scene: Scene) -> np.ndarray:
    head = scene.fit.body.weights[:, [JOINT_NAMES.index("head"), JOINT_NAMES.index("jaw")]].sum(axis=1)
    return np.where(head[:, None] > 0.3, HAIR, SHIRT).astype(np.float32)


@pytest.fixture(scope="module")
def long_hair(scene: Scene, colors: np.ndarray) -> Matte:
    """Locks from the ears to the shoulders."""
    matte = scene.painted(colors)
    pixels, _ = project(scene.vertices, scene.fit.view)
    head = scene.fit.body.weights[:, JOINT_NAMES.index("head")] > 0.9
    left, top = pixels[head].min(axis=0)
    right, bottom = pixels[head].max(axis=0)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    locks = ((abs(x - left) < 6) | (abs(x - right) < 6)) & (y > 0.5 * (top + bottom)) & (y < bottom + 6)
    added = locks & (matte.alpha == 0)
    alpha, foreground = matte.alpha.copy(), matte.foreground.copy()
    alpha[added], foreground[added] = 1, HAIR
    assert added.sum() > 100
    return Matte(alpha, foreground)


@pytest.fixture(scope="module")
def sites(scene: Scene) -> Sites:
    return lay_sites(scene.surface, np.ones(len(scene.fit.body.faces)), 30_000)


def test_locks_hang_where_they_were_seen_and_on_the_head(scene: Scene, long_hair: Matte) -> None:
    fringe = fringe_gaussians(scene.surface, scene.fit, scene.picture, long_hair)
    body, betas = scene.fit.body, scene.fit.state.betas
    assert 100 < len(fringe) <= 3 * MAX_PIXELS
    posed = AvatarPoser(fringe.to_avatar(body, betas, "", {}), body).pose(scene.fit.state)
    pixels, _ = project(posed.means, scene.fit.view)
    column, row = np.floor(pixels).astype(int).T
    assert (long_hair.alpha[row, column] == 1).mean() > 0.98
    assert (scene.picture.face_index[row, column] == -1).mean() > 0.98
    weights = body.weights[body.faces[fringe.face_index]].mean(axis=1)
    moving = weights[:, [JOINT_NAMES.index(name) for name in ("head", "neck", "jaw")]].sum(axis=1)
    assert (moving > 0.5).mean() > 0.9
    assert np.ptp(posed.means[:, 2]) > 0.01  # not a sheet
    assert np.abs(posed.colors - HAIR).max() < 0.01


def test_the_drawn_outline_gains_the_locks(scene: Scene, long_hair: Matte, sites: Sites, colors: np.ndarray) -> None:
    body, betas = scene.fit.body, scene.fit.state.betas
    seen = see(sites, scene.surface, scene.fit, scene.picture, long_hair)
    plain = plain_gaussians(sites, at_places(colors, body.faces, sites.face_index, sites.barycentric), scene.surface)
    whole = with_fringe(plain, sites, seen, scene.surface, scene.fit, scene.picture, long_hair)
    rasterizer = make_rasterizer("cpu", threads=1)

    def drawn(gaussians) -> np.ndarray:
        posed = AvatarPoser(gaussians.to_avatar(body, betas, "", {}), body).pose(scene.fit.state)
        return rasterizer.render_color(posed, [scene.fit.view]).alpha[0] > 0.5

    locks = (long_hair.alpha > 0.5) & (scene.picture.face_index < 0)
    assert drawn(plain)[locks].mean() < 0.5 < 0.95 < drawn(whole)[locks].mean()
    assert overlap(drawn(whole), long_hair.inside) > overlap(drawn(plain), long_hair.inside)


def test_no_fringe_where_the_surface_fits(scene: Scene, colors: np.ndarray) -> None:
    assert len(fringe_gaussians(scene.surface, scene.fit, scene.picture, scene.painted(colors))) == 0


def test_what_spills_out_fades(scene: Scene, sites: Sites, colors: np.ndarray) -> None:
    matte = scene.painted(colors)
    alpha = matte.alpha.copy()
    alpha[:, : WIDTH // 2 - 20] = 0  # the photo has no right arm
    without = Matte(alpha, matte.foreground)
    seen = see(sites, scene.surface, scene.fit, scene.picture, without)
    spill = spilled(sites, seen, without)
    x, y = seen.pixels.T
    inside = (y > 0) & (y < HEIGHT) & (x > 0)
    assert spill[inside & (x < WIDTH // 2 - 23)].min() == 1
    body_itself = np.floor(seen.pixels).astype(int).clip(0, [WIDTH - 1, HEIGHT - 1])
    assert spill[inside & (alpha[body_itself[:, 1], body_itself[:, 0]] == 1)].max() == 0
    assert spill[y > HEIGHT].max() == 0  # nothing is known below the picture
    plain = plain_gaussians(sites, np.zeros((len(sites), 3)), scene.surface)
    faded = with_fringe(plain, sites, seen, scene.surface, scene.fit, scene.picture, without)
    opacity = torch.sigmoid(faded.logits).detach().numpy()[: len(sites)]
    assert opacity[spill == 1].max() < 0.05
    assert opacity[spill == 0].min() > 0.9


def test_the_drawn_outline_is_the_surfaces(scene: Scene, sites: Sites, colors: np.ndarray) -> None:
    matte = scene.painted(colors)
    seen = see(sites, scene.surface, scene.fit, scene.picture, matte)
    plain = plain_gaussians(sites, np.zeros((len(sites), 3)), scene.surface)
    whole = with_fringe(plain, sites, seen, scene.surface, scene.fit, scene.picture, matte)
    assert len(whole) == len(plain)
    body, betas = scene.fit.body, scene.fit.state.betas
    rasterizer = make_rasterizer("cpu", threads=1)
    alpha = [
        rasterizer.render_color(
            AvatarPoser(g.to_avatar(body, betas, "", {}), body).pose(scene.fit.state), [scene.fit.view]
        ).alpha[0]
        for g in (plain, whole)
    ]
    before, after = (overlap(a > 0.5, matte.inside) for a in alpha)
    assert after > before + 0.01
    assert after > 0.94  # a person of a hundred pixels: one pixel of outline is several per cent
    assert (alpha[1][matte.inside] > 0.5).mean() > 0.98


def test_discs_lie_on_the_dressed_surface(scene: Scene, sites: Sites) -> None:
    gaussians = plain_gaussians(sites, np.zeros((len(sites), 3)), scene.surface)
    w, x, y, z = gaussians.quats.detach().numpy().T
    axis = np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], axis=1)
    faces = scene.fit.body.faces
    normals = at_places(normals_of(dressed_rest(scene.surface), faces), faces, sites.face_index, sites.barycentric)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    assert ((axis * normals).sum(axis=1) > 0.999).all()
    scales = gaussians.log_scales.detach().exp()
    assert torch.allclose(scales[:, 0], scales[:, 1])
    assert (scales[:, 2] < 0.2 * scales[:, 0]).all()


def test_joined_keeps_order_and_learns(scene: Scene, sites: Sites) -> None:
    one = plain_gaussians(sites, np.zeros((len(sites), 3)), scene.surface)
    both = joined(one, one)
    assert len(both) == 2 * len(one)
    assert (both.face_index[len(one) :] == one.face_index).all()
    assert both.colors.requires_grad
    assert not both.base_offsets.requires_grad


def test_an_empty_matte_has_no_fringe(scene: Scene) -> None:
    empty = Matte(np.zeros((HEIGHT, WIDTH), np.float32), np.zeros((HEIGHT, WIDTH, 3), np.float32))
    assert len(fringe_gaussians(scene.surface, scene.fit, scene.picture, empty)) == 0
    nothing = SeenSites(np.zeros((1, 2)), np.zeros((1, 3)), np.zeros(1))
    one = Sites(np.zeros(1, int), np.ones((1, 3)) / 3, np.zeros((1, 2)), np.zeros((1, 3)), np.ones(1))
    assert spilled(one, nothing, empty).shape == (1,)


def test_a_hand_carries_no_fringe_that_reaches_far(scene: Scene, colors: np.ndarray) -> None:
    """A trouser leg beside it would fly about with the fingers."""
    body = scene.fit.body
    joints = [i for i, name in enumerate(JOINT_NAMES) if name.startswith("left_") and (i >= 25 or "wrist" in name)]
    is_hand = body.weights[:, joints].sum(axis=1) > 0.9
    pixels, _ = project(scene.vertices, scene.fit.view)
    (left, top), (right, bottom) = pixels[is_hand].min(axis=0), pixels[is_hand].max(axis=0)
    matte = scene.painted(colors)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    around = (abs(x - (left + right) / 2) < (right - left)) & (abs(y - (top + bottom) / 2) < (bottom - top))
    alpha, foreground = matte.alpha.copy(), matte.foreground.copy()
    added = around & (alpha == 0)
    alpha[added], foreground[added] = 1, HAIR
    fringe = fringe_gaussians(scene.surface, scene.fit, scene.picture, Matte(alpha, foreground))
    assert len(fringe) > 100
    posed = AvatarPoser(fringe.to_avatar(body, scene.fit.state.betas, "", {}), body).pose(scene.fit.state)
    order = np.argsort(fringe.face_index, kind="stable")
    on_hand = is_hand[body.faces[fringe.face_index[order]]].all(axis=1)
    assert 0 < on_hand.sum() < len(fringe)
    corner = scene.vertices[body.faces[fringe.face_index[order]]].mean(axis=1)
    beside = np.linalg.norm((posed.means - corner)[:, :2], axis=1)
    assert beside[on_hand].max() < HAND_REACH + 0.01, "a face's middle is not where its edge is"
