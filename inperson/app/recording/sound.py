"""What was said in a session, as one line of samples on the session's own clock."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.app.audio.opus import SAMPLE_RATE, OpusDecoder
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import MicrophoneRecord
from inperson.errors import BadInputError

JUMP = SAMPLE_RATE // 50
"""Samples (20 ms) that a packet may be off its place before time, and not its neighbour, says where it goes."""
SLACK = SAMPLE_RATE / 500
"""Samples (2 ms) that packets may be off on average before they are played a sample longer or shorter."""
SMOOTHING = 50
"""Packets over which that average is taken: a second."""
LEAD_IN_NS = 80_000_000
"""What a decoder must have heard before its output is right (RFC 7845, 4.6)."""
MOST_SAMPLES = 4 * 3600 * SAMPLE_RATE
"""Of one sound: a file of a few packets far apart must not fill the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A participant's sound, one channel at 48 kHz."""

    samples: Float[np.ndarray, " N"]
    """-1 to 1."""
    start_ns: int
    """When the first sample was captured, monotonic nanoseconds of the session."""

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return len(self.samples) / SAMPLE_RATE

    @property
    def end_ns(self) -> int:
        """The moment after its last sample."""
        return self.start_ns + round(len(self.samples) * 1e9 / SAMPLE_RATE)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a packet's samples go."""

    at: int
    """Samples after the first packet's first."""
    follows: bool
    """They follow the packet before without a gap."""
    stretch: int = 0
    """Samples to play it longer."""


class SoundTimeline:
    """Says where each packet of a stream belongs, one after the other.

    A packet follows its neighbour, whatever its own time says, so that times that come a little early or late tear no
    holes. Lost packets (gaps in `sequence`) are silence as long as they were. The microphone's clock is not the
    session's: where times are more than 2 ms off on average over a second, packets are played a sample longer or
    shorter (0.1%, which nobody hears) until they are not. A packet 20 ms off or more goes where its time says.

    Args:
        start_ns: of the first packet.
    """

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._sequence: int | None = None
        self._next = 0
        self._off = 0.0

    def place(self, packet: MicrophoneRecord) -> _Place:
        """Where the next packet of the stream goes; tell `played` how long it was."""
        due = round((packet.time_ns - self._start_ns) * SAMPLE_RATE / 1e9)
        lost = 0 if self._sequence is None else packet.sequence - self._sequence - 1
        self._sequence = packet.sequence
        at = self._next + max(lost, 0) * packet.samples
        if abs(due - at) >= JUMP:
            self._off = 0.0
            return _Place(due, follows=False)
        self._off += (due - at - self._off) / SMOOTHING
        stretch = 0 if abs(self._off) <= SLACK else 1 if self._off > 0 else -1
        return _Place(at, at == self._next, stretch)

    def played(self, place: _Place, samples: int) -> None:
        """The packet took so many samples, stretching included."""
        self._next = max(self._next, place.at + samples)


def sound_of(
    session: SessionReader, participant: str, *, from_ns: int | None = None, to_ns: int | None = None
) -> Sound | None:
    """A participant's sound on the session's timeline; lost packets are silence (see `SoundTimeline`).

    Args:
        from_ns, to_ns: the first moment and the moment after the last that are wanted, monotonic nanoseconds.

    Returns:
        None where there is none.

    Raises:
        BadInputError: something that is no Opus packet, a message that cannot be read, or more than four hours.
    """
    heard_from = None if from_ns is None else from_ns - LEAD_IN_NS
    decoder = OpusDecoder()
    timeline: SoundTimeline | None = None
    start_ns = end = 0
    pieces: list[tuple[int, np.ndarray]] = []
    for packet in session.records(MicrophoneRecord, from_ns=heard_from, to_ns=to_ns):
        if not isinstance(packet, MicrophoneRecord) or packet.participant != participant:
            continue
        if timeline is None:
            timeline, start_ns = SoundTimeline(packet.time_ns), packet.time_ns
        place = timeline.place(packet)
        if not place.follows:
            decoder.forget()
        samples = _stretched(_decoded(session, decoder, packet), place.stretch)
        timeline.played(place, len(samples))
        fresh = samples[max(end - place.at, 0) :]  # what is there already stays
        if len(fresh):
            at = max(place.at, end)
            pieces.append((at, fresh))
            end = at + len(fresh)
        if end > MOST_SAMPLES:
            raise BadInputError(f"session {session.path} has more than four hours of sound", "take a part of it")
    if not pieces:
        return None
    joined = np.zeros(end, np.float32)
    for at, fresh in pieces:
        joined[at : at + len(fresh)] = fresh
    return _between(Sound(joined, start_ns), from_ns, to_ns)


def _decoded(session: SessionReader, decoder: OpusDecoder, packet: MicrophoneRecord) -> Float[np.ndarray, " n"]:
    try:
        return decoder.decode(packet.packet)
    except ValueError as error:
        raise BadInputError(
            f"session {session.path}: sound of '{packet.participant}' at {packet.time_ns} ns is {error}",
            "leave the sound out",
        ) from error


def _stretched(samples: Float[np.ndarray, " n"], by: int) -> Float[np.ndarray, " m"]:
    """The same sound in `by` more samples, on straight lines between the old ones."""
    if by == 0 or len(samples) < 2:
        return samples
    places = np.linspace(0.0, len(samples) - 1.0, len(samples) + by)
    return np.interp(places, np.arange(len(samples)), samples).astype(np.float32)


def _between(sound: Sound, from_ns: int | None, to_ns: int | None) -> Sound | None:
    def sample_at(time_ns: int) -> int:
        return int(np.clip(-((sound.start_ns - time_ns) * SAMPLE_RATE // 1_000_000_000), 0, len(sound.samples)))

    first = 0 if from_ns is None else sample_at(from_ns)
    last = len(sound.samples) if to_ns is None else sample_at(to_ns)
    if last <= first:
        return None
    return Sound(sound.samples[first:last], sound.start_ns + round(first * 1e9 / SAMPLE_RATE))
