"""`SessionWriter`: records in, whole MCAP chunks out."""

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
from mcap.well_known import MessageEncoding, SchemaEncoding
from mcap.writer import Writer

from inperson.app.recording.codec import encode
from inperson.app.recording.durable_file import DurableFile
from inperson.app.recording.records import AvatarRecord, BodyRecord, Message, Record
from inperson.app.recording.schema import Schema
from inperson.app.recording.topics import schema_of, topic_of

VERSION = 2
"""Of the format. Rises when an older program would misread a file, not for new channels or fields."""
PROFILE = "x-inperson-session"
METADATA = "inperson-session"
AVATAR_TYPE = "application/x-inperson-avatar"
LARGEST_CHUNK = 1 << 20
"""A chunk is ended when it holds this many bytes of messages, however young it is."""
LARGEST_AVATAR = 192 << 20
"""As large as an .avatar file may be."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One moment on both clocks: the messages' own, and the calendar's."""

    monotonic_ns: int
    unix_ns: int

    @staticmethod
    def now() -> "Anchor":
        """This moment."""
        return Anchor(time.monotonic_ns(), time.time_ns())

    def to_strings(self) -> dict[str, str]:
        """For the file's metadata; `started` is there for people."""
        started = datetime.fromtimestamp(self.unix_ns / 1e9, UTC).isoformat(timespec="seconds")
        return {"monotonic_ns": str(self.monotonic_ns), "unix_ns": str(self.unix_ns), "started": started}


class _Pieces:
    """Where MCAP's writer writes: memory, with the offsets of a file."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._end = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(data)
        self._end += len(data)
        return len(data)

    def tell(self) -> int:
        return self._end

    def flush(self) -> None:
        """Everything is where it belongs already."""

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


class SessionWriter:
    """Writes a session file, chunk by chunk; each chunk can be read without the others' messages.

    Args:
        file: empty; the file's head is on the disk when this returns.
        anchor: when the session began.

    Raises:
        OutputError: the disk is full or failing.
    """

    def __init__(self, file: DurableFile, anchor: Anchor) -> None:
        self._file = file
        self._pieces = _Pieces()
        self._mcap = Writer(self._pieces, chunk_size=1 << 62)  # type: ignore[arg-type]
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}
        self._sequences: dict[int, int] = {}
        self._betas: dict[str, np.ndarray] = {}
        self._avatars: set[str] = set()
        self._waiting = 0
        program = f"inperson {version('inperson')}"
        self._mcap.start(PROFILE, program)
        self._mcap.add_metadata(METADATA, {"version": str(VERSION), "program": program, **anchor.to_strings()})
        self._file.append(self._pieces.take())

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return self._file.size

    def add(self, record: Record) -> None:
        """Take a record into the chunk; the chunk is ended when it is full.

        Raises:
            ValueError: the record cannot be written, because it would not be read; the file is as it was.
            OutputError: the disk is full or failing.
        """
        if isinstance(record, AvatarRecord):
            self._embed(record)
        else:
            self._add_message(record)

    def end_chunk(self) -> None:
        """Put everything taken so far on the disk.

        Raises:
            OutputError: the disk is full or failing; chunks before are safe.
        """
        self._betas.clear()
        self._waiting = 0
        self._mcap.flush()
        data = self._pieces.take()
        if data:
            self._file.append(data)

    def finish(self) -> None:
        """End the last chunk, write summary and index.

        Raises:
            OutputError: the disk is full or failing; the chunks before are safe.
        """
        self.end_chunk()
        self._mcap.finish()
        self._file.append(self._pieces.take())

    def _add_message(self, record: Message) -> None:
        topic = topic_of(record)
        data = encode(record, self._betas.get(topic))
        if isinstance(record, BodyRecord):
            self._betas[topic] = record.state.betas
        channel = self._channels.get(topic) or self._register(topic, schema_of(record))
        self._sequences[channel] = self._sequences.get(channel, -1) + 1
        self._mcap.add_message(
            channel, record.time_ns, data, publish_time=record.time_ns, sequence=self._sequences[channel]
        )
        self._waiting += len(data)
        if self._waiting > LARGEST_CHUNK:
            self.end_chunk()

    def _register(self, topic: str, schema: Schema) -> int:
        if schema.name not in self._schemas:
            self._schemas[schema.name] = self._mcap.register_schema(
                schema.name, SchemaEncoding.Protobuf, schema.descriptor_set
            )
        channel = self._mcap.register_channel(topic, MessageEncoding.Protobuf, self._schemas[schema.name])
        self._channels[topic] = channel
        return channel

    def _embed(self, avatar: AvatarRecord) -> None:
        if not 0 < len(avatar.data) <= LARGEST_AVATAR:
            raise ValueError(f"an avatar of {len(avatar.data)} bytes cannot be embedded")
        sha256 = hashlib.sha256(avatar.data).hexdigest()
        if sha256 in self._avatars:
            return
        self.end_chunk()
        self._mcap.add_attachment(
            avatar.time_ns, avatar.time_ns, f"avatars/{sha256}.avatar", AVATAR_TYPE, avatar.data
        )
        self._file.append(self._pieces.take())
        self._avatars.add(sha256)
