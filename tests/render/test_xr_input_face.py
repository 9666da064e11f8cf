"""Headsets' blendshapes by ARKit's names: the tables are whole, and structs filled as runtimes fill them are read."""

import ctypes
import re

import numpy as np
import pytest
import xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inperson.avatar.body import load_body
from inperson.render.xr.face import face_from_fb, face_from_htc
from inperson.render.xr.face_arkit import (
    FB_SHAPES,
    FB_WITHOUT_ARKIT,
    HTC_EYE_SHAPES,
    HTC_LIP_SHAPES,
    HTC_LIP_WITHOUT_ARKIT,
    arkit_from_fb,
    arkit_from_htc_eyes,
    arkit_from_htc_lips,
)

FB = xr.FaceExpression2FB
EYE, LIP = xr.FacialTrackingTypeHTC.EYE_DEFAULT, xr.FacialTrackingTypeHTC.LIP_DEFAULT
ARKIT = frozenset(load_body("neutral").expr_names)
UPPER = {name for name in ARKIT if name.startswith(("brow", "eye"))}
LOOKS = {name for name in ARKIT if name.startswith("eyeLook")}


def weights(count: int, **shapes: float) -> np.ndarray:
    """Zero but for some of Meta's shapes."""
    values = np.zeros(count, np.float32)
    for name, value in shapes.items():
        values[FB[name]] = value
    return values


# --- the tables ---------------------------------------------------------------------------------------------------


def test_metas_table_has_all_of_arkits_names_and_uses_each_shape_once():
    assert set(FB_SHAPES) == ARKIT
    used = [shape for shapes in FB_SHAPES.values() for shape in shapes] + list(FB_WITHOUT_ARKIT)
    assert sorted(used) == list(range(FB.COUNT))


def test_htcs_tables_have_only_arkits_names_and_use_each_shape_once():
    assert set(HTC_EYE_SHAPES) | set(HTC_LIP_SHAPES) <= ARKIT
    assert not set(HTC_EYE_SHAPES) & set(HTC_LIP_SHAPES)
    eyes = [shape for shapes in HTC_EYE_SHAPES.values() for shape in shapes]
    lips = [shape for shapes in HTC_LIP_SHAPES.values() for shape in shapes] + list(HTC_LIP_WITHOUT_ARKIT)
    assert sorted(eyes) == list(range(xr.FACIAL_EXPRESSION_EYE_COUNT_HTC))
    assert sorted(lips) == list(range(xr.FACIAL_EXPRESSION_LIP_COUNT_HTC))


def side(name: str) -> str | None:
    """L or R, of ARKit's names (browDownLeft) and of the headsets' (LIP_SUCK_LB, LEFT_BLINK, MOUTH_UPPER_UPLEFT)."""
    words = re.sub("(?<=[a-z])(?=[A-Z])", "_", name).upper()
    found = re.findall("(?:^|_|UP|DOWN)([LR])(?:EFT|IGHT|[BT])?(?=_|$)", words)
    return found[-1] if found else None


@pytest.mark.parametrize("table", [FB_SHAPES, HTC_EYE_SHAPES, HTC_LIP_SHAPES])
def test_left_stays_left(table):
    for name, shapes in table.items():
        sides = {side(shape.name) for shape in shapes}
        assert sides == {side(name)} or (sides == {"L", "R"} and side(name) is None), name


@pytest.mark.parametrize(
    ("shape", "left_eye", "right_eye"),
    [("LEFT", "eyeLookOutLeft", "eyeLookInRight"), ("RIGHT", "eyeLookInLeft", "eyeLookOutRight")],
)
def test_looking_aside_turns_one_eye_in_and_the_other_out(shape, left_eye, right_eye):
    face = arkit_from_fb(weights(70, **{f"EYES_LOOK_{shape}_L": 0.5, f"EYES_LOOK_{shape}_R": 0.5}))
    assert {name for name, value in face.items() if value} == {left_eye, right_eye}


# --- the weights --------------------------------------------------------------------------------------------------


def test_shapes_that_share_a_name_are_averaged():
    assert arkit_from_fb(weights(70, LIP_FUNNELER_LB=0.8, LIP_FUNNELER_RT=0.4))["mouthFunnel"] == pytest.approx(0.3)
    assert arkit_from_fb(weights(70, CHEEK_PUFF_L=1.0))["cheekPuff"] == pytest.approx(0.5)
    assert arkit_from_fb(weights(70, LIP_CORNER_PULLER_R=0.7))["mouthSmileRight"] == pytest.approx(0.7)


def test_lips_close_no_further_than_the_jaw_opens():
    assert arkit_from_fb(weights(70, LIPS_TOWARD=0.8, JAW_DROP=0.3))["mouthClose"] == pytest.approx(0.3)
    assert arkit_from_fb(weights(70, LIPS_TOWARD=0.2, JAW_DROP=0.3))["mouthClose"] == pytest.approx(0.2)


def test_htcs_ape_shape_is_an_open_jaw_behind_shut_lips():
    lips = np.zeros(37, np.float32)
    lips[xr.LipExpressionHTC.MOUTH_APE_SHAPE], lips[xr.LipExpressionHTC.JAW_OPEN] = 0.6, 0.1
    face = arkit_from_htc_lips(lips)
    assert face["jawOpen"] == pytest.approx(0.7)
    assert face["mouthClose"] == pytest.approx(0.6)


finite = st.floats(-2, 2, width=32)


@given(
    arrays(np.float32, 70, elements=finite),
    arrays(np.float32, 14, elements=finite),
    arrays(np.float32, 37, elements=finite),
)
def test_coefficients_stay_between_0_and_1_and_the_mouth_possible(fb, eyes, lips):
    for face in (arkit_from_fb(fb), arkit_from_htc_eyes(eyes), arkit_from_htc_lips(lips)):
        assert all(0.0 <= value <= 1.0 for value in face.values())
        assert face.get("mouthClose", 0.0) <= face.get("jawOpen", 0.0)


# --- the structs --------------------------------------------------------------------------------------------------


def fb_answer(*, valid=True, upper=1.0, lower=1.0, looks=True) -> xr.FaceExpressionWeights2FB:
    """Every weight a little more than the one before."""
    confidences = (ctypes.c_float * 2)()
    confidences[xr.FaceConfidence2FB.UPPER_FACE], confidences[xr.FaceConfidence2FB.LOWER_FACE] = upper, lower
    return xr.FaceExpressionWeights2FB(
        weights=(ctypes.c_float * 70)(*(k / 70 for k in range(70))),
        confidences=confidences,
        is_valid=valid,
        is_eye_following_blendshapes_valid=looks,
    )


def test_metas_answer_is_read_whole():
    face = face_from_fb(fb_answer())
    assert set(face) == ARKIT
    assert face["jawOpen"] == pytest.approx(FB.JAW_DROP / 70)
    assert face["eyeBlinkRight"] == pytest.approx(FB.EYES_CLOSED_R / 70)
    assert face["browInnerUp"] == pytest.approx((FB.INNER_BROW_RAISER_L + FB.INNER_BROW_RAISER_R) / 140)


def test_parts_without_confidence_are_left_out():
    assert set(face_from_fb(fb_answer(upper=0.0, looks=False))) == ARKIT - UPPER
    assert set(face_from_fb(fb_answer(lower=0.0))) == UPPER
    assert set(face_from_fb(fb_answer(looks=False))) == ARKIT - LOOKS
    assert face_from_fb(fb_answer(upper=0.0, lower=0.0, looks=False)) is None


def test_an_invalid_answer_of_meta_is_no_face():
    assert face_from_fb(fb_answer(valid=False)) is None


@pytest.mark.parametrize(("kind", "count", "table"), [(EYE, 14, HTC_EYE_SHAPES), (LIP, 37, HTC_LIP_SHAPES)])
def test_htcs_answer_is_read_while_its_tracker_sees_something(kind, count, table):
    values = (ctypes.c_float * count)(*([0.5] * count))
    seen = face_from_htc(kind, xr.FacialExpressionsHTC(is_active=True, expression_weightings=values))
    assert set(seen) == set(table)
    assert {value for name, value in seen.items() if name != "jawOpen"} == {0.5}
    assert face_from_htc(kind, xr.FacialExpressionsHTC(is_active=False, expression_weightings=values)) == {}
