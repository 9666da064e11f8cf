"""Polishing against one picture, judged by a truth that is known from all sides."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from inperson.avatar.binding import SurfaceBinding, quats_of
from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.state import BodyState
from inperson.reconstruct.canonical import CanonicalGaussians
from inperson.reconstruct.create_scores import compare
from inperson.reconstruct.image_loss import psnr
from inperson.reconstruct.polish import PolishSettings, polish, rows_of, shown_share
from inperson.reconstruct.polish_target import PolishTarget, polish_target
from inperson.reconstruct.stages import Matte
from inperson.reconstruct.surface.gaussians import joined
from inperson.render.differentiable import rasterize
from inperson.render.views import EyeView, look_at
from inperson.synthetic.cameras import webcam_view

CENTRE = np.array([0.0, 0.05, -1.5])
SETTINGS = PolishSettings(steps=40, wide=0.3)


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body("neutral")


@pytest.fixture(scope="module")
def state(body: BodyModel) -> BodyState:
    rest = BodyState.rest(body.num_betas, body.num_expression)
    return replace(rest, transl=np.array([0.0, -0.25, -1.5], np.float32))


@pytest.fixture(scope="module")
def truth(body: BodyModel) -> CanonicalGaussians:
    """Discs all over the body, striped along all three axes."""
    rng = np.random.default_rng(3)
    face = np.sort(rng.choice(len(body.faces), 6000, replace=False))
    binding = SurfaceBinding(body, np.zeros(body.num_betas), face, np.full((len(face), 3), 1 / 3))
    points = binding.rest_points
    spacing = cKDTree(points).query(points, k=7)[0][:, 1:].mean(axis=1).astype(np.float32)
    scales = spacing[:, None] * np.array([0.8, 0.8, 0.15], np.float32)
    colors = (0.5 + 0.45 * np.sin(points * np.array([30.0, 25.0, 40.0]))).astype(np.float32)
    return CanonicalGaussians(
        face_index=face,
        barycentric=np.full((len(face), 3), 1 / 3, np.float32),
        base_offsets=torch.zeros(len(face), 3),
        spacing=torch.from_numpy(spacing),
        shift=torch.zeros(len(face), 3, requires_grad=True),
        quats=torch.from_numpy(quats_of(binding.frames)).requires_grad_(True),
        log_scales=torch.from_numpy(np.log(scales)).requires_grad_(True),
        logits=torch.full((len(face),), 2.5, requires_grad=True),
        colors=torch.from_numpy(colors).requires_grad_(True),
        features=torch.from_numpy(np.arange(len(face), dtype=np.float32)[:, None]),
    )


@pytest.fixture(scope="module")
def start(truth: CanonicalGaussians) -> CanonicalGaussians:
    """The truth with faded colours."""
    blurred = 0.35 * truth.colors.detach() + 0.65 * truth.colors.detach().mean(dim=0)
    return replace(truth, colors=blurred.requires_grad_(True))


def small_view(azimuth: float, size: int = 96) -> EyeView:
    turned = np.array([np.sin(azimuth), 0.0, np.cos(azimuth)])
    return replace(
        webcam_view(size, size), T_world_from_eye=look_at(CENTRE + 1.5 * turned, CENTRE), width=size, height=size
    )


def drawn(gaussians: CanonicalGaussians, body: BodyModel, state: BodyState, view: EyeView) -> np.ndarray:
    with torch.no_grad():
        posed = gaussians.posed(gaussians.binding(body, state.betas).motion(state))
        return rasterize(posed.means, posed.quats, posed.scales, posed.opacities, posed.colors, [view])[0].numpy()


def in_polished_order(shown: np.ndarray) -> np.ndarray:
    """Which Gaussian of the start each of the first polished ones was: those that take no part come first."""
    return np.argsort(shown >= SETTINGS.least_shown, kind="stable")


def over_grey(planes: np.ndarray) -> np.ndarray:
    return planes[:3] + 0.5 * (1 - planes[4])


@pytest.fixture(scope="module")
def target(truth: CanonicalGaussians, body: BodyModel, state: BodyState) -> PolishTarget:
    planes = drawn(truth, body, state, small_view(0.0))
    foreground = np.moveaxis(planes[:3] / np.maximum(planes[4], 1e-3), 0, 2)
    return polish_target(Matte(planes[4], foreground), small_view(0.0))


@pytest.fixture(scope="module")
def shown(start, body, state, target) -> np.ndarray:
    return shown_share(start, start.binding(body, state.betas).motion(state), target.view)


@pytest.fixture(scope="module")
def polished(start, shown, body, state, target) -> CanonicalGaussians:
    return polish(start, shown, body, state, target, SETTINGS)


def test_the_photos_view_gets_much_closer(start, polished, body, state, target):
    before, after = (drawn(g, body, state, target.view) for g in (start, polished))
    scores = [compare(np.moveaxis(p[:3], 0, 2), p[4], target) for p in (before, after)]
    assert scores[1].psnr > scores[0].psnr + 5.0
    assert scores[1].ssim > scores[0].ssim + 0.05
    assert scores[1].iou > 0.97


@pytest.mark.parametrize("degrees", [30, -60, 60, 180])
def test_no_other_view_gets_worse(truth, start, polished, body, state, degrees):
    view = small_view(np.deg2rad(degrees))
    true, before, after = (drawn(g, body, state, view) for g in (truth, start, polished))
    seen = true[4] > 0.5
    picture = [psnr(over_grey(p)[:, seen], over_grey(true)[:, seen]) for p in (before, after)]
    assert picture[1] > picture[0] - 0.05
    assert after[4][true[4] > 0.9].min() > 0.6 * before[4][true[4] > 0.9].min()  # no holes


def test_what_the_photo_does_not_show_stays_bit_for_bit(start, polished, shown):
    hidden = shown < SETTINGS.least_shown
    assert 0.3 < hidden.mean() < 0.8
    for name in ("base_offsets", *start.learned()):
        before, after = getattr(start, name).detach(), getattr(polished, name).detach()
        assert torch.equal(before[torch.from_numpy(hidden)], after[: hidden.sum()]), name
    assert np.array_equal(start.face_index[hidden], polished.face_index[: hidden.sum()])


def test_the_given_gaussians_are_not_touched(start, shown, body, state, target):
    before = {name: p.detach().clone() for name, p in start.learned().items()}
    polish(start, shown, body, state, target, replace(SETTINGS, steps=3))
    for name, p in start.learned().items():
        assert torch.equal(p.detach(), before[name])


def test_nothing_moves_along_the_line_of_sight(start, shown, body, state, target):
    settings = replace(SETTINGS, steps=12, split_at=())
    moved = polish(start, shown, body, state, target, settings)
    motion = moved.binding(body, state.betas).motion(state)
    with torch.no_grad():
        before = start.posed(start.binding(body, state.betas).motion(state)).means.numpy()[in_polished_order(shown)]
        way = moved.posed(motion).means.numpy() - before
    sight = motion.points - target.view.T_world_from_eye[:3, 3]
    sight /= np.linalg.norm(sight, axis=1, keepdims=True)
    assert np.abs(way).max() > 1e-4
    assert np.abs((way * sight).sum(axis=1)).max() < 1e-6


def test_what_is_finer_than_the_pixels_is_not_split(start, shown, body, state, target):
    after = polish(start, shown, body, state, target, replace(SETTINGS, steps=5, split_at=(0.5,), wide=50.0))
    assert len(after) == len(start)


def test_splitting_adds_gaussians_that_keep_their_features(start, polished):
    added = len(polished) - len(start)
    assert added > 0.05 * len(start)
    names, counts = np.unique(polished.features.numpy(), return_counts=True)
    assert len(names) == len(start)
    assert (counts - 1).sum() == added


def test_scales_stay_within_their_limits(polished):
    scales = torch.exp(polished.log_scales.detach()).numpy()
    second = np.sort(scales, axis=1)[:, 1]
    assert (scales.max(axis=1) <= SETTINGS.limits.max_needle * second * 1.001).all()
    assert (scales.max(axis=1) <= SETTINGS.limits.max_scale * polished.spacing.numpy() * 1.001).all()


def test_the_same_seed_gives_the_same_bits(start, shown, body, state, target):
    settings = replace(SETTINGS, steps=5, split_at=(0.5,))
    first, second, other = (
        polish(start, shown, body, state, target, replace(settings, seed=seed)).colors.detach() for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_the_pull_holds_what_the_photo_does_not_show_surely(start, shown, body, state, target):
    part = shown >= SETTINGS.least_shown
    unsure = np.random.default_rng(0).random(len(start)) < 0.5
    after = polish(start, np.where(unsure, 0.0, 1.0), body, state, target, replace(SETTINGS, steps=25, split_at=()))
    order = in_polished_order(shown)
    moved = np.abs(after.colors.detach().numpy() - start.colors.detach().numpy()[order]).mean(axis=1)
    assert moved[(part & unsure)[order]].mean() < 0.3 * moved[(part & ~unsure)[order]].mean()


def test_shown_share_is_what_it_says(truth, body, state):
    motion = truth.binding(body, state.betas).motion(state)
    view = small_view(0.0, 192)
    shown = shown_share(truth, motion, view)
    normals = truth.binding(body, state.betas).frames[:, :, 2]  # in the T-pose, which `state` keeps
    sight = view.T_world_from_eye[:3, 3] - motion.points
    facing = (normals * sight / np.linalg.norm(sight, axis=1, keepdims=True)).sum(axis=1)
    pixels = view.T_cv_from_world[:3] @ np.vstack([motion.points.T, np.ones(len(motion.points))])
    inside = (np.abs(pixels[:2] / pixels[2]) < 0.5).all(axis=0)
    assert shown.min() >= 0.0
    assert shown.max() <= 1.0
    assert np.median(shown[inside & (facing < -0.5)]) < 0.01
    assert shown[inside & (facing > 0.8)].mean() > 0.35
    assert shown[inside & (facing > 0.8)].mean() > 1.5 * shown[inside & (facing > 0.1) & (facing < 0.4)].mean()


def test_rows_and_joined_are_inverse(truth):
    rows = np.arange(len(truth)) % 3 == 0
    both = joined(rows_of(truth, rows), rows_of(truth, ~rows))
    order = np.concatenate([np.flatnonzero(rows), np.flatnonzero(~rows)])
    for name in ("base_offsets", "spacing", "features", *truth.learned()):
        assert torch.equal(getattr(both, name).detach(), getattr(truth, name).detach()[torch.from_numpy(order)])
    assert np.array_equal(both.face_index, truth.face_index[order])
    assert all(p.requires_grad and p.is_leaf for p in both.learned().values())
