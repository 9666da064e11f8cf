"""The person cut out of pictures whose truth is known."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.reconstruct.photo.matte import Matter
from inperson.reconstruct.photo.one_person import one_person
from inperson.reconstruct.photo.person import find_person
from inperson.reconstruct.photo.segmenting import color_odds, looks_at, person_box
from inperson.reconstruct.stages import Photo
from inperson.render.backends import make_rasterizer
from inperson.render.views import EyeView, look_at
from inperson.tracking.observation import Observation

pytestmark = pytest.mark.usefixtures("model_cache")
CAMERA = Intrinsics.from_horizontal_fov(640, 480)
NOBODY = Observation(0, 0, CAMERA, None, None, None, None, None, None)


@cache
def drawn_person():
    """A shipped avatar before a wall in uneven light: picture, true opacity, true colours (premultiplied)."""
    avatar = load_avatar("samuel")
    body = load_body(avatar.body_name)
    state = BodyState.rest(body.num_betas, body.num_expression)
    pose = state.body_pose.copy()
    pose[15, 2], pose[16, 2] = -1.1, 1.1
    place = np.array([0.0, 0.1, 0.0])
    view = EyeView.from_intrinsics(CAMERA, look_at(place + np.array([0.0, 0.0, 1.3]), place))
    picture = make_rasterizer("cpu").render_color(
        AvatarPoser(avatar, body).pose(replace(state, body_pose=pose)), [view]
    )
    alpha, rgb = picture.alpha[0], picture.rgb[0]
    y, x = np.mgrid[: CAMERA.height, : CAMERA.width] / CAMERA.width
    wall = np.stack([0.45 + 0.1 * x, 0.5 + 0.1 * y, 0.6 - 0.1 * x * y], axis=2)
    image = np.rint(255 * np.clip(rgb + (1 - alpha[..., None]) * wall, 0, 1)).astype(np.uint8)
    return image, alpha, rgb


@cache
def cut():
    image, _, _ = drawn_person()
    observation = find_person(Photo(image, "drawn.png", "0" * 64))
    return Matter().cut_out(image, observation), observation


def test_the_matte_is_the_persons():
    matte, _ = cut()
    _, alpha, _ = drawn_person()
    assert matte.alpha.dtype == np.float32
    assert (matte.alpha >= 0).all()
    assert (matte.alpha <= 1).all()
    truth = alpha > 0.5
    assert (matte.inside & truth).sum() / (matte.inside | truth).sum() > 0.96
    assert np.abs(matte.alpha - alpha).mean() < 0.01


def test_colours_inside_are_the_pictures_and_at_the_edge_the_persons():
    matte, _ = cut()
    image, alpha, rgb = drawn_person()
    solid = (matte.alpha > 0.999) & (alpha > 0.999)
    assert np.abs(matte.foreground[solid] - image[solid] / 255).max() < 0.01
    edge = (alpha > 0.3) & (alpha < 0.9)
    truth = rgb[edge] / alpha[edge][:, None]
    ours, stained = np.abs(matte.foreground[edge] - truth).mean(), np.abs(image[edge] / 255 - truth).mean()
    assert ours < 0.85 * stained


def test_cutting_out_twice_is_the_same():
    image, _, _ = drawn_person()
    again = Matter().cut_out(image, cut()[1])
    np.testing.assert_array_equal(again.alpha, cut()[0].alpha)


def test_the_neighbour_is_left_out():
    """Of two people side by side the matte holds the chosen one."""
    image, alpha, _ = drawn_person()
    both = np.ascontiguousarray(np.hstack([image, image[:, ::-1]]))
    left = Matter().cut_out(both, find_person(Photo(both, "two.png", "0" * 64), 1))
    width = image.shape[1]
    assert left.alpha[:, width:].max() == 0
    truth = alpha > 0.5
    assert (left.inside[:, :width] & truth).sum() / (left.inside[:, :width] | truth).sum() > 0.94


def test_nobody_seen_is_an_empty_matte():
    image, _, _ = drawn_person()
    matte = Matter().cut_out(image, NOBODY)
    assert not matte.alpha.any()
    assert person_box(NOBODY) is None
    assert len(looks_at(NOBODY)) == 1


def test_looks_come_closer_and_stay_in_the_picture():
    looks = looks_at(cut()[1])
    areas = [look.box.area for look in looks]
    assert areas == sorted(areas, reverse=True)
    for look in looks:
        assert look.box.x0 >= 0
        assert look.box.y1 <= CAMERA.height


def test_a_bystander_in_the_background_is_not_the_person():
    probability = np.zeros((480, 640), np.float32)
    probability[100:480, 240:400] = 0.98
    probability[50:150, 560:620] = 0.99
    probability[470:474, 300:304] = 0.2
    kept = one_person(probability, cut()[1])
    assert (kept[:, 500:] == 0).all()
    assert (kept[470:474, 300:304] == 1).all(), "a small doubtful hole is closed"


def test_colours_that_only_the_person_has_count_for_them():
    image = np.full((100, 100, 3), (200, 200, 200), np.uint8)
    image[:, :50] = (180, 40, 40)
    probability = np.full((100, 100), 0.5, np.float32)
    probability[:, :30], probability[:, 70:] = 1.0, 0.0
    odds = color_odds(image, probability)
    assert (odds[:, 30:50] > 1).all()
    assert (odds[:, 50:70] < -1).all()
    assert not color_odds(image, np.full((100, 100), 0.5, np.float32)).any(), "nothing sure, nothing learned"
