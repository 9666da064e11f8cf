"""What processes handed over, as records of a session file."""

import time
from collections.abc import Iterator
from typing import Protocol

import numpy as np
from jaxtyping import Float

from inperson.app.live.recording.about import About
from inperson.app.live.recording.rings import HEADSET_STAGES, TRANSFORMS
from inperson.app.motion.state_record import unpack_state
from inperson.app.motion.tracked import STAGES
from inperson.app.processes.record_ring import RecordRing
from inperson.app.recording.records import (
    BodyRecord,
    EventKind,
    EventRecord,
    HeadsetRecord,
    Message,
    TimingsRecord,
    VideoRecord,
)
from inperson.avatar.state import PARTS
from inperson.conventions import Intrinsics

BODY = PARTS.index("body")
GONE_NS = 500_000_000
"""Nobody was seen for so long: they are lost, since they were seen last."""


class Feed(Protocol):
    """One ring's reader."""

    def drain(self) -> Iterator[Message]:
        """Records of everything that came since the last call, in order."""
        ...


class TrackedFeed:
    """Of a tracking process.

    Args:
        ring: of `tracked_frame_dtype`; this is its one reader.
        about: told the camera.
        participant: their key.
        states: whether their states are the tracked ones. In a headset they are not: there the headset's are.
    """

    def __init__(self, ring: RecordRing, about: About, participant: str, *, states: bool) -> None:
        self._ring, self._about, self._participant, self._states = ring, about, participant, states
        self._presence = Presence(participant, "nobody is in view")
        self._overflow = OverflowCount(ring, "tracked states")

    def drain(self) -> Iterator[Message]:
        """States, timings, and when somebody was lost and found."""
        while (record := self._ring.take()) is not None:
            state = unpack_state(record)
            self._about.change(state.time_ns, intrinsics=_intrinsics(record))
            if self._states:
                yield BodyRecord(self._participant, state)
                yield from self._presence.at(state.time_ns, here=bool(state.confidence[BODY] > 0))
            durations = tuple(max(int(ns), 0) for ns in record["stage_ns"])
            yield TimingsRecord(int(record["done_ns"]), "tracking", STAGES, durations)
        yield from self._overflow.events()


class HeadsetFeed:
    """Of a headset process.

    Args:
        ring: of `headset_frame_dtype`; this is its one reader.
        about: told the display's rate.
        participant: who wears it.
    """

    def __init__(self, ring: RecordRing, about: About, participant: str) -> None:
        self._ring, self._about, self._participant = ring, about, participant
        self._presence = Presence(participant, "the headset lost itself")
        self._overflow = OverflowCount(ring, "headset frames")

    def drain(self) -> Iterator[Message]:
        """States, what the headset knew, timings, and when it was lost and found."""
        while (record := self._ring.take()) is not None:
            frame_ns, done_ns = int(record["frame_ns"]), int(record["done_ns"])
            self._about.change(frame_ns, framerate=float(record["nominal_fps"]))
            if record["has_pose"]:
                headset = _headset_record(self._participant, frame_ns, record)
                yield headset
                yield from self._presence.at(frame_ns, here=headset.T_play_from_head is not None)
            if record["has_state"]:
                yield BodyRecord(self._participant, unpack_state(record))
            took = {s: int(ms * 1e6) for s, ms in zip(HEADSET_STAGES, record["stage_ms"], strict=True) if ms >= 0}
            yield TimingsRecord(done_ns, "headset", tuple(took), tuple(took.values()))
        yield from self._overflow.events()


class PictureFeed:
    """Of a camera.

    Args:
        ring: of `PICTURE_DTYPE`; this is its one reader.
        participant: who is in the pictures.
    """

    def __init__(self, ring: RecordRing, participant: str) -> None:
        self._ring, self._participant = ring, participant
        self._overflow = OverflowCount(ring, "camera pictures")

    def drain(self) -> Iterator[Message]:
        """Pictures."""
        while (record := self._ring.take()) is not None:
            width, height = (int(n) for n in record["size"])
            jpeg = record["jpeg"][: int(record["length"])].tobytes()
            time_ns, sequence = int(record["time_ns"]), int(record["sequence"])
            yield VideoRecord(self._participant, time_ns, sequence, width, height, jpeg)
        yield from self._overflow.events()


class Presence:
    """Makes events of somebody's coming and going.

    Args:
        participant: who.
        lost: what it is called when they are gone.
    """

    def __init__(self, participant: str, lost: str) -> None:
        self._participant, self._lost = participant, lost
        self._seen_ns: int | None = None
        self._here: bool | None = None

    def at(self, time_ns: int, *, here: bool) -> Iterator[EventRecord]:
        """Events of a moment at which they were, or were not, there. A moment's absence is none."""
        if here:
            if self._here is False:
                yield EventRecord(time_ns, EventKind.FOUND, self._participant)
            self._here, self._seen_ns = True, time_ns
            return
        if self._seen_ns is None:
            self._seen_ns = time_ns  # from the start
        if self._here is not False and time_ns - self._seen_ns >= GONE_NS:
            self._here = False
            yield EventRecord(time_ns, EventKind.LOST, self._participant, text=self._lost)


class OverflowCount:
    """Makes events of what found no room.

    Args:
        ring: that may have been full.
        what: it holds.
    """

    def __init__(self, ring: RecordRing, what: str) -> None:
        self._ring, self._what, self._told = ring, what, 0

    def events(self) -> Iterator[EventRecord]:
        """One, if anything was lost since the last call."""
        overflow = self._ring.overflow
        lost, self._told = overflow - self._told, overflow
        if lost:
            text = f"{self._what}: the session did not take them in time"
            yield EventRecord(time.monotonic_ns(), EventKind.DROPPED, text=text, count=lost)


def _headset_record(participant: str, time_ns: int, record: np.ndarray) -> HeadsetRecord:
    transforms = {name: _known(T) for name, T in zip(TRANSFORMS, record["transforms"], strict=True)}
    left, right = (_known(fov) for fov in record["fovs"])
    return HeadsetRecord(participant, time_ns, **transforms, left_fov=left, right_fov=right)


def _known(array: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."] | None:
    return None if np.isnan(array).any() else np.array(array)


def _intrinsics(record: np.ndarray) -> Intrinsics:
    fx, fy, cx, cy = (float(value) for value in record["camera"])
    width, height = (int(size) for size in record["image_size"])
    return Intrinsics(fx, fy, cx, cy, width, height)
