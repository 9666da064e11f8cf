"""Dart throwing against every candidate compared with every kept one."""

import numpy as np
import pytest

from inperson.reconstruct.surface.darts import throw_darts, throw_darts_reference
from inperson.reconstruct.surface.places import at_places
from inperson.reconstruct.surface.posing import normals_of


@pytest.mark.parametrize("seed", range(3))
def test_the_same_places_are_kept_as_by_comparing_all(seed):
    """Two sheets back to back, closer than the distances: each is covered as if it were alone."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.linspace(-0.5, 0.5, 6), np.linspace(-0.5, 0.5, 6)), axis=-1).reshape(-1, 2)
    corner = np.arange(30)[np.arange(30) % 6 < 5]
    sheet = np.concatenate(
        [np.stack([corner, corner + 1, corner + 6], 1), np.stack([corner + 1, corner + 7, corner + 6], 1)]
    )
    front = np.hstack([grid, 0.02 * rng.random((36, 1))])
    vertices = np.concatenate([front, front - [0.0, 0.0, 0.03]])
    faces = np.concatenate([sheet, 36 + sheet[:, ::-1]]).astype(np.int32)
    normals = normals_of(vertices, faces)
    face, barycentric = rng.integers(0, len(faces), 3000), rng.dirichlet(np.ones(3), 3000)
    distance = rng.uniform(0.02, 0.12, 3000)

    kept = throw_darts(vertices, normals, faces, face, barycentric, distance)
    points, facing = (at_places(values, faces, face, barycentric) for values in (vertices, normals))
    np.testing.assert_array_equal(kept, throw_darts_reference(points, facing, distance.astype(np.float32)))
    on_front = face[kept] < len(sheet)
    assert 100 < on_front.sum() < 1000
    assert 100 < (~on_front).sum() < 1000
