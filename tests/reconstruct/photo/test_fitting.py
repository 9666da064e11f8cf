"""The fitted body against people whose every joint is known, and against real ones."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from inperson.avatar.body import load_body
from inperson.avatar.skinning import BodyPoser
from inperson.reconstruct.photo.fitting import fit_photo
from inperson.reconstruct.photo.matte import Matter
from inperson.reconstruct.photo.person import find_person
from inperson.reconstruct.photo.picture import read_photo
from inperson.reconstruct.photo.terms_shape import chest_relief
from inperson.reconstruct.stages import Matte, Photo, PhotoFit
from inperson.reconstruct.surface.mesh_picture import draw_mesh, project
from inperson.tracking.fit.landmarks import JOINT
from inperson.tracking.sources import open_source
from tests.reconstruct.photo.conftest import known_photo

pytestmark = pytest.mark.usefixtures("model_cache")
CASES = (("gestures", 0), ("chest", 30))


def fitted_photo(photo: Photo) -> tuple[PhotoFit, Matte]:
    observation = find_person(photo)
    matte = Matter().cut_out(photo.image, observation)
    return fit_photo(load_body("neutral"), observation, matte), matte


@cache
def fitted(clip: str, index: int) -> tuple[PhotoFit, Matte]:
    return fitted_photo(known_photo(clip, index).photo)


def vertices_of(fit: PhotoFit) -> np.ndarray:
    return BodyPoser(fit.body, fit.state.betas).pose(fit.state).vertices


def face_error(fit: PhotoFit) -> float:
    """Mean distance of the face mesh's landmarks, as a share of the face's width."""
    places = fit.body.mediapipe_faces >= 0
    corners = vertices_of(fit)[fit.body.faces[fit.body.mediapipe_faces[places]]]
    shown, _ = project((corners * fit.body.mediapipe_barycentric[places][..., None]).sum(axis=1), fit.view)
    seen = fit.observation.face.pixels
    return float(np.linalg.norm(shown - seen[places], axis=1).mean() / np.ptp(seen[:, 0]))


@pytest.mark.parametrize(("clip", "index"), CASES)
def test_the_surface_lies_on_the_true_one(clip, index):
    """Seen vertices of the undressed body fall within 6 pixels in the mean (13 mm there), heads within 4."""
    fit, _ = fitted(clip, index)
    truth = known_photo(clip, index).vertices
    picture = draw_mesh(truth, fit.body.faces, fit.view)
    seen = np.zeros(len(truth), bool)
    seen[fit.body.faces[np.unique(picture.face_index[picture.face_index >= 0])]] = True
    error = np.linalg.norm(project(vertices_of(fit), fit.view)[0] - project(truth, fit.view)[0], axis=1)
    owner = np.array(fit.body.joint_names)[fit.body.weights.argmax(axis=1)]
    assert error[seen].mean() < 6.0
    assert error[seen & (owner == "head")].mean() < 4.0
    hands = np.isin(owner, fit.body.joint_names[25:])
    assert error[seen & hands].mean() < 6.0
    covered = draw_mesh(vertices_of(fit), fit.body.faces, fit.view).face_index >= 0
    true_cover = picture.face_index >= 0
    assert (covered & true_cover).sum() / (covered | true_cover).sum() > 0.92


@pytest.mark.parametrize(("clip", "index"), CASES)
def test_faces_fit_their_landmarks(clip, index):
    assert face_error(fitted(clip, index)[0]) < 0.02


@pytest.mark.parametrize(("clip", "index"), CASES)
def test_shapes_and_faces_are_possible_ones(clip, index):
    state = fitted(clip, index)[0].state
    assert np.abs(state.betas).max() < 3.5
    assert (state.expression > -0.1).all()
    assert (state.expression < 1.1).all()
    assert np.linalg.norm(chest_relief(load_body("neutral")) @ state.betas) < 0.003


def test_hands_before_the_chest_stay_before_it():
    fit, _ = fitted("chest", 30)
    joints = BodyPoser(fit.body, fit.state.betas).pose(fit.state).joints
    hands = [JOINT[f"{side}_{name}"] for side in ("left", "right") for name in ("wrist", "middle1")]
    assert joints[hands, 2].min() > joints[[JOINT["spine2"], JOINT["spine3"]], 2].max() + 0.05


def test_the_body_stays_inside_the_matte():
    fit, matte = fitted("gestures", 0)
    covered = draw_mesh(vertices_of(fit), fit.body.faces, fit.view).face_index >= 0
    assert (covered & ~matte.inside).sum() < 0.03 * covered.sum()


def test_the_outline_improves_the_fit(monkeypatch):
    """Without the outline's rounds the bare body covers the matte less well."""
    fit, matte = fitted("gestures", 0)
    monkeypatch.setattr("inperson.reconstruct.photo.fitting._ROUNDS", 0)
    blind = fit_photo(fit.body, fit.observation, matte)
    assert cover(fit, matte) > cover(blind, matte)


def test_fitting_again_gives_the_same():
    fit, matte = fitted("gestures", 0)
    again = fit_photo(fit.body, fit.observation, matte)
    np.testing.assert_array_equal(again.state.betas, fit.state.betas)
    np.testing.assert_array_equal(again.state.full_pose, fit.state.full_pose)


def cover(fit: PhotoFit, matte: Matte) -> float:
    """Intersection over union of the bare body and the matte."""
    covered = draw_mesh(vertices_of(fit), fit.body.faces, fit.view).face_index >= 0
    return float((covered & matte.inside).sum() / (covered | matte.inside).sum())


@pytest.mark.media
@pytest.mark.parametrize("name", ["astronaut", "again", "book", "brother", "milk", "night", "thanks"])
def test_real_people(media: Path, name: str, tmp_path):
    """The bare body fills most of the person, the face sits on its landmarks, the shape is a possible one."""
    if name == "astronaut":
        photo = read_photo(media / "photo" / "astronaut.png")
    else:
        with open_source(media / "video" / f"intel_{name}.mkv", live=False) as source:
            frame = source.read()
        photo = Photo(np.ascontiguousarray(frame.image), f"{name}.png", "0" * 64)
    fit, matte = fitted_photo(photo)
    assert cover(fit, matte) > (0.6 if name == "astronaut" else 0.83), "a space suit and a helmet are no body"
    assert face_error(fit) < 0.02
    assert np.abs(fit.state.betas).max() < 4.0
    assert np.linalg.norm(chest_relief(fit.body) @ fit.state.betas) < 0.0036
