"""Dye, prints and uv islands on a made-up garment of two squares."""

import numpy as np
import pytest

from inperson.synthetic.drawables import RenderMesh
from inperson.synthetic.fabrics import Dye, bake_positions, dye_garment, pattern_coverage, uv_islands

SIZE = 64


def two_squares() -> tuple[RenderMesh, np.ndarray]:
    """A top at height 1..2 in the left half of the texture, trousers at -2..-1 in the right half."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    uvs = np.concatenate([corners * [0.4, 0.8] + [0.05, 0.1], corners * [0.4, 0.8] + [0.55, 0.1]])
    points = np.concatenate([np.c_[np.add(corners, (0, 1)), np.zeros(4)], np.c_[corners - [0, 2], np.zeros(4)]])
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32)
    return RenderMesh(np.arange(8, dtype=np.int32), uvs.astype(np.float32), faces), points.astype(np.float32)


def grey_cloth(value: float = 0.5) -> np.ndarray:
    return np.concatenate([np.full((SIZE, SIZE, 3), value), np.ones((SIZE, SIZE, 1))], axis=-1).astype(np.float32)


def test_islands_are_the_two_squares() -> None:
    mesh, _ = two_squares()
    island = uv_islands(mesh)
    assert island[0] == island[1] != island[2] == island[3]


def test_baked_positions_are_linear_in_uv() -> None:
    mesh, points = two_squares()
    face, position = bake_positions(mesh, points, SIZE)
    row, column = np.nonzero(face >= 0)
    u, v = (column + 0.5) / SIZE, 1.0 - (row + 0.5) / SIZE
    top = face[row, column] < 2
    expected_x = np.where(top, (u - 0.05) / 0.4, (u - 0.55) / 0.4)
    expected_y = np.where(top, (v - 0.1) / 0.8 + 1.0, (v - 0.1) / 0.8 - 2.0)
    np.testing.assert_allclose(position[row, column, 0], expected_x, atol=1e-4)
    np.testing.assert_allclose(position[row, column, 1], expected_y, atol=1e-4)
    assert np.mean(face >= 0) == pytest.approx(2 * 0.4 * 0.8, abs=0.05)


def test_only_the_dyed_half_changes_and_nothing_means_nothing() -> None:
    mesh, points = two_squares()
    rgba = grey_cloth()
    untouched = dye_garment(rgba, mesh, points, 0.0, None, None).rgba
    np.testing.assert_array_equal(untouched, (rgba * 255 + 0.5).astype(np.uint8))
    red = dye_garment(rgba, mesh, points, 0.0, Dye((0.8, 0.1, 0.1)), None).rgba
    centre_top, centre_trousers = red[SIZE // 2, SIZE // 4], red[SIZE // 2, 3 * SIZE // 4]
    np.testing.assert_allclose(centre_top[:3], [204, 26, 26], atol=3)
    np.testing.assert_array_equal(centre_trousers, untouched[SIZE // 2, 3 * SIZE // 4])


def test_folds_survive_the_dye() -> None:
    mesh, points = two_squares()
    rgba = grey_cloth()
    rgba[30:33, :, :3] *= 0.7
    dyed = dye_garment(rgba, mesh, points, 0.0, Dye((0.3, 0.5, 0.7)), None).rgba.astype(int)
    fold, cloth = dyed[31, SIZE // 4, :3].sum(), dyed[45, SIZE // 4, :3].sum()
    assert fold < 0.95 * cloth


@pytest.mark.parametrize("pattern", ["stripes", "pinstripes", "check", "dots", "diagonal"])
def test_patterns_repeat_after_one_period(pattern) -> None:
    p = np.random.default_rng(0).uniform(-3, 3, (500, 3))
    here = pattern_coverage(pattern, p)
    assert here.min() == 0.0
    assert here.max() > 0.45
    np.testing.assert_allclose(pattern_coverage(pattern, np.add(p, (1.0, 0.0, 0.0))), here, atol=1e-6)
    np.testing.assert_allclose(pattern_coverage(pattern, np.add(p, (0.0, 2.0, 0.0))), here, atol=1e-6)
    np.testing.assert_array_equal(pattern_coverage("plain", p), 0.0)
