"""Microphones behind PortAudio: found, dated, counted; a scripted stream in place of a device."""

import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from inperson.app.audio import device as device_module
from inperson.app.audio.blocks import Reblocker
from inperson.app.audio.device import (
    MOST_WAITING,
    MicrophoneDevice,
    captured_ns,
    find_microphone,
    list_microphones,
    portaudio,
)
from inperson.app.audio.microphone import open_microphone
from inperson.app.audio.opus import BLOCK, SAMPLE_RATE
from inperson.app.audio.sound_file import SoundFile
from inperson.errors import BadInputError, DeviceError
from tests.app.audio.sound_doubles import BusyStream, ScriptedStream, UnwillingStream, sound_module, write_sound

PORTAUDIOS_EPOCH = 1000.0


def opened(**changes) -> MicrophoneDevice:
    sound = sound_module(**changes)
    return MicrophoneDevice(find_microphone(None, list_microphones(sound)), sound)


def blocks_of(microphone: MicrophoneDevice, deliveries) -> list[tuple[np.ndarray, int]]:
    taken: list[tuple[np.ndarray, int]] = []
    microphone.start(0, lambda block, time_ns: taken.append((block, time_ns)))
    for samples, adc, now in deliveries:
        ScriptedStream.newest.deliver(samples, adc, now)
    microphone.close()
    return taken


def test_microphones_are_the_devices_that_hear_something():
    found = list_microphones(sound_module())
    assert [(m.index, m.name, m.sample_rate, m.is_default) for m in found] == [
        (1, "Built-in Microphone", 48000, True),
        (2, "USB 2.0 Camera: Audio", 44100, False),
    ]
    assert find_microphone("2", found).name == find_microphone("camera", found).name == "USB 2.0 Camera: Audio"
    assert find_microphone(None, found).index == 1


@pytest.mark.parametrize("wanted", ["0", "7", "headset"])
def test_a_microphone_that_is_not_there_is_said_with_those_that_are(wanted):
    with pytest.raises(DeviceError, match=rf"no microphone '{wanted}' \(found: 1 \(Built-in Mic.*see `inperson dev"):
        find_microphone(wanted, list_microphones(sound_module()))
    with pytest.raises(DeviceError, match=r"no default microphone \(found: none\)"):
        find_microphone(None, [])


def test_blocks_carry_the_drivers_capture_time_on_the_monotonic_clock(monkeypatch):
    monkeypatch.setattr(device_module.time, "monotonic_ns", lambda: 5_000_000_000)
    sent = np.linspace(-1, 1, 2 * BLOCK, dtype=np.float32)
    microphone = opened()
    deliveries = [
        (sent[:BLOCK], PORTAUDIOS_EPOCH, PORTAUDIOS_EPOCH + 0.031),
        (sent[BLOCK:], PORTAUDIOS_EPOCH + 0.02, PORTAUDIOS_EPOCH + 0.051),
    ]
    taken = blocks_of(microphone, deliveries)
    assert ScriptedStream.newest.settings["device"] == 1
    assert (ScriptedStream.newest.settings["samplerate"], ScriptedStream.newest.settings["blocksize"]) == (
        48000,
        4800,
    )
    assert np.array_equal(np.concatenate([block for block, _ in taken]), sent)
    assert [time_ns for _, time_ns in taken] == [5_000_000_000 - 31_000_000] * 2
    assert ScriptedStream.newest.closed
    assert microphone.fault is None


@pytest.mark.parametrize(("adc", "now"), [(0.0, 0.0), (0.0, 500.0), (10.0, 9.0), (10.0, 20.0)])
def test_a_driver_without_capture_times_is_dated_by_the_hand_over(adc, now):
    times = SimpleNamespace(inputBufferAdcTime=adc, currentTime=now)
    assert captured_ns(times, 0.02, 1_000_000_000) == 980_000_000


def test_another_rate_is_resampled_and_keeps_its_times(monkeypatch):
    monkeypatch.setattr(device_module.time, "monotonic_ns", lambda: 0)
    rate, at = 44100, 20_001
    sent = np.zeros(rate, np.float32)
    sent[at] = 1.0
    microphone = opened(rates=(44100,))
    assert microphone.sample_rate == 48000  # of its description, since 48 kHz is not taken
    microphone.close()
    sound = sound_module(rates=())
    microphone = MicrophoneDevice(list_microphones(sound)[1], sound)
    assert microphone.sample_rate == rate
    pieces = [sent[k : k + 882] for k in range(0, rate, 882)]
    begin_ns = 7_000_000_000
    taken = []
    reblocker = Reblocker(rate)
    for number, piece in enumerate(pieces):
        taken += reblocker.blocks(piece, begin_ns + number * 20_000_000)
    assert all(len(block) == BLOCK for block, _ in taken)
    loudest = max(range(len(taken)), key=lambda k: np.abs(taken[k][0]).max())
    block, time_ns = taken[loudest]
    heard_ns = time_ns + int(np.argmax(np.abs(block))) * 1e9 / SAMPLE_RATE
    assert abs(heard_ns - (begin_ns + at * 1e9 / rate)) < 1e6
    microphone.close()


def test_what_nobody_takes_in_time_is_counted(monkeypatch):
    microphone = opened()
    monkeypatch.setattr(microphone, "_hand_over", lambda take: None)  # a thread that never gets a core
    microphone.start(0, lambda block, time_ns: None)
    for _ in range(MOST_WAITING + 3):
        ScriptedStream.newest.deliver(np.zeros(BLOCK, np.float32), 1.0, 1.0)
    assert microphone.overflow == 3
    ScriptedStream.newest.deliver(np.zeros(BLOCK, np.float32), 1.0, 1.0, overflow=True)
    assert microphone.overflow == 5  # the driver lost something, and so did the queue
    microphone.close()


def test_a_microphone_that_is_pulled_out_says_so():
    microphone = opened()
    microphone.start(0, lambda block, time_ns: None)
    assert microphone.fault is None
    ScriptedStream.newest.unplug()
    assert "microphone 1 (Built-in Microphone) stopped" in str(microphone.fault)
    microphone.close()
    microphone.close()


def test_a_microphone_that_is_busy_or_unwilling_is_one_line():
    with pytest.raises(
        DeviceError, match=r"microphone 1 \(Built-in Microphone\) cannot be opened \(Device or resour"
    ):
        opened(stream=BusyStream)
    microphone = opened(stream=UnwillingStream)
    with pytest.raises(DeviceError, match="does not start"):
        microphone.start(0, lambda block, time_ns: None)
    microphone.close()


class TestChoosing:
    @pytest.fixture(autouse=True)
    def devices(self, monkeypatch):
        monkeypatch.setattr(device_module, "portaudio", sound_module)
        monkeypatch.setattr("inperson.app.audio.microphone.portaudio", sound_module)

    @pytest.mark.parametrize(
        ("wanted", "name"),
        [
            (None, "Built-in Microphone"),
            ("default", "Built-in Microphone"),
            ("2", "USB 2.0 Camera: Audio"),
            ("usb 2.0 cam", "USB 2.0 Camera: Audio"),
        ],
    )
    def test_devices_by_number_name_and_default(self, wanted, name):
        microphone = open_microphone(wanted)
        assert microphone.name == name
        microphone.close()

    def test_none_is_none(self):
        assert open_microphone("none") is None

    @pytest.mark.parametrize("wanted", ["speech.wav", "folder/speech"])
    def test_a_file_that_is_not_there(self, wanted):
        with pytest.raises(BadInputError, match=f"sound file {wanted} does not exist"):
            open_microphone(wanted)

    def test_without_microphones_nothing_is_chosen_but_asking_for_one_fails(self, monkeypatch):
        monkeypatch.setattr(device_module, "portaudio", lambda: sound_module(devices=()))
        monkeypatch.setattr("inperson.app.audio.microphone.portaudio", lambda: sound_module(devices=()))
        assert open_microphone(None) is None
        with pytest.raises(DeviceError, match=r"no default microphone \(found: none\)"):
            open_microphone("default")


def test_without_portaudio_it_says_what_to_install(monkeypatch):
    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(DeviceError, match=r"need the PortAudio library .*libportaudio2"):
        portaudio()
    assert open_microphone(None) is None


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "rate", "codec", "layout"),
        [
            ("a.wav", 48000, "pcm_s16le", "mono"),
            ("b.wav", 16000, "pcm_s16le", "stereo"),
            ("c.mp4", 44100, "aac", "mono"),
        ],
    )
    def test_a_click_is_where_it_is_in_the_file(self, tmp_path, name, rate, codec, layout):
        samples = np.zeros(rate, np.float32)
        at = round(0.6 * rate)
        samples[at : at + rate // 1000] = 0.9
        microphone = SoundFile(write_sound(tmp_path / name, samples, rate, codec=codec, layout=layout))
        heard = np.concatenate(list(microphone.blocks()))
        assert microphone.sample_rate == rate
        assert abs(int(np.argmax(np.abs(heard))) / SAMPLE_RATE - at / rate) < 2e-3
        assert abs(len(heard) / SAMPLE_RATE - 1.0) < 0.05
        microphone.close()

    def test_sound_that_begins_later_than_its_file_comes_after_silence(self, tmp_path):
        loud = np.full(24000, 0.5, np.float32)
        path = write_sound(tmp_path / "late.mkv", loud, 48000, offset_s=0.5)
        heard = np.concatenate(list(SoundFile(path).blocks()))
        assert abs(int(np.flatnonzero(np.abs(heard) > 0.1)[0]) / SAMPLE_RATE - 0.5) < 2e-3

    def test_it_speaks_from_the_sessions_beginning_and_never_before_its_time(self, tmp_path):
        samples = np.sin(np.arange(7 * BLOCK - 100) * 0.05).astype(np.float32)
        microphone = SoundFile(write_sound(tmp_path / "a.wav", samples, 48000))
        taken = []
        start_ns = time.monotonic_ns()
        microphone.start(start_ns, lambda block, time_ns: taken.append((time_ns, time.monotonic_ns(), block)))
        while len(taken) < 7:
            assert microphone.fault is None
            time.sleep(0.002)
        microphone.close()
        assert [time_ns for time_ns, _, _ in taken] == [start_ns + k * 20_000_000 for k in range(7)]
        assert all(now >= time_ns + 20_000_000 for time_ns, now, _ in taken)
        assert np.abs(np.concatenate([block for _, _, block in taken])[: len(samples)] - samples).max() < 1e-4

    def test_closing_stops_it_at_once(self, tmp_path):
        microphone = SoundFile(write_sound(tmp_path / "a.wav", np.zeros(48000 * 30, np.float32), 48000))
        taken = []
        microphone.start(time.monotonic_ns(), lambda block, time_ns: taken.append(block))
        microphone.close()
        microphone.close()
        assert len(taken) < 100

    def test_files_that_are_no_sound(self, tmp_path):
        (tmp_path / "text.wav").write_text("hello")
        with pytest.raises(BadInputError, match=r"text\.wav is not a readable sound file"):
            SoundFile(tmp_path / "text.wav")
        import av

        with av.open(str(tmp_path / "silent.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=10)
            stream.width = stream.height = 64
            for _ in range(3):
                container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
            container.mux(stream.encode(None))
        with pytest.raises(BadInputError, match=r"silent\.mp4 has no sound in it"):
            SoundFile(tmp_path / "silent.mp4")

    def test_a_damaged_file_is_a_fault_and_no_crash(self, tmp_path):
        path = write_sound(
            tmp_path / "a.mp4", np.random.default_rng(0).normal(0, 0.2, 96000).astype(np.float32), 48000, codec="aac"
        )
        data = bytearray(path.read_bytes())
        begin = data.index(b"mdat") + 600
        data[begin : begin + 8000] = bytes(np.random.default_rng(1).integers(0, 256, 8000, dtype=np.uint8))
        path.write_bytes(data)
        microphone = SoundFile(path)
        with pytest.raises(BadInputError, match="is damaged"):
            list(microphone.blocks())
        microphone.close()
