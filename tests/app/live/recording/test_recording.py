"""A session's handle on its recording: what the user is told, once, while the session goes on."""

import time

import numpy as np
import pytest

from inperson.app.live.recording import recording as recording_module
from inperson.app.live.recording.recording import LiveRecording
from inperson.app.live.recording.rings import LiveRings
from inperson.app.recording.durable_file import DurableFile
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.recorder import STOP_BYTES, WARN_BYTES, Recorder
from inperson.app.recording.records import EventKind, EventRecord, MicrophoneRecord, SettingsRecord
from inperson.avatar.body import load_body
from inperson.avatar.state import BodyState
from inperson.errors import DeviceError

BODY = load_body("neutral")


class ScriptedMicrophone:
    """Hears what the test says."""

    name, sample_rate = "a microphone of cardboard", 48_000
    overflow, fault = 0, None

    def start(self, start_ns, take):
        self.start_ns, self.take = start_ns, take

    def close(self):
        self.closed = True


@pytest.fixture
def open_recording(tmp_path, monkeypatch):
    monkeypatch.setattr(recording_module, "LOOK_S", 0.0)

    def make(free=lambda path: 10 * WARN_BYTES, **changes) -> LiveRecording:
        path = tmp_path / "s.mcap"
        settings = {
            "keep": "auto", "world": "camera", "settings": SettingsRecord(0, {"live.view": '"none"'}),
            "microphone": None, "camera": False,
        }  # fmt: skip
        recorder = Recorder(DurableFile.create(path), free_bytes=free)
        rings = LiveRings.make(3, 3, tracking=False, pictures=False, headset=False)
        return LiveRecording(recorder, path, rings, BODY, "ada", **(settings | changes))

    return make


def told_within(recording, seconds=10.0) -> list[str]:
    """The next notices."""
    deadline = time.monotonic() + seconds
    while not (notices := recording.look()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return notices


def events_in(tmp_path) -> list[EventRecord]:
    with SessionReader(tmp_path / "s.mcap") as session:
        return [event for event in session.records(EventRecord) if isinstance(event, EventRecord)]


def test_a_disk_that_fills_up_is_told_once_and_at_the_end_once_more(open_recording, tmp_path):
    free = [WARN_BYTES - 1_000_000]
    with open_recording(lambda path: free[0]) as recording:
        recording.begin(time.monotonic_ns())
        assert recording.sign.warning == ""
        assert told_within(recording) == ["999 MB left on the disk; recording stops at 200 MB"]
        assert recording.sign.warning.startswith("999 MB left")
        assert recording.look() == []
        free[0] = STOP_BYTES - 1
        (notice,) = told_within(recording)
        assert "stopped" in notice
        assert "is safe" in notice
        assert recording.sign.stopped
        assert "recording stopped" not in recording.sign.stopped.split(":")[0]
        recording.shown(BodyState.rest(3, 3, 5))  # the session goes on
        assert recording.look() == []
    figures = recording.finish()
    assert "200 MB left" in figures.error
    assert recording.error.exit_code == 5
    kinds = [event.kind for event in events_in(tmp_path)]
    assert kinds == [EventKind.JOIN, EventKind.WARNING, EventKind.END]


def test_what_becomes_of_the_microphone_is_told_and_recorded(open_recording, tmp_path):
    microphone = ScriptedMicrophone()
    begin_ns = time.monotonic_ns()
    with open_recording(microphone=microphone) as recording:
        recording.begin(begin_ns)
        assert microphone.start_ns == begin_ns
        assert recording.sign.kept == ("+ SOUND",)
        for number in range(3):
            microphone.take(np.zeros(960, np.float32), begin_ns + number * 20_000_000)
        microphone.overflow = 2
        assert recording.look() == []  # an event and a figure
        microphone.fault = DeviceError("microphone 1 stopped", "plug it in again")
        assert recording.look() == ["microphone 1 stopped: plug it in again"]
        assert recording.look() == []
    figures = recording.finish()
    assert microphone.closed
    assert (figures.dropped, figures.sound_seconds, figures.error) == (2, 0.08, "")
    events = events_in(tmp_path)
    assert [(e.kind, e.count) for e in events] == [
        (EventKind.JOIN, 0), (EventKind.DROPPED, 2), (EventKind.WARNING, 0), (EventKind.LEAVE, 0), (EventKind.END, 0),
    ]  # fmt: skip
    with SessionReader(tmp_path / "s.mcap") as session:
        packets = [record for record in session.records(MicrophoneRecord) if isinstance(record, MicrophoneRecord)]
    assert [packet.sequence for packet in packets] == [0, 1, 2, 3]
    assert packets[0].time_ns == begin_ns - 6_500_000


def test_the_recording_is_as_long_as_the_session(open_recording):
    with open_recording() as recording:
        assert recording.sign.seconds == 0.0
        recording.begin(time.monotonic_ns() - 3_000_000_000)
        assert recording.sign.title == "REC 00:03"
        recording.end()
        ended = recording.sign.seconds
        time.sleep(0.05)  # processes take their time to end
        assert recording.sign.seconds == ended
    assert recording.finish().seconds == pytest.approx(ended, abs=0.001)
