"""UV targets against a truth that is known everywhere: bare people in colours of their T-pose."""

import numpy as np
import pytest

from inperson.avatar.binding import SurfaceBinding
from inperson.avatar.body import load_body
from inperson.reconstruct.stages import DressedSurface
from inperson.reconstruct.surface.atlas import UvAtlas, texel_sites
from inperson.reconstruct.surface.places import at_places
from inperson.reconstruct.surface.posing import SurfacePoser
from inperson.reconstruct.training.motion import motion_at
from inperson.reconstruct.training.people import PersonShots
from inperson.reconstruct.training.targets import UvTargets, measure_targets, points_of
from tests.reconstruct.training.bare_people import bare_person, color_at, states

SIZE = 64


@pytest.fixture(scope="module")
def measured() -> tuple[PersonShots, UvAtlas, UvTargets, np.ndarray]:
    """A person, the atlas, the targets and where each texel truly is in the T-pose."""
    body = load_body("neutral")
    person, atlas = bare_person(0, views=8, size=192), UvAtlas.of(body, SIZE)
    betas = person.states[0].betas
    sites = texel_sites(atlas, DressedSurface(body, betas, np.zeros((body.num_vertices, 3), np.float32)))
    rest = np.zeros((SIZE, SIZE, 3), np.float32)
    rest[atlas.inside] = at_places(body.shaped(betas), body.faces, sites.face_index, sites.barycentric)
    return person, atlas, measure_targets(body, person, atlas, reach=0.2), rest


def test_a_bare_bodys_colors_come_back(measured) -> None:
    _, atlas, targets, rest = measured
    seen = targets.weight > 0
    assert not seen[~atlas.inside].any()
    assert seen[atlas.inside].mean() > 0.7
    error = np.abs(targets.color[seen] - color_at(rest[seen])).max(axis=1)
    assert np.median(error) < 0.01
    assert np.quantile(error, 0.95) < 0.1
    assert (targets.part[seen] == 1).all()
    assert (targets.part[~seen] == 0).all()


def test_points_come_back_to_the_t_pose(measured) -> None:
    _, _, targets, rest = measured
    seen = targets.weight > 0
    distance = np.linalg.norm(targets.position[seen] - rest[seen], axis=1)
    texel = 0.03  # metres, about, on so small a map
    assert np.median(distance) < 0.2 * texel
    assert np.quantile(distance, 0.95) < texel


def test_what_no_view_sees_weighs_nothing() -> None:
    """With views of the front alone the back stays unknown."""
    body, person, atlas = (
        load_body("neutral"),
        bare_person(0, views=1, size=160),
        UvAtlas.of(load_body("neutral"), SIZE),
    )
    targets = measure_targets(body, person, atlas, reach=0.2)
    sites = texel_sites(
        atlas, DressedSurface(body, person.states[0].betas, np.zeros((body.num_vertices, 3), np.float32))
    )
    rest = at_places(body.v_template, body.faces, sites.face_index, sites.barycentric)
    weight = targets.weight[atlas.inside]
    chest = (np.abs(rest[:, 0]) < 0.12) & (np.abs(rest[:, 1]) < 0.2)
    assert (weight[chest & (rest[:, 2] > 0.06)] > 0).mean() > 0.7
    assert (weight[chest & (rest[:, 2] < -0.06)] > 0).mean() < 0.02


def test_points_lie_where_the_depth_says_and_face_the_camera(measured) -> None:
    person = measured[0]
    view = person.target_views[2]
    seen = points_of(person.target_rgba[2], person.target_depth[2], person.target_part[2], view)
    T, K = view.T_cv_from_world, view.intrinsics
    camera = seen.place @ T[:3, :3].T + T[:3, 3]
    column, row = (K.fx * camera[:, 0] / camera[:, 2] + K.cx, K.fy * camera[:, 1] / camera[:, 2] + K.cy)
    np.testing.assert_allclose(column % 1, 0.5, atol=1e-2)
    np.testing.assert_allclose(person.target_depth[2][row.astype(int), column.astype(int)], camera[:, 2], atol=1e-4)
    to_eye = view.T_world_from_eye[:3, 3] - seen.place
    assert ((seen.normal * to_eye).sum(axis=1) > 0).mean() > 0.999
    np.testing.assert_allclose(np.linalg.norm(seen.normal, axis=1), 1.0, atol=1e-5)


def test_motion_at_places_is_the_bindings() -> None:
    body = load_body("neutral")
    state = states(body, 1)[0]
    rng = np.random.default_rng(0)
    face_index = rng.integers(len(body.faces), size=500)
    barycentric = rng.dirichlet([1, 1, 1], 500).astype(np.float32)
    expected = SurfaceBinding(body, state.betas, face_index, barycentric).motion(state)
    bare = DressedSurface(body, state.betas, np.zeros((body.num_vertices, 3), np.float32))
    found = motion_at(SurfacePoser(bare).pose(state).motion, body.faces, face_index, barycentric)
    for name in ("points", "quats", "stretch"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=2e-5)
