"""The photo that an avatar keeps: what is trusted of it is right, and what it does not show is not trusted."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from inperson.avatar.body import JOINT_NAMES
from inperson.avatar.gaussians import LONGEST_PHOTO, GaussianAvatar, ReferencePhoto
from inperson.avatar.selection import skin_weights
from inperson.conventions import Intrinsics
from inperson.reconstruct.reference_photo import MARGIN, reference_photo
from inperson.reconstruct.stages import Matte, PhotoFit
from inperson.reconstruct.surface.fringe import fringe_gaussians
from inperson.reconstruct.surface.gaussians import joined, plain_gaussians
from inperson.reconstruct.surface.places import at_places
from inperson.reconstruct.surface.posing import dressed_rest
from inperson.reconstruct.surface.sites import lay_sites
from inperson.render.views import EyeView
from tests.reconstruct.surface.conftest import Scene, with_joint


@dataclass(frozen=True)
class Made:
    """An avatar whose surface is painted, its photo, and what it keeps of it."""

    avatar: GaussianAvatar
    photo: ReferencePhoto
    colors: np.ndarray
    """(N, 3): of the surface at each Gaussian."""


def gradient(scene: Scene) -> np.ndarray:
    """A smooth colour for every vertex, told apart everywhere."""
    rest = dressed_rest(scene.surface)
    return (rest - rest.min(axis=0)) / (rest.max(axis=0) - rest.min(axis=0))


def made(scene: Scene) -> Made:
    colors = gradient(scene)
    sites = lay_sites(scene.surface, np.ones(len(scene.fit.body.faces)), 12_000)
    own = at_places(colors, scene.fit.body.faces, sites.face_index, sites.barycentric)
    avatar = plain_gaussians(sites, own, scene.surface).to_avatar(scene.fit.body, scene.fit.state.betas, "", {})
    photo = reference_photo(avatar, scene.fit, scene.painted(colors))
    assert photo is not None
    order = np.argsort(sites.face_index, kind="stable")
    return Made(avatar, photo, own[order])


@pytest.fixture(scope="module")
def one(scene: Scene) -> Made:
    return made(scene)


def sampled(photo: ReferencePhoto) -> np.ndarray:
    """(N, 3): the photo's colours at the Gaussians' places."""
    height, width = photo.image.shape[:2]
    where = photo.places[:, ::-1].T * [[height], [width]] - 0.5
    rgb = photo.image[..., :3] / 255.0
    return np.stack([map_coordinates(rgb[..., c], where, order=1, mode="nearest") for c in range(3)], axis=1)


def test_the_photo_shows_at_each_place_what_the_gaussian_is(one: Made) -> None:
    sure = one.photo.trust > 0.6
    assert 0.1 < sure.mean() < 0.5
    off = np.abs(sampled(one.photo) - one.colors)[sure].max(axis=1)
    assert np.quantile(off, 0.9) < 0.02
    assert np.quantile(off, 0.97) < 0.06  # at the outline the test's matte is grey


def test_the_person_is_cut_out(one: Made, scene: Scene) -> None:
    alpha = scene.painted(gradient(scene)).alpha
    rows, columns = np.nonzero(alpha > 0.5)
    top, left = max(rows.min() - MARGIN, 0), max(columns.min() - MARGIN, 0)
    image = one.photo.image
    wanted = alpha[top : top + image.shape[0], left : left + image.shape[1]]
    np.testing.assert_array_equal(image[..., 3], np.rint(255 * wanted))
    assert image[..., 3].sum() == np.rint(255 * alpha).sum()
    assert max(image.shape) < max(alpha.shape)


def test_backs_and_what_is_outside_the_picture_are_not_trusted(one: Made, scene: Scene) -> None:
    weights = skin_weights(one.avatar, scene.fit.body)
    feet = (
        weights[:, [n for n, name in enumerate(JOINT_NAMES) if "ankle" in name or "foot" in name]].sum(axis=1) > 0.5
    )
    assert feet.sum() > 50
    assert one.photo.trust[feet].max() == 0
    faces = scene.fit.body.faces[one.avatar.face_index]
    corners = scene.vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = -(normal * corners.mean(axis=1)).sum(axis=1) / np.linalg.norm(normal, axis=1)
    away = (facing < -0.4) & (weights[:, JOINT_NAMES.index("spine3")] > 0.5)
    assert away.sum() > 100
    assert one.photo.trust[away].max() == 0


def test_a_forearm_before_the_chest_is_not_painted_on_it(fit: PhotoFit) -> None:
    state = with_joint(fit.state, "left_elbow", (0.0, -2.0, 0.0))
    state = with_joint(state, "left_shoulder", (0.0, -0.9, -0.75))
    scene = Scene.of(PhotoFit(fit.body, state, fit.view, fit.observation))
    hiding = made(scene)
    weights = skin_weights(hiding.avatar, fit.body)
    torso = weights[:, [JOINT_NAMES.index(n) for n in ("spine1", "spine2", "spine3", "pelvis")]].sum(axis=1) > 0.9
    wrong = np.abs(sampled(hiding.photo) - hiding.colors).max(axis=1) > 0.15
    assert (wrong & torso).sum() > 100  # the arm does hide some of it
    assert hiding.photo.trust[wrong & torso].max() < 0.5
    assert (hiding.photo.trust[torso] > 0.9).sum() > 100


def test_hair_beside_the_surface_is_trusted(scene: Scene) -> None:
    """A lock 12 pixels wide beside the upper arm, which only the fringe covers."""
    matte = scene.painted(gradient(scene))
    rows, columns = np.nonzero(matte.alpha > 0.5)
    alpha, foreground = matte.alpha.copy(), matte.foreground.copy()
    row = int(np.median(rows))
    edge = int(columns[rows == row].max())
    lock = np.s_[row - 12 : row + 12, edge : edge + 12]
    alpha[lock], foreground[lock] = 1.0, (0.3, 0.1, 0.05)
    changed = Matte(alpha, foreground)
    sites = lay_sites(scene.surface, np.ones(len(scene.fit.body.faces)), 12_000)
    fringe = fringe_gaussians(scene.surface, scene.fit, scene.picture, changed)
    assert len(fringe) > 100
    whole = joined(plain_gaussians(sites, np.zeros((len(sites), 3)), scene.surface), fringe)
    avatar = whole.to_avatar(scene.fit.body, scene.fit.state.betas, "", {})
    photo = reference_photo(avatar, scene.fit, changed)
    assert photo is not None
    brown = (np.abs(sampled(photo) - (0.3, 0.1, 0.05)).max(axis=1) < 0.02) & (photo.trust > 0.3)
    assert brown.sum() > 50


def test_a_large_photo_is_reduced_and_its_places_stay(one: Made, scene: Scene) -> None:
    """The same picture with eight times the pixels a side."""
    K, by = scene.fit.view.intrinsics, 8
    large = Intrinsics(by * K.fx, by * K.fy, by * K.cx, by * K.cy, by * K.width, by * K.height)
    matte = scene.painted(gradient(scene))
    alpha = matte.alpha.repeat(by, 0).repeat(by, 1)
    foreground = matte.foreground.repeat(by, 0).repeat(by, 1)
    fit = replace(scene.fit, view=EyeView.from_intrinsics(large))
    photo = reference_photo(one.avatar, fit, Matte(alpha, foreground))
    assert photo is not None
    assert max(photo.image.shape) == LONGEST_PHOTO
    sure = photo.trust > 0.6
    assert 0.1 < sure.mean() < 0.5
    assert np.quantile(np.abs(sampled(photo) - one.colors)[sure].max(axis=1), 0.9) < 0.025


def test_no_person_is_no_photo(one: Made, scene: Scene) -> None:
    matte = scene.painted(gradient(scene))
    assert reference_photo(one.avatar, scene.fit, Matte(0 * matte.alpha, matte.foreground)) is None
