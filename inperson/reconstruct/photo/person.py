"""Whom a photo shows, where, and whether it shows enough of them."""

from dataclasses import replace

import numpy as np

from inperson.conventions import DEFAULT_HORIZONTAL_FOV, Intrinsics
from inperson.errors import BadInputError
from inperson.reconstruct.photo.people import FoundPerson, PeopleFinder, silhouette_among, without_the_others
from inperson.reconstruct.photo.steady import observe_still
from inperson.reconstruct.stages import Photo
from inperson.tracking.fit.landmarks import MP_LEFT_SHOULDER, MP_RIGHT_SHOULDER
from inperson.tracking.landmarkers import Perception
from inperson.tracking.landmarkers_hand_search import body_size
from inperson.tracking.models import POSE, model_path
from inperson.tracking.observation import FaceObservation, Observation

SMALLEST = 80.0
"""Pixels from shoulder to shoulder; below it eyes and fingers are smaller than a pixel or two."""
_BYSTANDER = 0.3
"""People smaller than this share of the largest one stand in the background: nobody means them."""
_FACING = 0.5
"""Cosine between face and view below which the face is turned away (60 degrees)."""
_SHOULDERS = [MP_LEFT_SHOULDER, MP_RIGHT_SHOULDER]
_FACE_OUTLINE = [10, 338, 297, 284, 454, 361, 397, 379, 152, 150, 172, 132, 234, 54, 67, 109]
"""Of the face mesh: forehead, temples, jaw, chin."""
_OUTSIDE = 0.05
"""How far outside the picture a landmark may be guessed, as a share of the person's size."""


def find_person(photo: Photo, number: int | None = None) -> Observation:
    """The person in a photo: body, hands and face in the photo's pixels; among others also their silhouette.

    The camera is the one the file notes down, or one of the usual field of view along the longer side.

    Args:
        photo: any upright picture.
        number: which of several people, 1 for the leftmost; None for a picture of one person.

    Raises:
        BadInputError: nobody, several people and no number, no such number, a face that is not seen, somebody too
            small or not whole from shoulders to forehead.
        MissingModelError: the landmarkers' model files are not there.
    """
    with PeopleFinder(model_path(POSE)) as finder:
        found = finder.find(photo.image)
    chosen = _choose(photo, found, number)
    index = next(i for i, person in enumerate(found) if person is chosen)
    image = without_the_others(photo.image, found, index)
    with Perception() as perception:
        observation = observe_still(perception, image, photo_intrinsics(photo))
    _check(photo, chosen, observation)
    return observation if len(found) == 1 else replace(observation, silhouette=silhouette_among(found, index))


def photo_intrinsics(photo: Photo) -> Intrinsics:
    """The photo's camera: square pixels, principal point in the middle."""
    height, width = photo.image.shape[:2]
    focal = photo.focal or 0.5 * max(width, height) / float(np.tan(0.5 * DEFAULT_HORIZONTAL_FOV))
    return Intrinsics(focal, focal, width / 2, height / 2, width, height)


def _choose(photo: Photo, found: list[FoundPerson], number: int | None) -> FoundPerson:
    if not found:
        raise BadInputError(f"{photo.name} shows no person", "give a photo of one person from the front")
    largest = max(body_size(person.pixels) for person in found)
    people = [person for person in found if body_size(person.pixels) >= _BYSTANDER * largest]
    if number is None and len(people) > 1:
        raise BadInputError(f"{photo.name} shows {_listed(people)}", "choose one with --person N")
    if number is not None and not 1 <= number <= len(people):
        raise BadInputError(
            f"{photo.name} has no person {number}: it shows {_listed(people)}", f"choose 1 to {len(people)}"
        )
    return people[(number or 1) - 1]


def _listed(people: list[FoundPerson]) -> str:
    if len(people) == 1:
        return "one person"
    boxes = [p.box for p in people]
    places = [f"{i}: x {b.x0:.0f}-{b.x1:.0f}, y {b.y0:.0f}-{b.y1:.0f}" for i, b in enumerate(boxes, start=1)]
    return f"{len(people)} people ({'; '.join(places)})"


def _check(photo: Photo, chosen: FoundPerson, seen: Observation) -> None:
    """Whether the person is shown well enough to make an avatar of."""
    size = body_size(chosen.pixels if seen.body_pixels is None else seen.body_pixels)
    if size < SMALLEST:
        raise BadInputError(
            f"the person in {photo.name} is too small, about {size:.0f} pixels across the shoulders",
            f"give a photo with at least {SMALLEST:.0f} pixels there",
        )
    if seen.body_pixels is None or seen.face is None or _facing(seen.face) < _FACING:
        raise BadInputError(
            f"the face of the person in {photo.name} is turned away or covered", "give a photo from the front"
        )
    cut = [
        what
        for what, points in (
            ("the shoulders", seen.body_pixels[_SHOULDERS]),
            ("the head", seen.face.pixels[_FACE_OUTLINE]),
        )
        if not _inside(points, seen.intrinsics, _OUTSIDE * size)
    ]
    if cut:
        raise BadInputError(
            f"{photo.name} cuts off {' and '.join(cut)}",
            "give a photo with head and shoulders, better the whole upper body, in it",
        )


def _facing(face: FaceObservation) -> float:
    """Cosine between where the face looks and the way to the camera."""
    T = face.T_cv_from_head
    return float(-T[:3, 2] @ T[:3, 3] / np.linalg.norm(T[:3, 3]))


def _inside(points: np.ndarray, camera: Intrinsics, margin: float) -> bool:
    return bool(((points >= -margin) & (points <= np.array([camera.width, camera.height]) + margin)).all())
