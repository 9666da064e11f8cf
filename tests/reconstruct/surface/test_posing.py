"""The mesh is where the avatar's Gaussians are."""

import numpy as np

from inperson.avatar.posing import AvatarPoser
from inperson.reconstruct.stages import DressedSurface, PhotoFit, Sites
from inperson.reconstruct.surface.gaussians import plain_gaussians
from inperson.reconstruct.surface.posing import SurfacePoser, posed_vertices, turned, turned_back


def random_displacement(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.03, (count, 3)).astype(np.float32)


def test_mesh_and_gaussians_agree(fit: PhotoFit) -> None:
    rng = np.random.default_rng(1)
    state = fit.state.with_full_pose(fit.state.full_pose + rng.normal(0, 0.25, (55, 3)))
    body = fit.body
    surface = DressedSurface(body, state.betas, random_displacement(body.num_vertices))
    face = np.arange(0, len(body.faces), 7, dtype=np.int32)
    corner = np.eye(3, dtype=np.float32)[face % 3]
    vertex = body.faces[face, face % 3]
    n = len(face)
    sites = Sites(face, corner, np.zeros((n, 2)), surface.displacement[vertex], np.full(n, 0.01, np.float32))
    avatar = plain_gaussians(sites, np.zeros((n, 3)), surface).to_avatar(body, state.betas, "", {})
    means = AvatarPoser(avatar, body).pose(state).means
    assert np.abs(means - posed_vertices(surface, state)[vertex]).max() < 2e-5


def test_displacements_keep_their_length(fit: PhotoFit) -> None:
    body = fit.body
    surface = DressedSurface(body, fit.state.betas, random_displacement(body.num_vertices))
    posed = SurfacePoser(surface).pose(fit.state)
    moved = np.linalg.norm(posed.vertices - posed.motion.points, axis=1)
    assert np.abs(moved - np.linalg.norm(surface.displacement, axis=1)).max() < 1e-5
    assert np.abs(np.linalg.norm(posed.normals, axis=1) - 1).max() < 1e-4


def test_turning_back_is_the_inverse() -> None:
    rng = np.random.default_rng(3)
    quats = rng.normal(size=(50, 4))
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    vectors = rng.normal(size=(50, 3))
    assert np.abs(turned_back(quats, turned(quats, vectors)) - vectors).max() < 1e-12
    assert np.abs(turned(quats, vectors) - vectors).max() > 0.5
