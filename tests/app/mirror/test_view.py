"""The mirror with somebody in it: the frame settles on the head, holds still, and can be recentred."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.app.mirror.framing import Framing
from inperson.app.mirror.view import HEAD_JOINT, SETTLING_STATES, MirrorView
from inperson.app.pictures.turntable import at_ease
from inperson.app.timing import StageTimes
from inperson.avatar.body import load_body
from inperson.avatar.skinning import BodyPoser
from inperson.errors import BadInputError
from tests.app.drawing_doubles import PointRasterizer, tiny_avatar


@pytest.fixture(scope="module")
def body():
    return load_body("neutral")


@pytest.fixture
def rasterizer():
    return PointRasterizer()


@pytest.fixture
def view(body, rasterizer):
    return MirrorView(tiny_avatar(body), body, rasterizer, 64, 48)


def standing(body, x: float):
    state = at_ease(body.num_betas, body.num_expression)
    return replace(state, transl=np.array([x, 0.0, -2.0], np.float32))


def eye_x(rasterizer) -> float:
    """Where the last picture's eye stood."""
    return float(rasterizer.views[-1][0].T_world_from_eye[0, 3])


def head_x(body, state) -> float:
    return float(BodyPoser(body, np.zeros(body.num_betas)).joint_transforms(state)[1][HEAD_JOINT][0])


def test_the_frame_follows_the_mean_head_then_holds_still(view, rasterizer, body):
    here, there = standing(body, 0.0), standing(body, 0.5)
    view.draw(here, StageTimes())
    assert eye_x(rasterizer) == pytest.approx(head_x(body, here), abs=1e-6)
    view.draw(there, StageTimes())
    assert eye_x(rasterizer) == pytest.approx(0.25, abs=1e-3)
    for _ in range(SETTLING_STATES - 2):
        view.draw(here, StageTimes())
    settled = eye_x(rasterizer)
    for _ in range(5):
        view.draw(there, StageTimes())
    assert eye_x(rasterizer) == settled


def test_recentring_finds_the_head_again(view, rasterizer, body):
    for _ in range(SETTLING_STATES + 1):
        view.draw(standing(body, 0.0), StageTimes())
    view.recenter()
    view.draw(standing(body, 0.5), StageTimes())
    assert eye_x(rasterizer) == pytest.approx(head_x(body, standing(body, 0.5)), abs=1e-6)


def test_a_raised_left_hand_is_on_the_left_in_a_mirror(view, body):
    """The person's own left is +x: right in the camera's picture, left in a mirror's."""
    pose = standing(body, 0.0).full_pose.copy()
    pose[16] = (0.0, 0.0, 1.2)
    state = standing(body, 0.0).with_full_pose(pose)
    view.draw(state, StageTimes())
    sides = {}
    for reflect in (True, False):
        view.reflect = reflect
        upper = view.draw(state, StageTimes())[:14].min(axis=-1) > 215
        sides[reflect] = np.flatnonzero(upper.any(axis=0)).mean() - 32
    assert sides[True] < -2
    assert sides[False] > 2


def test_stages_are_noted_and_the_size_is_right(body, rasterizer):
    pair = MirrorView(tiny_avatar(body), body, rasterizer, 64, 48, stereo=True)
    times = StageTimes()
    assert pair.draw(standing(body, 0.0), times).shape == (48, 128, 3) == (*pair.picture_size[::-1], 3)
    assert pair.draw_nobody().shape == (48, 128, 3)
    assert list(times.table()) == ["pose", "draw"]


def test_another_avatar_takes_its_place(view, body):
    white = view.draw(standing(body, 0.0), StageTimes())
    view.change_avatar(tiny_avatar(body, name="red", color=0.0), body)
    assert view.avatar_name == "red"
    assert view.draw(standing(body, 0.0), StageTimes()).mean() < white.mean()


def test_an_avatar_of_another_body_is_refused(view, body):
    with pytest.raises(BadInputError, match="another body"):
        view.change_avatar(replace(tiny_avatar(body), body_sha256="0" * 64), body)


def test_a_held_frame_stays_until_somebody_recentres(view, rasterizer, body):
    framing = Framing(np.array([0.3, 0.1, -2.0]))
    view.hold(framing)
    for x in (0.0, 0.5):
        view.draw(standing(body, x), StageTimes())
        np.testing.assert_array_equal(
            rasterizer.views[-1][0].T_world_from_eye, framing.eyes(64, 48)[0].T_world_from_eye
        )
    view.recenter()
    view.draw(standing(body, 0.5), StageTimes())
    assert eye_x(rasterizer) == pytest.approx(head_x(body, standing(body, 0.5)), abs=1e-6)
