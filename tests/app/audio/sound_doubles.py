"""What stands in for `sounddevice` and the devices behind it."""

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np


class PortAudioError(Exception):
    """As sounddevice's."""


class ScriptedStream:
    """What `sounddevice.InputStream` does, on cue: the test calls `deliver` as PortAudio's thread would."""

    newest: "ScriptedStream"

    def __init__(self, *, callback: Any, finished_callback: Any, **settings: Any) -> None:
        self.settings, self._callback, self._finished = settings, callback, finished_callback
        self.started = self.closed = False
        type(self).newest = self

    def start(self) -> None:
        self.started = True

    def stop(self) -> None:
        if not self.started:
            raise PortAudioError("Stream is stopped", -9983)
        self._finished()

    def close(self) -> None:
        self.closed = True

    def deliver(self, samples: np.ndarray, adc: float, now: float, *, overflow: bool = False) -> None:
        times = SimpleNamespace(inputBufferAdcTime=adc, currentTime=now)
        status = SimpleNamespace(input_overflow=overflow)
        thread = threading.Thread(target=self._callback, args=(samples[:, None], len(samples), times, status))
        thread.start()
        thread.join()

    def unplug(self) -> None:
        self._finished()


class UnwillingStream(ScriptedStream):
    def start(self) -> None:
        raise PortAudioError("Device unavailable", -9985)


class BusyStream(ScriptedStream):
    def __init__(self, **settings: Any) -> None:
        raise PortAudioError("Device or resource busy", -9999)


DEVICES = (
    {"name": "HDMI 0", "max_input_channels": 0, "default_samplerate": 48000.0},
    {"name": "Built-in Microphone", "max_input_channels": 2, "default_samplerate": 48000.0},
    {"name": "USB 2.0 Camera: Audio", "max_input_channels": 1, "default_samplerate": 44100.0},
)


def sound_module(stream: type[ScriptedStream] = ScriptedStream, devices=DEVICES, rates=(48000,)) -> Any:
    """A module with microphones 1 (the system's choice) and 2."""

    def check(*, device: int, samplerate: int, channels: int, dtype: str) -> None:
        if samplerate not in rates:
            raise PortAudioError("Invalid sample rate", -9997)

    return SimpleNamespace(
        PortAudioError=PortAudioError,
        InputStream=stream,
        query_devices=lambda: devices,
        default=SimpleNamespace(device=(1, 0)),
        check_input_settings=check,
    )


def write_sound(path, samples: np.ndarray, rate: int, *, codec="pcm_s16le", layout="mono", offset_s=0.0):
    """Samples as a file of any kind that FFmpeg writes."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout = layout
        for begin in range(0, len(samples), 1024):
            piece = samples[begin : begin + 1024]
            channels = 2 if layout == "stereo" else 1
            data = (np.repeat(piece, channels) * 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(data, "s16", layout)
            frame.sample_rate, frame.pts = rate, begin + round(offset_s * rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
