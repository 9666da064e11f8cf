"""The plainest completion: mirrored, then spread smoothly."""

from dataclasses import replace

import numpy as np

from inperson.avatar.body import SKIN
from inperson.reconstruct.surface.mirroring import mirror_colors
from inperson.reconstruct.surface.places import at_places, mirrored_places, part_of_faces
from inperson.reconstruct.surface.posing import dressed_rest
from inperson.reconstruct.surface.seeing import see
from inperson.reconstruct.surface.sites import lay_sites
from tests.reconstruct.surface.conftest import Scene


def test_one_side_gives_the_other_and_what_is_between_lies_between(scene: Scene) -> None:
    body = scene.fit.body
    sites = lay_sites(scene.surface, np.ones(len(body.faces)), 6_000)
    place = at_places(dressed_rest(scene.surface), body.faces, sites.face_index, sites.barycentric)
    truth = np.column_stack([0.5 + 0.2 * np.tanh(3 * place[:, 1])] * 3) * (1.0, 0.8, 0.6)
    looked = see(sites, scene.surface, scene.fit, scene.picture, scene.painted(np.full((body.num_vertices, 3), 0.5)))
    left = place[:, 0] > 0.01
    seen = replace(looked, confidence=np.where(left, 1.0, 0.0).astype(np.float32), color=truth.astype(np.float32))
    seen.color[~left] = 9.0  # whatever stands where nothing is seen must not count
    found = mirror_colors(sites, seen, scene.surface)
    np.testing.assert_allclose(found[left], truth[left], atol=0.06)
    right = (place[:, 0] < -0.01) & (part_of_faces(body) == SKIN)[sites.face_index]
    assert np.abs(found[right] - truth[right]).mean() < 0.03
    twin = mirrored_places(body, sites.face_index, sites.barycentric)
    assert np.abs(found[right] - truth[twin[right]]).mean() < 0.03
    assert found.min() >= truth.min() - 1e-3
    assert found.max() <= truth.max() + 1e-3


def test_nothing_seen_is_grey(scene: Scene) -> None:
    sites = lay_sites(scene.surface, np.ones(len(scene.fit.body.faces)), 3_000)
    looked = see(
        sites, scene.surface, scene.fit, scene.picture, scene.painted(np.full((scene.fit.body.num_vertices, 3), 0.5))
    )
    blind = replace(looked, confidence=np.zeros(len(sites), np.float32))
    np.testing.assert_allclose(mirror_colors(sites, blind, scene.surface), 0.5, atol=1e-6)
