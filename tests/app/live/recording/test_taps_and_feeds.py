"""What processes put into the rings comes out as records, to the bit."""

import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from inperson.app.live.recording.about import About, avatar_of
from inperson.app.live.recording.feeds import HeadsetFeed, PictureFeed, Presence, TrackedFeed
from inperson.app.live.recording.pictures import PictureTap
from inperson.app.live.recording.rings import LiveRings
from inperson.app.live.recording.taps import HeadsetTap, TrackingTap
from inperson.app.recording.records import (
    BodyRecord,
    EventKind,
    EventRecord,
    HeadsetRecord,
    ParticipantRecord,
    TimingsRecord,
    VideoRecord,
)
from inperson.avatar.body import load_body
from inperson.avatar.file import avatar_path
from inperson.avatar.headset_pose import HeadsetPose
from inperson.conventions import Intrinsics
from inperson.render.frame_times import FrameRecord
from inperson.render.views import EyeView
from inperson.tracking.observation import CameraFrame
from tests.app.recording.made_up import bits, made_up_state, made_up_transform

K = Intrinsics(500.5, 501.25, 320.0, 240.0, 64, 48)
BODY = load_body("neutral")
FRAME_NS = 33_000_000


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def put():
    return []


@pytest.fixture
def about(put):
    return About("me", BODY, lambda record: put.append(record) is None, world="play")


def rings_of(**wanted) -> LiveRings:
    return LiveRings.make(3, 6, **({"tracking": False, "pictures": False, "headset": False} | wanted))


def state_at(time_ns, rng, here=True):
    state = made_up_state(time_ns, rng, betas=np.arange(3, dtype=np.float32))
    return replace(state, confidence=np.array([0.5 if here else 0.0, 0, 0, 0, 0], np.float32))


def frame_at(time_ns, image=None) -> CameraFrame:
    image = np.zeros((48, 64, 3), np.uint8) if image is None else image
    return CameraFrame(image, time_ns, time_ns // FRAME_NS, K)


def test_every_tracked_state_comes_out_to_the_bit_with_what_it_took(rng, about, put):
    rings = rings_of(tracking=True)
    states = [state_at((k + 1) * FRAME_NS, rng) for k in range(40)]
    feed = TrackedFeed(rings.tracking.frames, about, "me", states=True)
    records = []
    with TrackingTap(rings.tracking) as tap:
        for state in states:
            tap.put(frame_at(state.time_ns), state, np.array([1e6, 2e6, 3.5e6]), state.time_ns + 7)
            if state.time_ns % 3 == 0:
                records += feed.drain()
    records += feed.drain()
    assert [bits(r.state) for r in records if isinstance(r, BodyRecord)] == [bits(state) for state in states]
    timings = [r for r in records if isinstance(r, TimingsRecord)]
    assert [t.time_ns for t in timings] == [state.time_ns + 7 for state in states]
    assert timings[0].clock == "tracking"
    assert dict(zip(timings[0].stages, timings[0].durations_ns, strict=True)) == {
        "capture": 1_000_000, "landmarks": 2_000_000, "fit": 3_500_000,
    }  # fmt: skip
    assert [r.intrinsics for r in put] == [K]  # once
    assert not [r for r in records if isinstance(r, EventRecord)]


def test_in_a_headset_tracked_states_are_not_the_wearers(rng, about):
    rings = rings_of(tracking=True)
    TrackingTap(rings.tracking).put(frame_at(5), state_at(5, rng), np.zeros(3), 6)
    records = list(TrackedFeed(rings.tracking.frames, about, "me", states=False).drain())
    assert [type(r) for r in records] == [TimingsRecord]


def test_states_that_found_no_room_are_an_event(rng, about):
    rings = rings_of(tracking=True)
    tap, feed = TrackingTap(rings.tracking), TrackedFeed(rings.tracking.frames, about, "me", states=True)
    for k in range(515):
        tap.put(frame_at(k), state_at(k, rng), np.zeros(3), k)
    records = list(feed.drain())
    assert sum(isinstance(r, BodyRecord) for r in records) == 512
    (event,) = [r for r in records if isinstance(r, EventRecord)]
    assert (event.kind, event.count) == (EventKind.DROPPED, 3)
    assert list(feed.drain()) == []  # told once


def test_a_tap_without_rings_hands_over_nothing():
    with TrackingTap(None) as tap:
        tap.put(frame_at(1), None, np.zeros(3), 1)
    HeadsetTap(None).submitted(frame_record(1), 90.0)


def frame_record(display_ns: int, **changes) -> FrameRecord:
    times = {"wait_ms": 4.0, "input_ms": 0.5, "pose_ms": 1.25, "draw_ms": 2.0, "submit_ms": 0.75, "lead_ms": 20.0}
    values = {"display_time_ns": display_ns, "missed": 0, "scale": 1.0, "level": 0}
    return FrameRecord(**(times | values | changes))


def test_a_headsets_frame_comes_out_with_everything_it_knew(rng, about, put):
    rings = rings_of(headset=True)
    head, grip, gaze, left, right = (made_up_transform(rng) for _ in range(5))
    angles = (-0.8, 0.6, 0.7, -0.75), (-0.6, 0.8, 0.7, -0.75)
    views = tuple(EyeView(T, *fov, 100, 100) for T, fov in zip((left, right), angles, strict=True))
    state = state_at(1000, rng)
    tap, feed = HeadsetTap(rings.headset), HeadsetFeed(rings.headset, about, "me")
    tap.posed(HeadsetPose(1000, head, T_play_from_right_grip=grip, T_play_from_gaze=gaze), state)
    tap.drawn(views)
    tap.submitted(frame_record(1000, shade_ms=3.0), 72.0)
    records = list(feed.drain())
    headset, body, timings = records
    assert isinstance(headset, HeadsetRecord)
    assert headset.time_ns == body.time_ns == 1000
    expected = {
        "head": head, "left_eye": left, "right_eye": right, "left_grip": None, "right_grip": grip, "gaze": gaze,
    }  # fmt: skip
    for name, T in expected.items():
        found = getattr(headset, f"T_play_from_{name}")
        assert found is None if T is None else np.array_equal(found, T)
    assert np.array_equal(headset.left_fov, np.float32(angles[0]))
    assert np.array_equal(headset.right_fov, np.float32(angles[1]))
    assert bits(body.state) == bits(state)
    assert dict(zip(timings.stages, timings.durations_ns, strict=True)) == {
        "wait": 4_000_000, "input": 500_000, "pose": 1_250_000, "draw": 2_000_000, "shade": 3_000_000,
        "submit": 750_000,
    }  # fmt: skip
    assert [r.framerate for r in put] == [72.0]


def test_a_frame_without_eyes_or_body_says_so_and_one_that_was_not_wanted_only_what_it_took(about):
    rings = rings_of(headset=True)
    tap, feed = HeadsetTap(rings.headset), HeadsetFeed(rings.headset, about, "me")
    tap.posed(HeadsetPose(1000, None), None)
    tap.submitted(frame_record(1000, rendered=False), 90.0)
    tap.submitted(frame_record(2000, rendered=False), 90.0)
    headset, *timings = feed.drain()
    assert headset.T_play_from_head is None
    assert headset.T_play_from_left_eye is None
    assert headset.left_fov is None
    assert [type(t) for t in timings] == [TimingsRecord, TimingsRecord]


def test_nobody_for_half_a_second_is_lost_and_found_again():
    presence = Presence("me", "nobody is in view")
    script = [
        (0.0, True),
        (0.1, False),
        (0.2, True),
        (0.3, False),
        (0.6, False),
        (0.71, False),
        (2.0, False),
        (2.5, True),
    ]
    events = [event for at, here in script for event in presence.at(round(at * 1e9), here=here)]
    assert [(event.kind, event.time_ns) for event in events] == [
        (EventKind.LOST, 710_000_000), (EventKind.FOUND, 2_500_000_000),
    ]  # fmt: skip
    from_the_start = Presence("me", "")
    events = [event for k in range(10) for event in from_the_start.at(k * 100_000_000, here=k == 9)]
    assert [event.kind for event in events] == [EventKind.LOST, EventKind.FOUND]


def test_camera_pictures_are_jpegs_of_what_was_seen_unmirrored(about):
    rings = rings_of(tracking=True, pictures=True)
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :32] = (250, 20, 10)
    with TrackingTap(rings.tracking) as tap:
        tap._pictures.put(frame_at(FRAME_NS, image))
    (record,) = PictureFeed(rings.tracking.pictures, "me").drain()
    assert isinstance(record, VideoRecord)
    assert (record.time_ns, record.sequence, record.width, record.height) == (FRAME_NS, 1, 64, 48)
    back = cv2.cvtColor(cv2.imdecode(np.frombuffer(record.data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert np.abs(back[:, :28].astype(int) - (250, 20, 10)).max() < 12
    assert back[:, 36:].max() < 12


def test_pictures_that_come_too_fast_or_are_too_large_are_left_out_and_counted(monkeypatch):
    rings = rings_of(tracking=True, pictures=True)
    gate = threading.Event()
    monkeypatch.setattr(
        "inperson.app.live.recording.pictures.jpeg_of",
        lambda frame: gate.wait() and np.zeros(frame.sequence, np.uint8),
    )
    tap = PictureTap(rings.tracking.pictures)
    for size in (600_000, 10, 20, 30, 40):
        while size == 600_000 and tap._waiting.qsize():
            pass
        tap.put(CameraFrame(np.zeros((4, 4, 3), np.uint8), size, size, K))
        while size == 600_000 and tap._waiting.qsize():
            pass  # the thread has it
    gate.set()
    tap.close()
    records = list(PictureFeed(rings.tracking.pictures, "me").drain())
    assert [r.sequence for r in records if isinstance(r, VideoRecord)] == [10, 20]
    (event,) = [r for r in records if isinstance(r, EventRecord)]
    assert (event.kind, event.count) == (EventKind.DROPPED, 3)  # two came too fast, one was too large


def test_the_description_is_written_again_only_when_it_changes(put, about):
    about.begin(10)
    assert not about.change(20, world="play")
    assert about.change(30, framerate=30.0)
    assert not about.change(40, framerate=30.0)
    first, second = put
    assert (first.time_ns, first.framerate, second.time_ns, second.framerate) == (10, 0.0, 30, 30.0)
    assert isinstance(first, ParticipantRecord)
    assert first.expr_names == tuple(BODY.expr_names)
    assert (first.body_name, first.body_sha256) == ("neutral", BODY.sha256)


def test_the_users_own_avatar_is_embedded_and_a_shipped_one_named(tmp_path):
    shipped = avatar_path("ada")
    own, copy = tmp_path / "me.avatar", tmp_path / "ada.avatar"
    own.write_bytes(b"somebody")
    copy.write_bytes(shipped.read_bytes())
    for name, keep, embedded in [
        ("ada", "auto", False),
        ("ada", "embed", True),
        (own, "auto", True),
        (own, "reference", False),
        (copy, "auto", False),  # the shipped one, wherever it lies
    ]:
        described, record = avatar_of(str(name), keep, 7)
        data = avatar_path(name).read_bytes()
        assert described == {"avatar_name": Path(name).stem, "avatar_sha256": hashlib.sha256(data).hexdigest()}
        assert (record is not None) == embedded
        assert record is None or (record.data, record.time_ns) == (data, 7)
