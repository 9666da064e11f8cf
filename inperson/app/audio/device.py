"""Microphones through PortAudio (sounddevice): by number, by name, or the system's own choice."""

import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from inperson.app.audio.blocks import Reblocker
from inperson.app.audio.opus import SAMPLE_RATE
from inperson.app.audio.source import TakeBlock
from inperson.errors import DeviceError, InPersonError

PIECES_A_SECOND = 10
"""That the driver hands over: every wake costs those who draw."""
MOST_WAITING = 20
"""Pieces between the driver's thread and the one that takes them: two seconds."""
LONGEST_LATENCY_S = 1.0
"""A capture time that lies further back is no capture time."""
LIST = "see `inperson devices` for what there is"


@dataclass(frozen=True, slots=True)
class MicrophoneInfo:
    """A microphone this machine has."""

    index: int
    name: str
    sample_rate: int
    """Its usual one, hertz."""
    is_default: bool
    """The system's choice."""


class InputStream(Protocol):
    """What is used of `sounddevice.InputStream` (tests put a scripted one in its place)."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def close(self) -> None: ...


def portaudio() -> ModuleType:
    """The sounddevice module.

    Raises:
        DeviceError: the library behind it is not installed.
    """
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(
            f"microphones need the PortAudio library ({error})",
            "install it (Debian, Ubuntu: apt install libportaudio2), or use --microphone FILE or none",
        ) from error
    return sounddevice


def list_microphones(sound: ModuleType | None = None) -> list[MicrophoneInfo]:
    """The microphones of this machine, by number.

    Raises:
        DeviceError: PortAudio is not installed, or does not work.
    """
    sound = sound or portaudio()
    try:
        devices = sound.query_devices()
    except sound.PortAudioError as error:
        raise DeviceError(f"microphones cannot be listed ({_reason(error)})", "check the sound system") from error
    chosen = sound.default.device[0]
    return [
        MicrophoneInfo(index, device["name"], round(device["default_samplerate"]), index == chosen)
        for index, device in enumerate(devices)
        if device["max_input_channels"] > 0
    ]


def find_microphone(wanted: str | None, microphones: list[MicrophoneInfo]) -> MicrophoneInfo:
    """The microphone with that number, or the first whose name contains the text; the system's choice for None.

    Raises:
        DeviceError: there is none.
    """
    for microphone in microphones:
        if wanted is None and microphone.is_default:
            return microphone
        if wanted is not None and wanted.isdecimal() and microphone.index == int(wanted):
            return microphone
        if wanted is not None and not wanted.isdecimal() and wanted.lower() in microphone.name.lower():
            return microphone
    here = ", ".join(f"{m.index} ({m.name})" for m in microphones) or "none"
    asked = "default microphone" if wanted is None else f"microphone {wanted!r}"
    raise DeviceError(f"no {asked} (found: {here})", f"plug one in, {LIST}, or use --microphone none")


class MicrophoneDevice:
    """A microphone that is open.

    PortAudio's thread only puts what it was given into a queue; a thread of this object's turns it into blocks.
    Capture times are the driver's own, moved onto the monotonic clock.

    Args:
        info: which one.
        sound: the sounddevice module.

    Raises:
        DeviceError: it cannot be opened.
    """

    def __init__(self, info: MicrophoneInfo, sound: ModuleType | None = None) -> None:
        sound = sound or portaudio()
        self.name = info.name
        self._what = f"microphone {info.index} ({info.name})"
        self._errors = sound.PortAudioError
        self.sample_rate = self._rate(info, sound)
        self._pieces: queue.SimpleQueue[tuple[np.ndarray, int] | None] = queue.SimpleQueue()
        self._lost_samples = 0
        self._overflows = 0
        self._ended = threading.Event()
        self._closing = False
        self._thread = ThreadPoolExecutor(1, "microphone")
        self._taking: Future[None] | None = None
        try:
            self._stream: InputStream = sound.InputStream(
                samplerate=self.sample_rate,
                blocksize=self.sample_rate // PIECES_A_SECOND,
                device=info.index,
                channels=1,
                dtype="float32",
                latency="low",
                callback=self._on_samples,
                finished_callback=self._ended.set,
            )
        except self._errors as error:
            raise self._unusable("cannot be opened", error) from error

    @property
    def overflow(self) -> int:
        """Blocks that were lost: samples nobody took, and what the driver says it lost (each time a block)."""
        return -(-self._lost_samples * 50 // self.sample_rate) + self._overflows

    @property
    def fault(self) -> InPersonError | None:
        """The device went away."""
        if self._taking is not None and self._taking.done():
            self._taking.result()  # a bug is raised here
        if self._closing or not self._ended.is_set():
            return None
        return DeviceError(f"{self._what} stopped", "plug it in again, then start again")

    def start(self, start_ns: int, take: TakeBlock) -> None:
        """Begin to hand over blocks, whenever the session began."""
        self._taking = self._thread.submit(self._hand_over, take)
        try:
            self._stream.start()
        except self._errors as error:
            raise self._unusable("does not start", error) from error

    def close(self) -> None:
        """Stop, hand over what is there, let go of the device."""
        if self._closing:
            return
        self._closing = True
        try:
            self._stream.stop()
            self._stream.close()
        except self._errors:  # it is gone already, and that was said
            self._ended.set()
        finally:
            self._pieces.put(None)
            self._thread.shutdown()

    def _on_samples(self, samples: np.ndarray, frames: int, times: Any, status: Any) -> None:
        """On PortAudio's thread."""
        now = time.monotonic_ns()
        self._overflows += bool(status.input_overflow)
        if self._pieces.qsize() >= MOST_WAITING:
            self._lost_samples += frames
            return
        self._pieces.put((samples[:, 0].copy(), captured_ns(times, frames / self.sample_rate, now)))

    def _hand_over(self, take: TakeBlock) -> None:
        reblocker = Reblocker(self.sample_rate)
        while (piece := self._pieces.get()) is not None:
            for block, time_ns in reblocker.blocks(*piece):
                take(block, time_ns)

    def _rate(self, info: MicrophoneInfo, sound: ModuleType) -> int:
        """48 kHz where the device knows it."""
        try:
            sound.check_input_settings(device=info.index, channels=1, dtype="float32", samplerate=SAMPLE_RATE)
        except self._errors:
            return info.sample_rate
        return SAMPLE_RATE

    def _unusable(self, how: str, error: Exception) -> DeviceError:
        return DeviceError(
            f"{self._what} {how} ({_reason(error)})", "close other programs using it, permit its use, or name another"
        )


def captured_ns(times: Any, piece_s: float, now_ns: int) -> int:
    """When the first sample of a piece was captured, monotonic nanoseconds.

    Args:
        times: PortAudio's PaStreamCallbackTimeInfo; its clock has an epoch of its own. Some drivers leave it empty:
            then the last sample was captured now.
        piece_s: how long the piece plays.
        now_ns: when it was handed over.
    """
    ago_s = times.currentTime - times.inputBufferAdcTime
    if times.inputBufferAdcTime <= 0.0 or not 0.0 <= ago_s <= LONGEST_LATENCY_S:
        ago_s = piece_s
    return now_ns - round(ago_s * 1e9)


def _reason(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
