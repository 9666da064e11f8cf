"""Levels of detail: half the Gaussians each time, the same picture as far as that goes, nothing merged that parts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.avatar.appearance import color_towards, sh_from_rgb, turned_sh
from inperson.avatar.body import LEFT_EYE, SKIN, BodyModel, load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.gaussians import GaussianAvatar, PosedGaussians, ReferencePhoto
from inperson.avatar.lod import (
    DIFFERENT_EXPRESSION,
    DIFFERENT_JOINTS,
    FaceMotions,
    _disjoint,
    levels_of_detail,
)
from inperson.avatar.merging import CanonicalGaussians, RestSurface, covered_areas, merge
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.selection import canonical_means, select, skin_weights
from inperson.avatar.state import BodyState
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.gbuffer import GBuffer
from inperson.render.views import EyeView, look_at

BACKGROUND = np.array([0.75, 0.8, 0.85], np.float32)
ARRAYS = ("face_index", "barycentric", "offsets", "quats", "scales", "opacities", "sh", "features")


@pytest.fixture(scope="module")
def ada() -> GaussianAvatar:
    return load_avatar("ada")


@pytest.fixture(scope="module")
def body(ada: GaussianAvatar) -> BodyModel:
    return load_body(ada.body_name)


@pytest.fixture(scope="module")
def parts(ada: GaussianAvatar, body: BodyModel) -> np.ndarray:
    """(N, 14): 1 where a Gaussian is surely of one of the ten fingers, the upper or the lower lip, the left eye's
    upper lid or the eye itself; 0 elsewhere."""
    assert body.expr_names is not None
    assert body.vertex_part is not None
    names, faces = body.expr_names, body.faces[ada.face_index]

    def shifted(*expressions: str) -> np.ndarray:
        """How far expressions move each Gaussian's face, as a share of the face that they move most."""
        columns = [names.index(name) for name in expressions]
        moved = np.linalg.norm(body.exprdirs[..., columns].sum(axis=2), axis=1)[faces].mean(axis=1)
        return moved / moved.max()

    weights, skin = skin_weights(ada, body), body.vertex_part[faces].max(axis=1) == SKIN
    fingers = [weights[:, first : first + 3].sum(axis=1) > 0.9 for first in range(25, 55, 3)]
    upper = shifted("mouthUpperUpLeft", "mouthUpperUpRight")
    lower = shifted("mouthLowerDownLeft", "mouthLowerDownRight")
    lips = (upper > 0.5) & (lower < 0.1) & skin, (lower > 0.5) & (upper < 0.1) & skin
    eye = shifted("eyeBlinkLeft") > 0.5, body.vertex_part[faces].max(axis=1) == LEFT_EYE
    labels = np.stack([*fingers, *lips, *eye], axis=1)
    assert labels.sum(axis=0).min() > 200
    return labels.astype(np.float32)


@pytest.fixture(scope="module")
def levels(ada: GaussianAvatar, body: BodyModel, parts: np.ndarray) -> tuple[GaussianAvatar, ...]:
    """Of ada, with the parts as features: merging mixes features, so it tells what was merged."""
    return levels_of_detail(replace(ada, features=parts), body, levels=6)


def state(body: BodyModel) -> BodyState:
    pose = np.zeros((55, 3), np.float32)
    pose[16], pose[17], pose[19] = (0, 0, -1.1), (0, -0.3, 0.7), (0, 1.6, 0)
    return BodyState.rest(0, body.num_expression).with_full_pose(pose)


def seen(avatar: GaussianAvatar, body: BodyModel, pixels_per_degree: float) -> GBuffer:
    """The whole person from 3 m away, as a mirror at 1.5 m shows them."""
    up = np.deg2rad(18.0)
    height = int(2 * np.tan(up) * np.rad2deg(pixels_per_degree))
    poser = AvatarPoser(avatar, body)
    view = EyeView(
        look_at(np.array([0, 0.3, 3.0]), np.array([0, -0.5, 0])), -up / 2, up / 2, up, -up, height // 2, height
    )
    rasterizer = CpuRasterizer(1)
    picture = rasterizer.render(poser.pose(state(body)), [view])
    rasterizer.close()
    return picture


def psnr(picture: GBuffer, truth: GBuffer) -> float:
    """Over the pixels either of them covers, decibels."""
    covered = (picture.alpha > 0.05) | (truth.alpha > 0.05)
    return float(-10 * np.log10(np.square(picture.over(BACKGROUND) - truth.over(BACKGROUND))[covered].mean()))


def some_of(avatar: GaussianAvatar, share: int) -> GaussianAvatar:
    """What a level of detail must beat: a random selection, swollen along the surface to cover as much."""
    chosen = np.random.default_rng(0).permutation(len(avatar.face_index))[::share]
    few = select(avatar, np.sort(chosen))
    scales = few.scales * np.sqrt(share)
    thinnest = np.arange(len(scales)), few.scales.argmin(axis=1)
    scales[thinnest] = few.scales[thinnest]
    return replace(few, scales=scales)


def test_each_level_has_half_the_gaussians_of_the_one_before(levels: tuple[GaussianAvatar, ...]) -> None:
    counts = [len(level.face_index) for level in levels]
    assert counts == [58000, 29000, 14500, 7250, 3625, 1813]
    for level in levels:
        assert all(len(getattr(level, name)) == len(level.face_index) for name in ARRAYS)
        assert all(np.isfinite(getattr(level, name)).all() for name in ARRAYS)
        assert 0 < level.opacities.min() <= level.opacities.max() < 1
        np.testing.assert_allclose(level.barycentric.sum(axis=1), 1, atol=1e-5)


def test_the_first_level_is_the_avatar_itself(ada: GaussianAvatar, body: BodyModel) -> None:
    assert levels_of_detail(ada, body, levels=1) == (ada,)


@pytest.mark.parametrize(("level", "least_db", "better_db"), [(1, 35, 5), (2, 30, 6), (3, 27.5, 7)])
def test_levels_look_like_the_avatar_and_better_than_a_random_selection(
    ada: GaussianAvatar,
    body: BodyModel,
    levels: tuple[GaussianAvatar, ...],
    level: int,
    least_db: float,
    better_db: float,
) -> None:
    truth = seen(ada, body, pixels_per_degree=10)
    picture = seen(replace(levels[level], features=levels[level].features[:, :0]), body, pixels_per_degree=10)
    by_chance = seen(some_of(ada, 2**level), body, pixels_per_degree=10)
    assert psnr(picture, truth) > max(least_db, psnr(by_chance, truth) + better_db)
    assert picture.alpha.sum() == pytest.approx(truth.alpha.sum(), rel=0.02)


def test_nothing_is_merged_across_fingers_lips_and_eyelids(levels: tuple[GaussianAvatar, ...]) -> None:
    for level in levels[1:]:
        of_parts = (level.features > 0.02).sum(axis=1)
        assert (of_parts > 0).sum() > 100
        assert of_parts.max() == 1


def test_equal_avatars_give_equal_levels(ada: GaussianAvatar, body: BodyModel) -> None:
    few = select(ada, np.arange(0, 58000, 20))
    first, second = (levels_of_detail(few, body)[-1] for _ in range(2))
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_what_cannot_be_merged_is_left(ada: GaussianAvatar, body: BodyModel) -> None:
    """Two Gaussians on two fingers: there is nothing to halve."""
    weights = skin_weights(ada, body)
    on_fingers = [int(weights[:, first : first + 3].sum(axis=1).argmax()) for first in (25, 28)]
    level = levels_of_detail(select(ada, np.array(on_fingers)), body, levels=2)[1]
    assert len(level.face_index) == 2


def test_off_the_surface_and_bound_again_gaussians_are_the_same(ada: GaussianAvatar, body: BodyModel) -> None:
    few = select(ada, np.arange(0, 58000, 50))
    surface = RestSurface(few, body)
    again = surface.bind(surface.unbind())
    before, after = (AvatarPoser(avatar, body).pose(state(body)) for avatar in (few, again))
    np.testing.assert_allclose(after.means, before.means, atol=1e-6)
    np.testing.assert_allclose(covariances(after), covariances(before), atol=1e-8)


def covariances(posed: PosedGaussians) -> np.ndarray:
    axes = Rotation.from_quat(posed.quats[:, [1, 2, 3, 0]]).as_matrix() * posed.scales[:, None, :]
    return axes @ np.swapaxes(axes, 1, 2)


def one(rng: np.random.Generator, mean: np.ndarray, opacity: float, size: float = 0.01) -> CanonicalGaussians:
    """A flat Gaussian that faces +z, on face 0."""
    turn = rng.uniform(-np.pi, np.pi)
    axes = Rotation.from_rotvec([0, 0, turn]).as_matrix() * (size * np.array([rng.uniform(0.5, 2), 1.0, 0.1]))
    return CanonicalGaussians(
        means=mean[None],
        covariances=(axes @ axes.T)[None],
        normals=np.array([[0.0, 0.0, 1.0]]),
        opacities=np.array([opacity]),
        sh=rng.uniform(-1, 1, (1, 1, 3)),
        features=rng.uniform(0, 1, (1, 2)),
        face_index=np.array([0]),
        barycentric=np.array([[1.0, 0.0, 0.0]]),
        residual_offsets=rng.normal(0, 0.01, (1, 2, 3)),
        residual_colors=rng.normal(0, 0.1, (1, 2, 3)),
        photo_places=rng.uniform(0, 1, (1, 2)),
        photo_trust=rng.uniform(0, 1, 1),
    )


def drawn(gaussians: list[CanonicalGaussians], half: float = 0.2, pixels: int = 400) -> float:
    """The area that Gaussians facing +z cover, by compositing them on a grid; square metres."""
    x = (np.arange(pixels) + 0.5) / pixels * 2 * half - half
    grid = np.stack(np.meshgrid(x, x), axis=-1)
    through = np.ones((pixels, pixels))
    for g in gaussians:
        d = grid - g.means[0, :2]
        inverse = np.linalg.inv(g.covariances[0, :2, :2])
        through *= 1 - g.opacities[0] * np.exp(-0.5 * np.einsum("hwi,ij,hwj->hw", d, inverse, d))
    return float((1 - through).sum() * (2 * half / pixels) ** 2)


@given(st.integers(0, 10_000), st.floats(0.1, 0.95), st.floats(0.1, 0.95))
def test_a_merged_pair_is_seen_in_the_photo_where_the_trusted_one_is(
    seed: int, alpha_a: float, alpha_b: float
) -> None:
    rng = np.random.default_rng(seed)
    a, b = one(rng, np.zeros(3), alpha_a), one(rng, np.array([0.01, 0.0, 0.0]), alpha_b)
    mixed = merge(a, b, np.eye(3)[None])
    low, high = np.minimum(a.photo_places, b.photo_places), np.maximum(a.photo_places, b.photo_places)
    assert (low - 1e-9 <= mixed.photo_places).all()
    assert (mixed.photo_places <= high + 1e-9).all()
    assert min(a.photo_trust, b.photo_trust) <= mixed.photo_trust <= max(a.photo_trust, b.photo_trust)
    sure = merge(a, replace(b, photo_trust=np.zeros(1)), np.eye(3)[None])
    np.testing.assert_allclose(sure.photo_places, a.photo_places, atol=1e-9)


def test_levels_of_detail_keep_the_photo(ada: GaussianAvatar, body: BodyModel) -> None:
    """Places laid out smoothly over the T-pose stay where they belong when Gaussians are merged."""
    few = select(ada, np.arange(0, len(ada.scales), 20))

    def laid_out(avatar: GaussianAvatar) -> np.ndarray:
        return (canonical_means(avatar, body)[:, :2] * 0.4 + [0.5, 0.6]).astype(np.float32)

    trust = np.linspace(0, 1, len(few.scales), dtype=np.float32)
    photo = ReferencePhoto(np.zeros((8, 8, 4), np.uint8), laid_out(few), trust)
    level = levels_of_detail(replace(few, photo=photo), body, levels=2)[1]
    assert level.photo is not None
    assert level.photo.image is photo.image
    assert (level.photo.places.shape, level.photo.trust.shape) == ((len(level.scales), 2), (len(level.scales),))
    assert np.quantile(np.abs(level.photo.places - laid_out(level)), 0.95) < 0.01


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.0, 0.05), st.floats(0.1, 0.95), st.floats(0.1, 0.95))
def test_a_merged_pair_covers_what_the_two_covered(seed: int, apart: float, alpha_a: float, alpha_b: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = one(rng, np.zeros(3), alpha_a), one(rng, np.array([apart, 0.0, 0.002]), alpha_b)
    both = merge(a, b, np.eye(3)[None])
    assert drawn([both]) == pytest.approx(drawn([a, b]), rel=5e-3)
    assert both.opacities[0] < 1


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.02, 0.05), st.floats(0.1, 0.4), st.floats(0.1, 0.4))
def test_a_merged_pair_has_the_moments_of_the_two(seed: int, apart: float, alpha_a: float, alpha_b: float) -> None:
    """By the definition of mean and covariance, over samples weighted by what each Gaussian covers."""
    rng = np.random.default_rng(seed)
    a, b = one(rng, np.zeros(3), alpha_a), one(rng, np.array([0.0, apart, 0.002]), alpha_b)
    both = merge(a, b, np.eye(3)[None])
    weights = np.array([g.opacities[0] * np.sqrt(np.linalg.det(g.covariances[0, :2, :2])) for g in (a, b)])
    weights /= weights.sum()
    mean = weights[0] * a.means[0] + weights[1] * b.means[0]
    second = sum(
        w * (g.covariances[0] + np.outer(g.means[0] - mean, g.means[0] - mean))
        for w, g in zip(weights, (a, b), strict=True)
    )
    np.testing.assert_allclose(both.means[0], mean, atol=1e-12)
    np.testing.assert_allclose(both.covariances[0], second, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(both.sh[0], weights[0] * a.sh[0] + weights[1] * b.sh[0], atol=1e-12)
    for name in ("features", "residual_offsets", "residual_colors"):
        mean = weights[0] * getattr(a, name) + weights[1] * getattr(b, name)
        np.testing.assert_allclose(getattr(both, name), mean, atol=1e-12)


def test_covered_area_is_the_product_of_the_scales_across_the_normal() -> None:
    rotation = Rotation.from_rotvec([0.3, -1.0, 0.5]).as_matrix()
    axes = rotation * np.array([0.03, 0.02, 0.001])
    area = covered_areas((axes @ axes.T)[None], rotation[:, 2][None])
    assert area[0] == pytest.approx(0.03 * 0.02)


def test_faces_that_move_alike_by_the_plain_definition(body: BodyModel) -> None:
    motions = FaceMotions.of(body)
    rng = np.random.default_rng(0)
    a = rng.integers(0, len(body.faces), 3000)
    b = np.clip(a + rng.integers(-40, 40, 3000), 0, len(body.faces) - 1)
    joints = np.abs(motions.weights[a] - motions.weights[b]).sum(axis=1) / 2 <= DIFFERENT_JOINTS
    shifts = np.linalg.norm(motions.shifts[a] - motions.shifts[b], axis=2).max(axis=1) <= DIFFERENT_EXPRESSION
    plain = joints & shifts
    assert 0.1 < plain.mean() < 0.9
    np.testing.assert_array_equal(motions.alike(a, b), plain)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda p: p[0] != p[1])), st.integers(1, 5))
def test_chosen_pairs_share_nobody_and_the_cheapest_come_first(pairs: list[tuple[int, int]], most: int) -> None:
    first, second = (np.array([p[k] for p in pairs], np.int64) for k in range(2))
    plain: list[int] = []
    for n, pair in enumerate(pairs):
        if len(plain) < most and not any(set(pair) & set(pairs[k]) for k in plain):
            plain.append(n)
    np.testing.assert_array_equal(_disjoint(first, second, 10, most), plain)


@pytest.mark.parametrize("k", [1, 4, 9])
def test_turned_harmonics_show_the_turned_colours(k: int) -> None:
    rng = np.random.default_rng(3)
    directions = rng.normal(size=(40, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    sh = np.concatenate([sh_from_rgb(np.full((40, 3), 0.5)), rng.normal(scale=0.05, size=(40, k - 1, 3))], axis=1)
    turns = Rotation.random(40, rng=rng).as_matrix()
    turned = turned_sh(sh, turns)
    seen_after = color_towards(turned, np.einsum("nij,nj->ni", turns, directions))
    np.testing.assert_allclose(seen_after, color_towards(sh, directions), atol=1e-5)


def test_merged_colours_are_those_that_were_seen_from_the_same_side() -> None:
    """View-dependent colours live in the frames of two different faces; their mean in the frame of one of them."""
    rng = np.random.default_rng(4)
    frames = Rotation.random(2, rng=rng).as_matrix()
    a, b = one(rng, np.zeros(3), 0.6), replace(one(rng, np.array([0.01, 0.0, 0.0]), 0.3), face_index=np.array([1]))
    a, b = (replace(g, sh=rng.uniform(-0.1, 0.1, (1, 9, 3))) for g in (a, b))
    both = merge(a, b, frames)
    kept = frames[both.face_index[0]]
    weights = np.array([g.opacities[0] * covered_areas(g.covariances, g.normals)[0] for g in (a, b)])
    weights /= weights.sum()
    for direction in rng.normal(size=(20, 3)):
        d = direction / np.linalg.norm(direction)
        seen_before = [color_towards(g.sh, (frames[g.face_index[0]].T @ d)[None])[0] for g in (a, b)]
        seen_after = color_towards(both.sh, (kept.T @ d)[None])[0]
        np.testing.assert_allclose(seen_after, weights[0] * seen_before[0] + weights[1] * seen_before[1], atol=1e-6)
