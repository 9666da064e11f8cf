"""Whole live sessions that are recorded: real processes, a real file; a scripted camera."""

import hashlib
import itertools
import json
import time
from pathlib import Path

import av
import numpy as np
import pytest

from inperson.app.audio.opus import SAMPLE_RATE
from inperson.app.display_clock import DisplayClock
from inperson.app.live.recording import opening
from inperson.app.recording.durable_file import DurableFile
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import (
    BodyRecord,
    EventKind,
    EventRecord,
    HeadsetRecord,
    ParticipantRecord,
    SettingsRecord,
    TimingsRecord,
    VideoRecord,
)
from inperson.app.recording.sound import sound_of
from inperson.avatar.body import load_body
from inperson.avatar.state import Source
from inperson.errors import BadInputError, DeviceError, OutputError
from inperson.render.window import Action, MirrorWindow
from inperson.tracking.motion_file import clip_of_states, save_motion
from tests.app import headset_doubles, tracking_doubles
from tests.app.audio.sound_doubles import write_sound
from tests.app.drawing_doubles import PointRasterizer
from tests.app.recording.made_up import made_up_state
from tests.app.recording.test_recorder import FullFile

BODY = load_body("neutral")


def tracked_times(workplace: Path) -> list[int]:
    return [int(line) for line in (workplace / "tracked.txt").read_text().split()]


def events_of(session: SessionReader) -> list[EventRecord]:
    return [record for record in session.records(EventRecord) if isinstance(record, EventRecord)]


def press(monkeypatch, script) -> list:
    """Presses keys when their time has come; gives what the window shows: overlay and sign."""
    shown, show = [], MirrorWindow.show

    def seen_show(window, picture, overlay=None, sign=None):
        shown.append((overlay, sign))
        show(window, picture, overlay, sign)

    def keys(window):
        if script and len(shown) >= script[0][0]:
            return [script.pop(0)[1]]
        return []

    monkeypatch.setattr(MirrorWindow, "show", seen_show)
    monkeypatch.setattr(MirrorWindow, "take_actions", keys)
    return shown


def test_every_tracked_state_is_in_the_file_however_slow_the_display(workplace, record, monkeypatch):
    render = PointRasterizer.render_color

    def slow(self, gaussians, views):
        time.sleep(0.3)
        return render(self, gaussians, views)

    monkeypatch.setattr(PointRasterizer, "render_color", slow)
    figures, said, path = record(seconds=1.5, report=workplace / "r.json")
    tracked = tracked_times(workplace)
    assert figures.display.count < 8 < len(tracked)  # many more were tracked than shown
    with SessionReader(path) as session:
        assert session.closed
        states = list(session.states("me"))
        assert [state.time_ns for state in states] == tracked
        assert [state.transl[0] for state in states] == [1 + k % 12 for k in range(len(tracked))]
        assert len(tracked) == figures.tracking.rate.count
        timings = [record.clock for record in session.records(TimingsRecord)]
        assert timings.count("tracking") == len(tracked)
        assert timings.count("mirror") == figures.display.count
        assert [event.kind for event in events_of(session)] == [EventKind.JOIN, EventKind.LEAVE, EventKind.END]
    report = json.loads((workplace / "r.json").read_text())["recording"]
    assert (report["states"], report["dropped"], report["error"]) == (len(tracked), 0, "")
    assert report["bytes"] == path.stat().st_size
    assert f"{len(tracked)} states, no sound, 0 dropped" in said


def test_a_file_says_who_was_recorded_with_what(workplace, record, avatar_file):
    """With everything that can be asked for: a microphone, and the camera's pictures."""
    samples = np.zeros(SAMPLE_RATE, np.float32)
    samples[round(0.3 * SAMPLE_RATE) :][:48] = 0.9
    voice = write_sound(workplace / "voice.wav", samples, SAMPLE_RATE)
    figures, said, path = record(microphone=str(voice), record_camera=True, seconds=1.2)
    with SessionReader(path) as session:
        (settings,) = session.records(SettingsRecord)
        about, events, sound = session.participants()["me"], events_of(session), sound_of(session, "me")
        pictures = [r for r in session.records(VideoRecord) if isinstance(r, VideoRecord)]
        sha256 = hashlib.sha256(avatar_file.read_bytes()).hexdigest()
        assert session.avatars == (sha256,)  # the user's own
        assert session.avatar(sha256) == avatar_file.read_bytes()

    assert (about.avatar_name, about.avatar_sha256, about.world) == ("tiny", sha256, "camera")
    assert (about.body_name, about.body_sha256) == ("neutral", BODY.sha256)
    assert (about.expr_names, about.framerate) == (tuple(BODY.expr_names), 100.0)
    assert about.intrinsics == tracking_doubles.INTRINSICS
    assert settings.values["live.record"] == '"s.mcap"'
    assert settings.values["live.avatar"] == '"tiny.avatar"'
    assert settings.values["live.size"] == "[64, 48]"
    assert "live.out" not in settings.values
    assert str(workplace) not in str(settings.values)

    heard_ns = sound.start_ns + int(np.argmax(np.abs(sound.samples))) * 1e9 / SAMPLE_RATE
    assert abs(heard_ns - events[0].time_ns - 0.3e9) < 3e6  # at its place after the session's beginning
    assert figures.recording.sound_seconds == pytest.approx(1.02)  # the whole file, and the encoder's rest
    assert figures.recording.microphone == "voice.wav"
    assert "microphone: voice.wav" in said

    assert any("pictures of the camera are recorded" in event.text for event in events)
    assert "PICTURES OF THE CAMERA" in said
    dropped = figures.recording.dropped
    assert len(pictures) == figures.recording.camera_pictures == len(tracked_times(workplace)) - dropped > 0
    assert {(p.width, p.height, p.data[:2]) for p in pictures} == {(64, 48, b"\xff\xd8")}
    assert {p.time_ns for p in pictures} <= set(tracked_times(workplace))


def test_the_sign_is_on_the_window_with_and_without_the_overlay_and_never_in_the_file(
    workplace, record, xvfb, monkeypatch
):
    monkeypatch.setenv("DISPLAY", xvfb)
    script = [(5, Action.OVERLAY), (10, Action.RECENTER), (15, Action.NEXT_AVATAR), (20, Action.QUIT)]
    shown = press(monkeypatch, script)
    out = workplace / "mirror.mp4"
    _, _, path = record(view="mirror", seconds=None, record_camera=True, out=out)
    assert any(overlay is None for overlay, _ in shown)
    signs = [sign for _, sign in shown]
    assert all(sign is not None and sign.title.startswith("REC 00:") for sign in signs)
    assert signs[-1].line.endswith("+ CAMERA")
    assert signs[-1].size > 0
    assert all(later.seconds >= earlier.seconds for earlier, later in itertools.pairwise(signs))
    with av.open(str(out)) as container:
        for frame in container.decode(video=0):
            corner = frame.to_ndarray(format="rgb24")[:10, 40:].astype(int)
            assert (corner[..., 0] - corner[..., 1]).max() < 60  # no red dot
    with SessionReader(path) as session:
        kinds = [event.kind for event in events_of(session)]
        abouts = [r for r in session.records(ParticipantRecord) if isinstance(r, ParticipantRecord)]
        assert len(session.avatars) == 1  # the shipped one that came later is only named
    assert kinds.count(EventKind.RECENTER) == kinds.count(EventKind.AVATAR) == 1
    assert [about.avatar_name for about in abouts[:1]] == ["tiny"]
    assert abouts[-1].avatar_name != "tiny"
    assert abouts[-1].body_sha256 == BODY.sha256  # states stay those of the first one's body


def test_in_a_headset_every_frame_with_what_it_knew(record, xvfb, monkeypatch):
    monkeypatch.setenv("DISPLAY", xvfb)
    press(monkeypatch, [(5, Action.RECENTER), (12, Action.QUIT)])
    figures, _, path = record(view="headset+mirror", seconds=None)
    with SessionReader(path) as session:
        states = list(session.states("me"))
        frames = [r for r in session.records(HeadsetRecord) if isinstance(r, HeadsetRecord)]
        about = session.participants()["me"]
        clocks = [r.clock for r in session.records(TimingsRecord) if isinstance(r, TimingsRecord)]
        (recentred,) = [event for event in events_of(session) if event.kind is EventKind.RECENTER]
    assert [int(state.transl[1]) for state in states] == list(range(1, len(states) + 1))
    assert len(states) == len(frames) == figures.recording.headset_frames == figures.headset.frames.rendered > 5
    assert all(state.source == (Source.HEADSET,) * 5 for state in states)  # the webcam's are not the wearer's
    assert (about.world, about.framerate) == ("play", 100.0)
    assert [frame.T_play_from_head[1, 3] for frame in frames[:2]] == pytest.approx([1.001, 1.002])
    assert frames[0].T_play_from_left_eye is not None
    assert frames[0].T_play_from_left_grip is None
    assert frames[0].T_play_from_right_grip is not None
    assert np.allclose(frames[0].left_fov, (-0.8, 0.7, 0.6, -0.9))
    assert clocks.count("headset") == len(frames)
    assert "tracking" in clocks
    assert figures.headset.states[0].startswith("REC 00:0")  # shown to the wearer
    assert np.array_equal(recentred.T_new_from_old, headset_doubles.T_NEW_FROM_OLD)


def test_a_played_motion_is_recorded_as_it_is_shown(workplace, record):
    rng = np.random.default_rng(0)
    state = made_up_state(0, rng, betas=np.zeros(BODY.num_betas, np.float32), expression=BODY.num_expression)
    still = [state.rest(BODY.num_betas, BODY.num_expression, time_ns=k * 40_000_000) for k in range(15)]
    clip = clip_of_states(still, framerate=25.0, body_name=BODY.name, body_sha256=BODY.sha256)
    save_motion(clip, workplace / "m.npz")
    figures, _, path = record(tracking_doubles.no_models, input="m.npz", seconds=None)
    with SessionReader(path) as session:
        times = [state.time_ns for state in session.states("me")]
        assert session.participants()["me"].framerate == 33.0
    assert len(times) == figures.display.count > 3
    assert all(later > earlier for earlier, later in itertools.pairwise(times))


def test_ctrl_c_closes_the_file_whole(workplace, record, monkeypatch):
    wait, count = DisplayClock.wait, [0]

    def interrupted_wait(self):
        count[0] += 1
        if count[0] > 12:
            raise KeyboardInterrupt
        return wait(self)

    monkeypatch.setattr(DisplayClock, "wait", interrupted_wait)
    figures, _, path = record(seconds=None)
    assert figures.interrupted
    with SessionReader(path) as session:
        assert session.closed
        assert session.count(BodyRecord, "me") == len(tracked_times(workplace))


def test_a_full_disk_ends_the_recording_and_not_the_session(workplace, record, xvfb, monkeypatch):
    monkeypatch.setenv("DISPLAY", xvfb)
    monkeypatch.setattr(opening.DurableFile, "create", lambda path: DurableFile(FullFile(path, 20_000), path))
    stopped_at = []
    shown = press(monkeypatch, [])
    take_actions = MirrorWindow.take_actions

    def quit_a_while_after(window):
        if shown and shown[-1][1].stopped:
            stopped_at.append(len(shown))
        return [Action.QUIT] if len(stopped_at) > 10 else take_actions(window)

    monkeypatch.setattr(MirrorWindow, "take_actions", quit_a_while_after)
    report = workplace / "r.json"
    with pytest.raises(OutputError, match=r"recording stopped: .*No space left.* is safe") as error:
        record(view="mirror", seconds=None, record_avatar="reference", record_camera=True, report=report)
    assert error.value.exit_code == 5
    said = json.loads(report.read_text())  # the session came to its own end
    assert said["pictures"] == len(shown)
    assert "No space left" in said["recording"]["error"]
    assert shown[-1][1].line == "RECORDING STOPPED"
    with SessionReader(workplace / "s.mcap") as session:
        assert not session.closed
        kept = [state.time_ns for state in session.states("me")]
    assert kept == tracked_times(workplace)[: len(kept)]


def test_a_session_that_fails_keeps_what_was_recorded(workplace, record):
    with pytest.raises(DeviceError, match="stopped sending pictures"):
        record(tracking_doubles.UnpluggedPipeline, seconds=None)
    with SessionReader(workplace / "s.mcap") as session:
        assert session.closed
        assert events_of(session)[0].kind is EventKind.JOIN


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"record": None, "microphone": None, "record_camera": True}, BadInputError, "--record-camera is for a rec"),
        ({"record": Path("talk.mp4")}, BadInputError, r"--record talk\.mp4: name a file ending in \.mcap"),
        ({"record": Path("nowhere/talk.mcap")}, OutputError, "nowhere"),
        ({"record": Path("there.mcap")}, OutputError, r"there\.mcap is there already: name a new file"),
        ({"microphone": "nowhere.wav"}, BadInputError, r"sound file nowhere\.wav does not exist"),
        ({"input": "m.npz", "record_camera": True}, BadInputError, r"--record-camera: m\.npz moves the avatar"),
    ],
)
def test_what_cannot_be_recorded_is_said_before_anything_starts(workplace, record, changes, error, said):
    (workplace / "there.mcap").write_bytes(b"precious")
    with pytest.raises(error, match=said):
        record(tracking_doubles.no_models, **changes)
    assert [path.name for path in workplace.iterdir()] == ["there.mcap"]
    assert (workplace / "there.mcap").read_bytes() == b"precious"
