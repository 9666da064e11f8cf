"""Sites cover the surface, dense where it matters."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from inperson.avatar.body import JOINT_NAMES, SKIN
from inperson.reconstruct.stages import Sites
from inperson.reconstruct.surface.gaussians import DISC_RADIUS, OPACITY
from inperson.reconstruct.surface.places import at_places, part_of_faces
from inperson.reconstruct.surface.posing import dressed_rest, normals_of
from inperson.reconstruct.surface.sites import lay_sites, seen_share
from tests.reconstruct.surface.conftest import Scene

COUNT = 12_000


@pytest.fixture(scope="module")
def share(scene: Scene) -> np.ndarray:
    return seen_share(scene.picture, scene.vertices, scene.fit.body.faces, scene.fit.view.intrinsics.fx)


@pytest.fixture(scope="module")
def sites(scene: Scene, share: np.ndarray) -> Sites:
    return lay_sites(scene.surface, share, COUNT)


def test_about_as_many_as_asked_and_always_the_same(scene: Scene, share: np.ndarray, sites: Sites) -> None:
    again = lay_sites(scene.surface, share, COUNT)
    assert abs(len(sites) - COUNT) < 0.1 * COUNT
    assert (sites.face_index == again.face_index).all()
    assert (sites.barycentric == again.barycentric).all()
    assert np.abs(sites.barycentric.sum(axis=1) - 1).max() < 1e-6
    assert (np.diff(sites.face_index) >= 0).all()


def test_discs_leave_no_holes(scene: Scene, sites: Sites) -> None:
    """Light that gets through the discs at random places of the skin, met square on."""
    body, rest = scene.fit.body, dressed_rest(scene.surface)
    normals = normals_of(rest, body.faces)
    rng = np.random.default_rng(0)
    corners = rest[body.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    area = area * (part_of_faces(body) == SKIN)
    face, where = rng.choice(len(area), 8000, p=area / area.sum()), rng.dirichlet([1, 1, 1], 8000)
    at = lambda f, b: (at_places(rest, body.faces, f, b), at_places(normals, body.faces, f, b))  # noqa: E731
    points, facing = at(face, where)
    centres, turned = at(sites.face_index, sites.barycentric)
    distance, near = cKDTree(centres).query(points, k=16)
    alpha = OPACITY * np.exp(-0.5 * (distance / (DISC_RADIUS * sites.spacing[near])) ** 2)
    alpha *= np.einsum("nkc,nc->nk", turned[near], facing) > 0.3
    through = np.prod(1 - alpha, axis=1)
    assert np.median(through) < 0.04
    assert np.quantile(through, 0.99) < 0.2


def test_no_two_are_on_top_of_each_other(scene: Scene, sites: Sites) -> None:
    rest = dressed_rest(scene.surface)
    normals = normals_of(rest, scene.fit.body.faces)
    points = at_places(rest, scene.fit.body.faces, sites.face_index, sites.barycentric)
    facing = at_places(normals, scene.fit.body.faces, sites.face_index, sites.barycentric)
    distance, near = cKDTree(points).query(points, k=2)
    alike = (facing * facing[near[:, 1]]).sum(axis=1) > 0.1
    # the later of two was thrown at its own distance; its neighbour's may be a little larger
    assert (distance[alike, 1] > 0.55 * np.minimum(sites.spacing, sites.spacing[near[:, 1]])[alike]).all()


def test_dense_on_faces_and_on_what_is_seen(scene: Scene, share: np.ndarray, sites: Sites) -> None:
    weights = scene.fit.body.weights[scene.fit.body.faces].mean(axis=1)[sites.face_index]
    joint = weights.argmax(axis=1)
    spacing = lambda name: np.median(sites.spacing[joint == JOINT_NAMES.index(name)])  # noqa: E731
    assert spacing("head") < 0.8 * spacing("spine3") < 0.8 * spacing("left_knee")
    assert spacing("left_index2") < 0.8 * spacing("spine3")
    torso = joint == JOINT_NAMES.index("spine3")
    front, back = share[sites.face_index] > 0.6, share[sites.face_index] == 0
    assert sites.spacing[torso & front].mean() < 0.8 * sites.spacing[torso & back].mean()


def test_seen_share_counts_area_face_on(scene: Scene, share: np.ndarray) -> None:
    faces = scene.fit.body.faces
    normal = np.cross(
        scene.vertices[faces[:, 1]] - scene.vertices[faces[:, 0]],
        scene.vertices[faces[:, 2]] - scene.vertices[faces[:, 0]],
    )
    away = (normal * scene.vertices[faces[:, 0]]).sum(axis=1) > 0
    chest = scene.fit.body.weights[faces].mean(axis=1)[:, JOINT_NAMES.index("spine3")] > 0.6
    assert share[chest & away].mean() < 0.03
    cosine = -(normal * scene.vertices[faces[:, 0]]).sum(axis=1)
    cosine /= np.linalg.norm(normal, axis=1) * np.linalg.norm(scene.vertices[faces[:, 0]], axis=1)
    front = chest & (cosine > 0.3)
    assert share[front].mean() == pytest.approx(cosine[front].mean(), abs=0.12)
