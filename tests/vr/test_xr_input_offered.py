"""Parts that only some headsets have, on a runtime that has them: Monado with `OfferingLayer` on top."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import xr

from inperson.avatar.body import load_body
from inperson.avatar.headset_pose import HeadsetPose
from inperson.render.xr import extensions
from inperson.render.xr.face_arkit import HTC_EYE_SHAPES, HTC_LIP_SHAPES
from inperson.render.xr.graphics import open_graphics
from inperson.render.xr.input import HeadsetInput
from inperson.render.xr.runtime import XrRuntime
from inperson.render.xr.session import XrSession
from tests.vr.offering_layer import OfferingLayer

ARKIT = set(load_body("neutral").expr_names)
FB = xr.FaceExpression2FB


@pytest.fixture
def layer(wearer, tmp_path: Path) -> OfferingLayer:
    return OfferingLayer(tmp_path / "layer")


@contextmanager
def opened(layer: OfferingLayer, *enabled: str) -> Iterator[tuple[XrSession, HeadsetInput]]:
    """A session and its input on a runtime with these extensions besides Monado's own."""
    graphics = open_graphics("egl")
    with XrRuntime.open("egl", api_layers=(layer.name,)) as runtime:
        runtime.enabled |= set(enabled)
        with XrSession(runtime, graphics) as session, HeadsetInput(session) as headset_input:
            yield session, headset_input
    graphics.close()


def frame(session: XrSession, headset_input: HeadsetInput) -> tuple[int, HeadsetPose]:
    """The XrTime of one empty frame, and what was read for it."""
    session.poll()
    while not session.running:
        session.poll()
    timing = session.wait_frame()
    session.begin_frame()
    headset, _ = headset_input.read(timing)
    session.end_frame(timing)
    return timing.xr_time, headset


def test_metas_face_tracking_is_read_for_the_display_time(layer):
    with opened(layer, extensions.FACE_TRACKING_FB) as (session, headset_input):
        assert "face" in headset_input.parts
        visual_and_audio = (xr.FaceTrackingDataSource2FB.VISUAL, xr.FaceTrackingDataSource2FB.AUDIO)
        assert list(layer.face_trackers.values()) == [visual_and_audio]
        xr_time, headset = frame(session, headset_input)
        assert layer.asked_times == [xr_time]
        assert set(headset.face) == ARKIT
        assert headset.face["mouthSmileLeft"] == pytest.approx(FB.LIP_CORNER_PULLER_L / 70)
        layer.face_is_seen = False
        assert frame(session, headset_input)[1].face is None
    assert not layer.face_trackers


def test_htcs_eye_and_lip_trackers_make_one_face(layer):
    with opened(layer, extensions.FACE_TRACKING_HTC) as (session, headset_input):
        assert "face" in headset_input.parts
        assert len(layer.face_trackers) == 2
        _, headset = frame(session, headset_input)
        assert set(headset.face) == set(HTC_EYE_SHAPES) | set(HTC_LIP_SHAPES)
        assert headset.face["eyeBlinkRight"] == headset.face["mouthPucker"] == 0.25
        layer.face_is_seen = False
        assert frame(session, headset_input)[1].face is None
    assert not layer.face_trackers


def test_metas_tracker_goes_before_htcs(layer):
    with opened(layer, extensions.FACE_TRACKING_FB, extensions.FACE_TRACKING_HTC):
        assert len(layer.face_trackers) == 1


def test_hands_tell_whether_a_controller_made_them(layer):
    with opened(layer, extensions.HAND_DATA_SOURCE) as (session, headset_input):
        seen_or_made = (xr.HandTrackingDataSourceEXT.UNOBSTRUCTED, xr.HandTrackingDataSourceEXT.CONTROLLER)
        assert layer.requested_hand_sources == [seen_or_made, seen_or_made]
        _, headset = frame(session, headset_input)
        assert headset.left_hand.from_controller is headset.right_hand.from_controller is True
        layer.hand_source = xr.HandTrackingDataSourceEXT.UNOBSTRUCTED
        _, headset = frame(session, headset_input)
        assert headset.left_hand.from_controller is headset.right_hand.from_controller is False


def test_gaze_is_bound_where_the_eyes_are_followed_and_none_while_they_are_not_seen(layer):
    with opened(layer) as (session, headset_input):
        assert headset_input.parts == ("hands", "gaze")
        while not session.focused:
            frame(session, headset_input)
        _, headset = frame(session, headset_input)
        assert headset.T_play_from_gaze is None  # Monado takes the binding, and has no eyes to bind
        assert headset.T_play_from_left_grip is not None
