"""The z-buffer against rays, against cracks, and at the near plane."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from inperson.conventions import Intrinsics
from inperson.reconstruct.surface.mesh_picture import draw_mesh, draw_mesh_reference, project, rasterize_triangles
from inperson.render.views import EyeView, look_at

VIEW = EyeView.from_intrinsics(Intrinsics(40.0, 44.0, 21.0, 17.0, 40, 32), look_at([0.3, 0.2, 1.0], [0, 0, 0]))


def soup(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Triangles that cross each other, some behind the eye."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform([-0.6, -0.6, -1.5], [0.6, 0.6, 1.2], (count, 1, 3))
    return (centres + rng.normal(0, 0.15, (count, 3, 3))).reshape(-1, 3), np.arange(3 * count).reshape(-1, 3)


def test_equals_rays() -> None:
    for seed in range(3):
        vertices, faces = soup(seed)
        fast, plain = draw_mesh(vertices, faces, VIEW), draw_mesh_reference(vertices, faces, VIEW)
        same = fast.face_index == plain.face_index
        assert (plain.face_index >= 0).mean() > 0.2
        assert same.mean() > 0.985  # corners are snapped to 1/256 pixel: a few centres change sides
        assert np.abs(fast.depth - plain.depth)[same].max() < 2e-2
        assert np.quantile(np.abs(fast.depth - plain.depth)[same], 0.99) < 1e-3
        assert np.quantile(np.abs(fast.barycentric - plain.barycentric)[same], 0.99) < 1e-2


def test_barycentric_is_perspective_correct() -> None:
    vertices = np.array([[-0.5, -0.4, 0.2], [0.6, -0.3, -2.5], [0.0, 0.8, -0.5]])
    faces = np.array([[0, 1, 2]])
    picture = draw_mesh(vertices, faces, VIEW)
    rows, columns = np.nonzero(picture.face_index == 0)
    assert len(rows) > 100
    points = picture.barycentric[rows, columns] @ vertices
    pixels, depth = project(points, VIEW)
    assert np.abs(pixels - np.stack([columns, rows], 1) - 0.5).max() < 0.02
    assert np.abs(depth - picture.depth[rows, columns]).max() < 2e-3


@given(st.integers(0, 10_000))
def test_no_cracks(seed: int) -> None:
    """A grid of crooked cells drawn face by face covers every pixel inside, whatever its corners."""
    rng = np.random.default_rng(seed)
    n = 6
    y, x = np.mgrid[0 : n + 1, 0 : n + 1].astype(float)
    corners = 3.0 + 4.0 * np.stack([x, y], axis=-1)
    corners[1:-1, 1:-1] += rng.uniform(-1.5, 1.5, (n - 1, n - 1, 2))
    a = (np.arange(n)[:, None] * (n + 1) + np.arange(n)).ravel()
    faces = np.concatenate([np.stack([a, a + 1, a + n + 2], 1), np.stack([a + n + 2, a + n + 1, a], 1)])
    faces = faces[rng.permutation(len(faces))]
    index, barycentric, _ = rasterize_triangles(
        corners.reshape(-1, 2), np.ones((n + 1) ** 2), faces, np.ones(len(faces), bool), 30, 30
    )
    assert (index[3:27, 3:27] >= 0).all()
    assert (index[:3] == -1).all()
    assert (index[27:] == -1).all()
    assert np.abs(barycentric[index >= 0].sum(axis=1) - 1).max() < 1e-5


def test_faces_at_the_near_plane_are_left_out() -> None:
    vertices = np.array([[-1.0, -1.0, 0.5], [1.0, -1.0, 0.5], [0.0, 1.0, -0.01]])
    view = EyeView.from_intrinsics(Intrinsics(20.0, 20.0, 16.0, 16.0, 32, 32))
    assert (draw_mesh(vertices, np.array([[0, 1, 2]]), view).face_index == -1).all()
    assert (draw_mesh(vertices - [0, 0, 2.0], np.array([[0, 1, 2]]), view).face_index == 0).any()
