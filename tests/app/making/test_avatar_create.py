"""From the picture to the avatar, on the shipped performer's first frame: what the stages make."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.avatar.appearance import diffuse_color
from inperson.avatar.gaussians import LONGEST_PHOTO
from inperson.avatar.lod import levels_of_detail
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.provenance import Provenance
from inperson.avatar.selection import without_head
from inperson.avatar.state import BodyState
from inperson.reconstruct import create
from inperson.reconstruct.create import Created, CreateSettings
from inperson.reconstruct.polish import PolishSettings
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.views import look_at
from tests.reconstruct.far_device import FAR, far_device


def test_the_avatar_looks_like_the_photo(studio):
    scores = studio.created.scores
    assert scores.iou > 0.96
    assert scores.psnr > 27
    assert scores.ssim > 0.85
    assert list(studio.created.seconds) == list(create.Stage)


def test_it_keeps_the_photo_and_knows_its_places_in_it(studio):
    """Where it trusts the photo, the photo has the colours that the avatar was polished to."""
    avatar = studio.created.avatar
    photo = avatar.photo
    height, width = photo.image.shape[:2]
    assert 200 < max(height, width) <= LONGEST_PHOTO
    sure = photo.trust > 0.9
    assert 0.15 < sure.mean() < 0.8
    column, row = np.minimum((photo.places[sure] * [width, height]).astype(int), [width - 1, height - 1]).T
    apart = np.abs(photo.image[row, column, :3] / 255.0 - diffuse_color(avatar.sh)[sure])
    assert np.median(apart) < 0.03
    assert (photo.image[row, column, 3] > 200).mean() > 0.98


def test_it_stands_where_the_photo_says(studio):
    created = studio.created
    joints = AvatarPoser(created.avatar, created.fit.body).pose(created.fit.state).means
    inside = created.target.view.T_cv_from_world[:3, :3] @ joints.T + created.target.view.T_cv_from_world[:3, 3:]
    assert (inside[2] > 0.3).all()  # all of it before the camera
    assert len(created.avatar.face_index) > 12_000


@pytest.fixture(scope="module")
def hasty(studio) -> CreateSettings:
    """Fewer Gaussians and steps than anybody would want."""
    return CreateSettings(network=studio.network, count=4000, polish=PolishSettings(steps=4))


@pytest.fixture(scope="module")
def hastily_made(studio, hasty) -> Created:
    return create.create_from_fit(studio.created.fit, studio.created.matte, hasty)


def test_the_stages_repeat_bit_for_bit_and_the_seed_counts(studio, hasty, hastily_made):
    created, first = studio.created, hastily_made.avatar
    second, other = (
        create.create_from_fit(created.fit, created.matte, replace(hasty, seed=seed)).avatar for seed in (0, 1)
    )
    for name in ("offsets", "quats", "scales", "opacities", "sh"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name
    assert not np.array_equal(first.sh, other.sh)


def test_off_the_cpu_the_same_avatar_is_made(studio, hasty, hastily_made, monkeypatch):
    created = studio.created
    with far_device(monkeypatch) as operators:
        there = create.create_from_fit(created.fit, created.matte, replace(hasty, device=FAR))
    assert any("grid_sampler" in name for name in operators), "the network ran there"
    assert there.scores.psnr == pytest.approx(hastily_made.scores.psnr, abs=0.02)
    for name, most in (("sh", 2e-3), ("offsets", 1e-5), ("scales", 1e-6), ("opacities", 1e-3)):
        apart = np.abs(getattr(there.avatar, name) - getattr(hastily_made.avatar, name))
        assert np.quantile(apart, 0.9) < most, f"{name}; which of equals are split is decided by rounding"


def test_fast_is_the_answer_before_polishing(studio):
    created = studio.created
    settings = CreateSettings(network=studio.network, count=4000, polish=PolishSettings(steps=20))
    fast, slow = (
        create.create_from_fit(created.fit, created.matte, replace(settings, fast=fast)) for fast in (True, False)
    )
    assert create.Stage.POLISH not in fast.seconds
    assert slow.scores.psnr > fast.scores.psnr + 1.0
    assert Provenance.from_strings(fast.avatar.provenance).others["polished"] == "no"


def test_the_front_does_not_shine_through_the_back(studio):
    """From behind, a red front must not tint a grey back, whatever the network thinks of opacity."""
    created = studio.created
    settings = CreateSettings(fast=True, network=studio.network, count=30_000)
    avatar = create.create_from_fit(created.fit, created.matte, settings).avatar
    body = created.fit.body
    rest = BodyState.rest(body.num_betas, body.num_expression)
    posed = AvatarPoser(avatar, body).pose(rest)
    front = posed.normals[:, 2] > 0.3
    colors = np.where(front[:, None], [[1.0, 0.0, 0.0]], [[0.5, 0.5, 0.5]]).astype(np.float32)
    behind = replace(
        created.target.view, T_world_from_eye=look_at(np.array([0.0, 0.2, -1.5]), np.array([0.0, 0.2, 0.0]))
    )
    drawn = CpuRasterizer().render_color(replace(posed, colors=colors), [behind])
    covered = drawn.alpha[0] > 0.9
    redness = (drawn.rgb[0, ..., 0] - drawn.rgb[0, ..., 1])[covered]
    assert covered.sum() > 5000
    assert np.quantile(redness, 0.9) < 0.1


def test_without_a_network_and_without_offsets(studio):
    created = studio.created
    plain = create.create_from_fit(created.fit, created.matte, CreateSettings(True, "plain", count=4000))
    assert "network_sha256" not in plain.avatar.provenance
    assert plain.scores.psnr > 20
    bare = create.create_from_fit(
        created.fit, created.matte, CreateSettings(True, "plain", dressed=False, count=4000)
    )
    assert not bare.surface.displacement.any()
    assert np.linalg.norm(plain.surface.displacement, axis=1).max() > 0.01
    assert bare.scores.psnr > 20


def test_it_can_do_what_avatars_do(studio):
    avatar, body = studio.created.avatar, studio.created.fit.body
    rest = BodyState.rest(body.num_betas, body.num_expression)
    poser = AvatarPoser(avatar, body)
    closed, opened = (
        poser.pose(replace(rest, jaw_pose=np.array([jaw, 0, 0], np.float32))).means for jaw in (0.0, 0.3)
    )
    moved = np.linalg.norm(opened - closed, axis=1)
    assert 50 < (moved > 0.004).sum() < 0.5 * len(moved)  # the jaw, and nothing below the neck
    assert moved[closed[:, 1] < closed[:, 1].max() - 0.4].max() < 1e-5
    for state in (rest, studio.created.fit.state):
        posed = poser.pose(state)
        assert all(np.isfinite(getattr(posed, name)).all() for name in ("means", "quats", "scales", "colors"))
    assert 0 < len(without_head(avatar, body).face_index) < len(avatar.face_index)
    half = levels_of_detail(avatar, body, 2)[1]
    assert 0.4 < len(half.face_index) / len(avatar.face_index) < 0.6
