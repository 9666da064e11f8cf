"""Bodies somewhere else: moved rigidly, and set up opposite somebody whatever way they stood before."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.app.motion.placing import APART_M, SETTLING_STATES, T_ABOUT_FACE, Opposite, moved
from inperson.app.pictures.turntable import at_ease
from inperson.avatar.body import load_body
from inperson.avatar.skinning import BodyPoser

BODY = load_body("neutral")
BETAS = np.zeros(BODY.num_betas, np.float32)
POSER = BodyPoser(BODY, BETAS)
LEFT_WRIST, RIGHT_WRIST, HEAD = 20, 21, 15


def standing(turned: float = 0.0, place=(0.0, 0.0, 0.0)):
    state = replace(at_ease(BODY.num_betas, BODY.num_expression), global_orient=np.float32([0.0, turned, 0.0]))
    return replace(state, transl=np.float32(place))


@given(
    turn=st.tuples(*[st.floats(-2, 2)] * 3),
    shift=st.tuples(*[st.floats(-3, 3)] * 3),
    turned=st.floats(-3, 3),
)
@settings(max_examples=25)
def test_every_vertex_moves_along(turn, shift, turned):
    T = np.eye(4)
    T[:3, :3] = Rotation.from_rotvec(turn).as_matrix()
    T[:3, 3] = shift
    state = standing(turned, (0.3, -1.0, -2.0))
    before = POSER.pose(state).vertices[::97].copy()
    after = POSER.pose(moved(state, T, POSER.rest_joints[0])).vertices[::97]
    np.testing.assert_allclose(after, before @ T[:3, :3].T + T[:3, 3], atol=2e-5)


def test_about_face_is_half_a_turn():
    wearer = standing(np.pi, (0.4, 0.0, -0.2))
    facing_us = moved(wearer, T_ABOUT_FACE, POSER.rest_joints[0])
    before, after = (POSER.pose(state).joints[HEAD].copy() for state in (wearer, facing_us))
    assert after == pytest.approx(before * [-1, 1, -1], abs=1e-5)
    assert Rotation.from_rotvec(facing_us.global_orient).as_matrix() == pytest.approx(np.eye(3), abs=1e-6)


@given(turned=st.floats(-3, 3), place=st.tuples(*[st.floats(-3, 3)] * 3))
@settings(max_examples=25)
def test_opposite_stands_on_the_floor_and_looks_at_the_wearer(turned, place):
    posed = POSER.pose(Opposite(BODY, BETAS)(standing(turned, place)))
    assert posed.vertices[:, 1].min() == pytest.approx(0.0, abs=0.02)  # soles, of feet that are not quite level
    assert posed.joints[0, [0, 2]] == pytest.approx([0.0, -APART_M], abs=1e-3)
    left, right = posed.joints[[LEFT_WRIST, RIGHT_WRIST], 0]
    assert left > 0.2 > -0.2 > right  # who faces +z has the left hand at +x
    assert posed.joints[HEAD, 1] > 1.2


def test_the_place_settles_then_holds_and_the_person_moves_in_it():
    opposite = Opposite(BODY, BETAS)
    for k in range(SETTLING_STATES):
        opposite(standing(place=(0.0, 0.0, -2.0 - 0.2 * (k % 2))))  # two guesses at their distance
    settled = opposite(standing(place=(0.0, 0.0, -2.1)))
    assert settled.transl[2] + POSER.rest_joints[0, 2] == pytest.approx(-APART_M, abs=1e-3)
    stepped = opposite(standing(place=(0.0, 0.0, -1.6)))  # half a metre towards the camera, so towards the wearer
    assert stepped.transl - settled.transl == pytest.approx([0.0, 0.0, 0.5], abs=1e-5)
    opposite.settle_anew()
    again = opposite(standing(place=(0.0, 0.0, -2.5)))
    assert again.transl - stepped.transl == pytest.approx([0.0, 0.0, -0.5], abs=1e-2)
