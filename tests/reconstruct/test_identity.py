"""Faces: what changes nothing about who it is changes nothing, what does does."""

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inperson.reconstruct.identity import FaceDescriptor, describe_faces, face_distance
from inperson.reconstruct.perceptual import Perceptual
from inperson.tracking.models import fetch_models
from inperson.tracking.observation import FaceObservation


@pytest.fixture(scope="module")
def perceptual() -> Perceptual:
    fetch_models()
    return Perceptual.load()


def face(seed: int) -> tuple[np.ndarray, FaceObservation]:
    """A smooth random picture, and a mesh with eyes, mouth and nose in their places."""
    rng = np.random.default_rng(seed)
    noise = rng.uniform(0, 255, (12, 12, 3)).astype(np.float32)
    image = np.clip(cv2.resize(noise, (240, 240), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)
    pixels = 120 + 40 * rng.normal(size=(478, 2))
    places = {(33, 133, 159, 145): (90, 95), (362, 263, 386, 374): (150, 95), (61, 291, 13, 14): (120, 160)}
    places[(1, 2, 98, 327)] = (120, 130)
    for part, place in places.items():
        pixels[list(part)] = place
    observation = FaceObservation(pixels, 40 * rng.normal(size=478), np.zeros(52), np.eye(4), 1.0)
    return image, observation


def moved(image: np.ndarray, seen: FaceObservation, scale: float, angle: float) -> tuple[np.ndarray, FaceObservation]:
    """The same face, larger, turned in the picture, brighter."""
    matrix = cv2.getRotationMatrix2D((120, 120), np.degrees(angle), scale)
    turned = np.clip(1.2 * cv2.warpAffine(image, matrix, (240, 240), borderMode=cv2.BORDER_REPLICATE), 0, 255)
    pixels = seen.pixels @ matrix[:, :2].T + matrix[:, 2]
    return turned.astype(np.uint8), FaceObservation(pixels, scale * seen.depth, np.zeros(52), np.eye(4), 1.0)


def test_place_size_turn_and_brightness_do_not_matter(perceptual):
    image, seen = face(0)
    same = describe_faces([moved(image, seen, 1.2, 0.3)], perceptual)
    one, other = describe_faces([(image, seen)], perceptual), describe_faces([face(1)], perceptual)
    assert face_distance(one, one) == pytest.approx(0.0, abs=1e-6)
    assert face_distance(one, same) < 0.35 * face_distance(one, other)


def test_distance_is_symmetric_and_a_turned_head_is_the_same_shape(perceptual):
    a, b = (describe_faces([face(n)], perceptual) for n in (2, 3))
    assert face_distance(a, b) == pytest.approx(face_distance(b, a), rel=1e-6)
    turned = FaceDescriptor(Rotation.from_rotvec([0.1, 0.5, -0.2]).apply(a.shape), a.appearance)
    assert face_distance(a, turned) == pytest.approx(0.0, abs=1e-6)
    mirrored = FaceDescriptor(a.shape * [-1, 1, 1], a.appearance)
    assert face_distance(a, mirrored) > 0.5, "a mirrored face is another one"


def test_nobody_cannot_be_described(perceptual):
    with pytest.raises(ValueError, match="no face"):
        describe_faces([], perceptual)
