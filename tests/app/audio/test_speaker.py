"""The voice of a replay on a sound device: in step with the picture within 20 ms, whatever the viewer does.

There is no device: what stands in for it asks for blocks as PortAudio does, at sounddevice's boundary.
"""

import time
from types import SimpleNamespace

import numpy as np
import pytest
import sounddevice

from inperson.app.audio.speaker import Speaker
from inperson.app.recording.sound import Sound
from inperson.app.replay.tempo import Stretch, Tempo
from inperson.app.replay.voice import ReplayVoice, sound_status
from inperson.errors import DeviceError

RATE, SECOND = 48_000, 1_000_000_000
BEGIN = 7 * SECOND
LEAD_S = 0.06
TOLERANCE_S = 0.02


class Device:
    """A sound device whose clock and this machine's are moved by hand."""

    latency = 0.08

    def __init__(self, samplerate, *, channels, dtype, callback):
        assert (samplerate, channels, dtype) == (RATE, 1, "float32")
        self.callback, self.started, self.closed = callback, False, False

    def start(self):
        self.started = True

    def close(self):
        self.closed = True


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """This machine's monotonic clock."""
    clock = SimpleNamespace(now_ns=500 * SECOND)
    monkeypatch.setattr(time, "monotonic_ns", lambda: clock.now_ns)
    return clock


@pytest.fixture
def device(monkeypatch) -> list[Device]:
    """Devices that were opened."""
    opened: list[Device] = []

    def open_stream(*args, **options):
        opened.append(Device(*args, **options))
        return opened[-1]

    monkeypatch.setattr(sounddevice, "OutputStream", open_stream)
    return opened


class Listener:
    """Plays a voice in which every sample says when it was recorded, and writes down what comes out when."""

    def __init__(self, device: list[Device], clock: SimpleNamespace) -> None:
        self.clock = clock
        self.tempo = Tempo(Stretch(BEGIN, BEGIN + 20 * SECOND), BEGIN, clock.now_ns)
        samples = np.linspace(0.1, 1.0, 15 * RATE, dtype=np.float32)
        self.sound = Sound(samples, BEGIN + 2 * SECOND)
        self.voice = ReplayVoice(self.sound, self.tempo)
        self.speaker = Speaker(self.voice.fill)
        self.device = device[-1]

    def follow(self, tempo: Tempo) -> None:
        self.tempo = tempo
        self.voice.follow(tempo)

    def listen(self, seconds: float, block: int = 512, lead_s: float = LEAD_S) -> list[tuple[int, float]]:
        """Moments (monotonic) at which a block's middle is heard, and the sample that is."""
        heard = []
        for _ in range(round(seconds * RATE / block)):
            out = np.full((block, 1), np.nan, np.float32)
            times = SimpleNamespace(currentTime=3.0, outputBufferDacTime=3.0 + lead_s)
            self.device.callback(out, block, times, None)
            assert np.isfinite(out).all()
            lead_ns = round(1e9 * (lead_s if lead_s > 0 else self.device.latency))
            middle_ns = self.clock.now_ns + lead_ns + round(0.5e9 * block / RATE)
            heard.append((middle_ns, float(out[block // 2, 0])))
            self.clock.now_ns += round(1e9 * block / RATE)
        return heard

    def off_s(self, heard: list[tuple[int, float]]) -> np.ndarray:
        """How far what is heard is from what is shown at the same moment, seconds."""
        places = [(value - 0.1) / 0.9 * (len(self.sound.samples) - 1) / RATE for _, value in heard]
        recorded = [self.sound.start_ns / 1e9 + place for place in places]
        shown = [self.tempo.position_at(moment) / 1e9 for moment, _ in heard]
        return np.array(recorded) - np.array(shown)


@pytest.fixture
def listener(device, clock) -> Listener:
    listener = Listener(device, clock)
    listener.follow(listener.tempo.sought(BEGIN + 3 * SECOND, clock.now_ns))
    return listener


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.0, 1.3, 2.0])
@pytest.mark.parametrize("block", [128, 1500])
def test_sound_and_picture_are_within_20_ms_at_any_speed(listener, speed, block):
    listener.follow(listener.tempo.at_speed(speed, listener.clock.now_ns))
    heard = listener.listen(3.0, block)[20:]
    assert np.abs(listener.off_s(heard)).max() < TOLERANCE_S


def test_so_they_are_after_seeking_pausing_and_looping(listener):
    listener.listen(1.0)
    listener.follow(listener.tempo.sought(BEGIN + 9 * SECOND, listener.clock.now_ns))
    assert np.abs(listener.off_s(listener.listen(1.0)[8:])).max() < TOLERANCE_S
    listener.follow(listener.tempo.paused(listener.clock.now_ns))
    assert {value for _, value in listener.listen(0.5)[2:]} == {0.0}
    listener.follow(listener.tempo.toggled(listener.clock.now_ns))
    assert np.abs(listener.off_s(listener.listen(1.0)[8:])).max() < TOLERANCE_S
    short = Stretch(BEGIN + 4 * SECOND, BEGIN + 5 * SECOND)
    listener.follow(Tempo(short, short.begin_ns, listener.clock.now_ns, loop=True))
    off = np.abs(listener.off_s(listener.listen(3.3)))
    assert (off < TOLERANCE_S).mean() > 0.95  # but for the piece at the seam
    assert off[-10:].max() < TOLERANCE_S


def test_nothing_is_heard_above_twice_the_speed_before_or_after_the_voice_and_at_the_end(listener):
    now = listener.clock.now_ns
    for silent in (
        listener.tempo.at_speed(2.5, now),
        listener.tempo.sought(BEGIN, now),
        listener.tempo.sought(BEGIN + 18 * SECOND, now),
        listener.tempo.sought(BEGIN + 20 * SECOND, now),
    ):
        listener.follow(replace_now(silent, listener.clock.now_ns))
        assert {value for _, value in listener.listen(0.5)[2:]} == {0.0}
    assert (sound_status(listener.tempo), sound_status(listener.tempo.at_speed(4.0, now))) == ("voice", "muted")


def replace_now(tempo: Tempo, now_ns: int) -> Tempo:
    return tempo.sought(tempo.position_at(tempo.at_ns), now_ns)


def test_a_device_that_talks_nonsense_of_its_delay_is_believed_its_latency(listener):
    assert np.abs(listener.off_s(listener.listen(1.0, lead_s=0.0)[8:])).max() < TOLERANCE_S


def test_the_device_is_started_and_given_back(listener):
    assert listener.device.started
    with listener.speaker:
        pass
    assert listener.device.closed


def test_no_device_is_one_line(monkeypatch):
    def refuse(*args, **options):
        raise sounddevice.PortAudioError("Error querying device -1")

    monkeypatch.setattr(sounddevice, "OutputStream", refuse)
    with pytest.raises(DeviceError, match=r"no sound device \(Error querying device -1\): plug in"):
        Speaker(lambda count, heard_ns: np.zeros(count, np.float32))
