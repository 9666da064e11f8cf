"""The uv map as texels: on the right faces, mirrored onto the right texels, of honest size."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.avatar.body import BodyModel
from inperson.errors import BadInputError
from inperson.reconstruct.stages import DressedSurface
from inperson.reconstruct.surface.atlas import UvAtlas, texel_sites
from inperson.reconstruct.surface.places import at_places

SIZE = 96


@pytest.fixture(scope="module")
def atlas(body: BodyModel) -> UvAtlas:
    return UvAtlas.of(body, SIZE)


@pytest.fixture(scope="module")
def naked(body: BodyModel) -> DressedSurface:
    return DressedSurface(body, np.zeros(body.num_betas), np.zeros((body.num_vertices, 3), np.float32))


def test_sites_lie_under_their_texels(atlas: UvAtlas, naked: DressedSurface) -> None:
    rows, columns = np.nonzero(atlas.inside)
    uv = texel_sites(atlas, naked).uv
    assert len(uv) == len(rows) > 0.5 * SIZE**2
    assert np.abs(uv[:, 0] * SIZE - columns - 0.5).max() < 0.01
    assert np.abs((1 - uv[:, 1]) * SIZE - rows - 0.5).max() < 0.01


def test_mirror_swaps_left_and_right(atlas: UvAtlas, body: BodyModel) -> None:
    inside = atlas.inside.ravel()
    points = np.zeros((SIZE**2, 3), np.float32)
    points[inside] = at_places(
        body.v_template, body.faces, atlas.face_index.ravel()[inside], atlas.barycentric.reshape(-1, 3)[inside]
    )
    mirror = atlas.mirror.ravel()
    assert inside[mirror[inside]].all()
    apart = np.linalg.norm(points[mirror] * [-1, 1, 1] - points, axis=1)[inside]
    assert np.quantile(apart, 0.5) < 0.006
    assert np.quantile(apart, 0.99) < 0.02
    assert (mirror[~inside] == np.flatnonzero(~inside)).all()


def test_padding_is_the_nearest_texel_inside(atlas: UvAtlas) -> None:
    inside, nearest = atlas.inside, atlas.nearest
    assert inside.ravel()[nearest.ravel()].all()
    own = np.arange(SIZE**2).reshape(SIZE, SIZE)
    assert (nearest[inside] == own[inside]).all()
    rows, columns = np.nonzero(inside)
    for r, c in [(0, 0), (SIZE - 1, 40), (50, SIZE - 1)]:
        best = np.hypot(rows - r, columns - c).min()
        assert np.hypot(nearest[r, c] // SIZE - r, nearest[r, c] % SIZE - c) == pytest.approx(best)


def test_spacing_adds_up_to_the_surface(atlas: UvAtlas, naked: DressedSurface) -> None:
    sites = texel_sites(atlas, naked)
    v = naked.body.shaped(naked.betas)[naked.body.faces]
    area = 0.5 * np.linalg.norm(np.cross(v[:, 1] - v[:, 0], v[:, 2] - v[:, 0]), axis=1).sum()
    assert (sites.spacing.astype(float) ** 2).sum() == pytest.approx(area, rel=0.03)


def test_a_body_without_texture_coordinates_is_refused(body: BodyModel) -> None:
    with pytest.raises(BadInputError, match="texture coordinates"):
        UvAtlas.of(replace(body, vt=None), 32)
