"""The outline of a person who is larger than their body in known ways."""

import numpy as np
import pytest

from inperson.avatar.body import SKIN
from inperson.reconstruct.stages import DressedSurface, PhotoFit
from inperson.reconstruct.surface.outline import match_outline
from inperson.reconstruct.surface.posing import dressed_rest, normals_of
from inperson.reconstruct.surface.regions import INDEX, Regions
from tests.reconstruct.surface.conftest import HEIGHT, WIDTH, Scene, matte_of, overlap

JUMPER = 0.03


@pytest.fixture(scope="module")
def regions(fit: PhotoFit) -> Regions:
    return Regions.of(fit.body, fit.state.betas)


@pytest.fixture(scope="module")
def dressed_truth(fit: PhotoFit, regions: Regions) -> Scene:
    """A jumper three centimetres thick, and thick hair."""
    body = fit.body
    names = ("torso", "left_upper_arm", "right_upper_arm", "left_forearm", "right_forearm")
    jumper = regions.share[:, [INDEX[name] for name in names]].sum(axis=1)
    low = np.clip(regions.along[:, INDEX["torso"]] / 0.1, 0, 1) * regions.share[:, INDEX["torso"]]
    jumper = jumper - regions.share[:, INDEX["torso"]] + low
    offset = JUMPER * jumper + 0.02 * regions.hair
    offset[body.vertex_part != SKIN] = 0
    return Scene.of(fit, (offset[:, None] * normals_of(body.shaped(fit.state.betas), body.faces)).astype(np.float32))


@pytest.fixture(scope="module")
def matched(fit: PhotoFit, dressed_truth: Scene) -> DressedSurface:
    return match_outline(fit, matte_of(dressed_truth.picture.face_index >= 0))


def along_normals(surface: DressedSurface) -> np.ndarray:
    normals = normals_of(surface.body.shaped(surface.betas), surface.body.faces)
    return (surface.displacement * normals).sum(axis=1)


def test_the_outline_is_the_mattes(
    fit: PhotoFit, scene: Scene, dressed_truth: Scene, matched: DressedSurface
) -> None:
    person = dressed_truth.picture.face_index >= 0
    before = overlap(scene.picture.face_index >= 0, person)
    after = overlap(Scene.of(fit, matched.displacement).picture.face_index >= 0, person)
    assert before < 0.9
    assert after > 0.975


def test_thickness_goes_around(matched: DressedSurface, regions: Regions) -> None:
    """The photo shows two sides of a sleeve; its front and its back are as thick."""
    offset = along_normals(matched)
    normals = normals_of(matched.body.shaped(matched.betas), matched.body.faces)
    arm = regions.share[:, INDEX["left_upper_arm"]] > 0.9
    for side in (arm & (normals[:, 2] > 0.8), arm & (normals[:, 2] < -0.8)):
        assert side.any()
        assert np.median(offset[side]) == pytest.approx(JUMPER, abs=0.012)
    scalp = (regions.hair > 0.99) & (normals[:, 2] < -0.5)
    assert np.median(offset[scalp]) == pytest.approx(0.02, abs=0.008)


def test_no_spikes(matched: DressedSurface, regions: Regions) -> None:
    """Away from the cuffs, where a sleeve meets a hand that hardly moves, thickness changes gently."""
    faces = matched.body.faces
    hands = regions.share[:, [INDEX["left_hand"], INDEX["right_hand"]]].sum(axis=1)
    chosen = ((matched.body.vertex_part == SKIN) & (hands < 1e-3))[faces].all(axis=1)
    rest, thickness = matched.body.shaped(matched.betas), np.linalg.norm(matched.displacement, axis=1)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        i, j = faces[chosen, a], faces[chosen, b]
        slope = np.abs(thickness[i] - thickness[j]) / np.linalg.norm(rest[i] - rest[j], axis=1)
        assert np.quantile(slope, 0.99) < 0.6
        assert slope.max() < 1.5


def test_eyes_teeth_and_hands_stay(matched: DressedSurface, regions: Regions) -> None:
    length = np.linalg.norm(matched.displacement, axis=1)
    assert length[matched.body.vertex_part != SKIN].max() == 0
    hands = regions.share[:, [INDEX["left_hand"], INDEX["right_hand"]]].sum(axis=1)
    assert length[hands > 0.9].max() < 0.007
    face = (regions.share[:, INDEX["head"]] > 0.95) & (regions.hair == 0)
    front = dressed_rest(matched)[:, 2] > 0.12
    assert length[face & front].max() < 0.005


def test_a_body_that_fits_is_left_alone(fit: PhotoFit, scene: Scene) -> None:
    surface = match_outline(fit, matte_of(scene.picture.face_index >= 0))
    length = np.linalg.norm(surface.displacement, axis=1)
    assert np.quantile(length, 0.95) < 0.004


def test_too_large_a_body_shrinks(fit: PhotoFit) -> None:
    body = fit.body
    shrink = -0.012 * (body.vertex_part == SKIN)
    normals = normals_of(body.shaped(fit.state.betas), body.faces)
    thin = Scene.of(fit, (shrink[:, None] * normals).astype(np.float32))
    person = thin.picture.face_index >= 0
    surface = match_outline(fit, matte_of(person))
    drawn = Scene.of(fit, surface.displacement).picture.face_index >= 0
    assert overlap(drawn, person) > 0.95
    torso = Regions.of(body, fit.state.betas).share[:, INDEX["torso"]] > 0.95
    assert -0.02 < np.median(along_normals(surface)[torso]) < -0.004


def test_an_empty_matte_moves_nothing(fit: PhotoFit) -> None:
    surface = match_outline(fit, matte_of(np.zeros((HEIGHT, WIDTH), bool)))
    assert np.abs(surface.displacement).max() < 1e-9
