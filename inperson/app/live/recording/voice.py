"""The microphone of a recorded session: from its blocks to records, and what became of it."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float

from inperson.app.audio.source import Microphone
from inperson.app.recording.records import EventKind, EventRecord, Record
from inperson.app.recording.voice import VoiceStream


class RecordedVoice:
    """Encodes what a microphone hears, on the microphone's own thread.

    Args:
        microphone: open; closed with this.
        participant: whose it is.
        put: takes records.
    """

    def __init__(self, microphone: Microphone, participant: str, put: Callable[[Record], bool]) -> None:
        self.microphone, self._put = microphone, put
        self._stream = VoiceStream(participant, microphone.sample_rate)
        self._told_overflow, self._told_fault = 0, False
        self._closed = False

    def start(self, start_ns: int) -> None:
        """Begin to listen. Raises DeviceError where the device does not start."""
        self.microphone.start(start_ns, self._take)

    def events(self, now_ns: int) -> Iterator[EventRecord]:
        """What happened to it since the last call: blocks that were lost, or that it went away."""
        overflow = self.microphone.overflow
        lost, self._told_overflow = overflow - self._told_overflow, overflow
        if lost:
            text = f"microphone {self.microphone.name}: 20 ms of sound each, nobody took them in time"
            yield EventRecord(now_ns, EventKind.DROPPED, text=text[:1000], count=lost)
        fault = self.microphone.fault
        if fault is not None and not self._told_fault:
            self._told_fault = True
            yield EventRecord(now_ns, EventKind.WARNING, text=str(fault)[:1000])

    def close(self) -> None:
        """Stop listening; the last words are put."""
        if self._closed:
            return
        self._closed = True
        self.microphone.close()
        rest = self._stream.rest()
        if rest is not None:
            self._put(rest)

    def _take(self, block: Float[np.ndarray, "960"], time_ns: int) -> None:
        self._put(self._stream.record_of(block, time_ns))
