"""Who is found in a photo, and what is said when nobody usable is."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.reconstruct.photo.people import PeopleFinder
from inperson.reconstruct.photo.person import SMALLEST, find_person, photo_intrinsics
from inperson.reconstruct.stages import Photo
from inperson.render.backends import make_rasterizer
from inperson.render.views import EyeView, look_at
from inperson.tracking.models import POSE, model_path
from inperson.tracking.residuals import project
from tests.reconstruct.photo.conftest import known_photo

pytestmark = pytest.mark.usefixtures("model_cache")
WALL = 190


def photo_of(image: np.ndarray, focal: float | None = None) -> Photo:
    return Photo(np.ascontiguousarray(image), "photo.png", "0" * 64, focal)


def person() -> np.ndarray:
    return known_photo("gestures", 0).photo.image


def refused(photo: Photo, number: int | None = None) -> str:
    with pytest.raises(BadInputError) as caught:
        find_person(photo, number)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_body_hands_and_face_are_where_they_truly_are():
    known = known_photo("gestures", 0)
    seen = find_person(known.photo)
    truth = project(known.vertices, seen.intrinsics)
    body = load_body("neutral")
    places = body.mediapipe_faces >= 0
    corners = truth[body.faces[body.mediapipe_faces[places]]]
    face = (corners * body.mediapipe_barycentric[places][..., None]).sum(axis=1)
    assert np.linalg.norm(seen.face.pixels[places] - face, axis=1).mean() < 4.0
    assert seen.left_hand is not None
    assert seen.right_hand is not None
    assert seen.body_visibility[[11, 12]].min() > 0.9


def test_looking_twice_gives_the_same():
    photo = known_photo("gestures", 0).photo
    np.testing.assert_allclose(find_person(photo).face.pixels, find_person(photo).face.pixels, atol=1e-3)


def test_several_people_are_listed_from_left_to_right_and_one_can_be_chosen():
    image = person()
    both = photo_of(np.hstack([image, image[:, ::-1]]))
    said = refused(both)
    assert "2 people (1: x " in said
    assert "--person N" in said
    left, right = find_person(both, 1), find_person(both, 2)
    width = image.shape[1]
    assert left.face.pixels[:, 0].max() < width < right.face.pixels[:, 0].min()
    mirrored = 2 * width - left.face.pixels[:, 0].mean()
    assert right.face.pixels[:, 0].mean() == pytest.approx(mirrored, abs=3.0)
    assert "has no person 3" in refused(both, 3)
    assert "has no person 0" in refused(both, 0)


def test_the_number_of_the_only_person_may_be_given():
    photo = known_photo("gestures", 0).photo
    assert find_person(photo, 1).face is not None
    assert "it shows one person" in refused(photo, 2)


@pytest.mark.parametrize("cut", [1, 2, 3, 5])
def test_any_width_will_do(cut):
    """MediaPipe's masks of widths that are not round cannot be looked into; ours must be whole all the same."""
    image = person()[:, :-cut]
    with PeopleFinder(model_path(POSE)) as finder:
        (found,) = finder.find(image)
    assert found.mask.shape == image.shape[:2]
    assert found.mask[240, 320] > 0.5 > found.mask[5, 5]


def test_nobody():
    y, x = np.mgrid[:300, :400]
    assert "no person" in refused(photo_of(np.stack([x % 256, y % 256, (x + y) % 256], axis=2).astype(np.uint8)))


def test_too_small_says_how_many_pixels_are_needed():
    small = cv2.resize(person(), None, fx=0.32, fy=0.32, interpolation=cv2.INTER_AREA)
    canvas = np.full((480, 640, 3), WALL, np.uint8)
    canvas[150 : 150 + small.shape[0], 220 : 220 + small.shape[1]] = small
    said = refused(photo_of(canvas))
    assert "too small" in said
    assert f"at least {SMALLEST:.0f} pixels" in said


def test_a_head_cut_off():
    known = known_photo("gestures", 0)
    face = find_person(known.photo).face.pixels
    middle = int(np.median(face[:, 1]))
    said = refused(photo_of(known.photo.image[middle:]))
    assert "cuts off" in said or "turned away or covered" in said


def test_shoulders_cut_off():
    known = known_photo("gestures", 0)
    seen = find_person(known.photo)
    low, high = seen.face.pixels.min(axis=0), seen.face.pixels.max(axis=0)
    left, right, bottom = int(low[0]) - 20, int(high[0]) + 20, int(high[1]) + 40
    close = cv2.resize(known.photo.image[max(int(low[1]) - 60, 0) : bottom, left:right], None, fx=3, fy=3)
    said = refused(photo_of(close))
    assert "cuts off the shoulders" in said


@pytest.mark.parametrize("degrees", [180, 100])
def test_a_face_turned_away(degrees):
    said = refused(photo_of(avatar_seen_from(degrees)))
    assert "turned away" in said


def avatar_seen_from(degrees: float) -> np.ndarray:
    """A shipped avatar, head and trunk, by the CPU rasteriser before a wall."""
    avatar = load_avatar("samuel")
    body = load_body(avatar.body_name)
    state = BodyState.rest(body.num_betas, body.num_expression)
    pose = state.body_pose.copy()
    pose[15, 2], pose[16, 2] = -1.2, 1.2
    angle = np.deg2rad(degrees)
    place = np.array([0.0, 0.05, 0.0])
    eye = place + 1.6 * np.array([np.sin(angle), 0.0, np.cos(angle)])
    view = EyeView.from_intrinsics(photo_intrinsics(photo_of(np.zeros((480, 640, 3), np.uint8))), look_at(eye, place))
    posed = AvatarPoser(avatar, body).pose(replace(state, body_pose=pose))
    picture = make_rasterizer("cpu").render_color(posed, [view])
    rgb = picture.rgb[0] + (1 - picture.alpha[0][..., None]) * (WALL / 255)
    return np.rint(255 * np.clip(rgb, 0, 1)).astype(np.uint8)


def test_the_camera_is_the_files_or_a_usual_one():
    noted = photo_intrinsics(photo_of(np.zeros((200, 300, 3), np.uint8), 410.0))
    assert (noted.fx, noted.fy, noted.cx, noted.cy) == (410.0, 410.0, 150.0, 100.0)
    wide, tall = (photo_intrinsics(photo_of(np.zeros(shape, np.uint8))) for shape in ((200, 300, 3), (300, 200, 3)))
    assert wide.fx == tall.fx == pytest.approx(150.0 / np.tan(np.deg2rad(31.0)))
