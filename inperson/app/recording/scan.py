"""What is in a session file: every checksum verified, every fault noted, no message decoded yet."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from mcap.opcode import Opcode
from mcap.records import Channel, Header, Metadata
from mcap.records import Schema as SchemaRecord
from mcap.well_known import MessageEncoding, SchemaEncoding

from inperson.app.recording import container
from inperson.app.recording.codec import decode
from inperson.app.recording.container import MAGIC, Chunk, Fault, Gap, Span
from inperson.app.recording.records import BodyRecord, Message
from inperson.app.recording.schema import Schema
from inperson.app.recording.topics import parse_topic
from inperson.app.recording.writer import METADATA, PROFILE, VERSION, Anchor
from inperson.avatar.plain_text import plain
from inperson.errors import BadInputError

MEND = "give a session that `inperson live --record` wrote"
LARGEST_RATIO = 100
"""What was recorded packs less than this, for the file as a whole."""
MOST_CHANNELS = 4096
_AVATAR = re.compile(r"avatars/([0-9a-f]{64})\.avatar")
_NUMBER = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Damage:
    """A fault in the file."""

    at: int
    """Offset, bytes."""
    what: str


@dataclass(frozen=True, slots=True)
class Topic:
    """A channel of ours."""

    participant: str
    """Key; empty for the session's own."""
    kind: type[Message]
    schema: Schema


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """A whole chunk."""

    span: Span
    begin_ns: int
    """log_time of its earliest message."""
    end_ns: int
    """Of its latest."""


@dataclass
class Scan:
    """The file, as far as it is whole."""

    anchor: Anchor
    version: int
    size: int
    """Bytes of the file."""
    closed: bool = False
    """Whether the recording was closed: summary and index are there."""
    torn: int = 0
    """Bytes at the end of a file that was not closed, which hold nothing whole."""
    chunks: list[ChunkPlace] = field(default_factory=list)
    topics: dict[int, Topic | None] = field(default_factory=dict)
    """By channel; None for other programs' channels."""
    counts: Counter[int] = field(default_factory=Counter)
    """Messages by channel."""
    avatars: dict[str, Span] = field(default_factory=dict)
    """Embedded ones, by sha256."""
    damages: list[Damage] = field(default_factory=list)

    def records(self, chunk: Chunk, kinds: tuple[type[Message], ...] | None = None) -> Iterator[Message]:
        """The records of a chunk of this file, in its order; of some kinds only, if `kinds` says so.

        Raises:
            Fault: a message that is not what its channel says.
        """
        betas: dict[int, np.ndarray] = {}
        for channel, log_time, data in chunk.messages:
            topic = self.topics.get(channel)
            if topic is None or (kinds is not None and topic.kind not in kinds):
                continue
            try:
                record = decode(topic.participant, topic.schema, data, betas.get(channel))
            except ValueError as error:
                raise Fault(str(error)) from error
            if record.time_ns != log_time:
                raise Fault(f"{topic.schema.title} of another time than its log_time")
            if isinstance(record, BodyRecord):
                betas[channel] = record.state.betas
            yield record

    def add_channels(self, chunk: Chunk, schemas: dict[int, SchemaRecord]) -> None:
        """Note the channels that a chunk defines, and see that its messages' channels are known.

        Raises:
            Fault: a channel with two meanings, or with none.
        """
        schemas |= {s.id: s for s in chunk.schemas}
        for channel in chunk.channels:
            topic = _topic(channel, schemas)
            if self.topics.setdefault(channel.id, topic) != topic:
                raise Fault(f"channel {channel.id} has two meanings")
        if len(self.topics) > MOST_CHANNELS:
            raise Fault(f"more than {MOST_CHANNELS} channels")
        for channel_id, *_ in chunk.messages:
            if channel_id not in self.topics:
                raise Fault(f"messages of channel {channel_id}, which is not described")


def scan(path: Path, file: BinaryIO) -> Scan:
    """Look a file through.

    Raises:
        BadInputError: not a session: not an MCAP, another program's, of a newer version, or it ends before anything.
    """
    size = file.seek(0, 2)
    file.seek(0)
    begin = file.read(len(MAGIC))
    if begin != MAGIC[: len(begin)]:
        raise BadInputError(f"{path} is not a session: it is no MCAP file", MEND)
    found = _Found()
    if size > len(MAGIC):
        try:
            found = _Found.of(file, size)
        except Fault as fault:
            raise BadInputError(f"session {path} cannot be read ({fault})", MEND) from fault
    result = _identify(path, file, found, size)
    _look_through(file, found, result)
    if not result.closed:
        _cut_tail(result)
    return result


@dataclass
class _Found:
    """Spans of the records that matter, in the file's order."""

    head: Span | None = None
    metadata: list[Span] = field(default_factory=list)
    data: list[Span | Gap] = field(default_factory=list)
    """Chunks, attachments, gaps."""
    described: list[Span] = field(default_factory=list)
    """Schemas and channels outside chunks."""
    data_end: Span | None = None
    footer: Span | None = None

    @staticmethod
    def of(file: BinaryIO, size: int) -> "_Found":
        found = _Found()
        for item in container.walk(file, size):
            if isinstance(item, Gap) or item.opcode in (Opcode.CHUNK, Opcode.ATTACHMENT, Opcode.MESSAGE):
                found.data.append(item)
                continue
            match item.opcode:
                case Opcode.HEADER if found.head is None:
                    found.head = item
                case Opcode.METADATA:
                    found.metadata.append(item)
                case Opcode.SCHEMA | Opcode.CHANNEL if len(found.described) < 2 * MOST_CHANNELS:
                    found.described.append(item)
                case Opcode.DATA_END:
                    found.data_end = item
                case Opcode.FOOTER:
                    found.footer = item
        return found


def _identify(path: Path, file: BinaryIO, found: _Found, size: int) -> Scan:
    """Whose file it is, and of which version."""
    ours = False
    try:
        if found.head is not None:
            header = container.parsed(Header, container.read(file, found.head, container.LARGEST_RECORD))
            ours = header.profile == PROFILE
        for span in found.metadata:
            record = container.parsed(Metadata, container.read(file, span, container.LARGEST_RECORD))
            if record.name == METADATA:
                return _described(path, record.metadata, size)
    except Fault as fault:
        raise BadInputError(f"session {path} cannot be read ({fault})", MEND) from fault
    if size <= len(MAGIC) or found.head is None or (ours and not found.metadata):
        raise BadInputError(f"session {path} ends before anything was recorded", MEND)
    raise BadInputError(f"{path} is an MCAP file of another program", MEND)


def _described(path: Path, strings: dict[str, str], size: int) -> Scan:
    numbers = {name: strings.get(name, "") for name in ("version", "monotonic_ns", "unix_ns")}
    for name, text in numbers.items():
        if not _NUMBER.fullmatch(text):
            raise BadInputError(f"session {path} has no {name.replace('_', ' ')}", MEND)
    version = int(numbers["version"])
    if version > VERSION:
        raise BadInputError(
            f"session {path} is of version {version}, this program knows up to {VERSION}", "update InPerson"
        )
    if version < 1:
        raise BadInputError(f"session {path} is of version {plain(numbers['version'], 20)}", MEND)
    return Scan(Anchor(int(numbers["monotonic_ns"]), int(numbers["unix_ns"])), version, size)


def _look_through(file: BinaryIO, found: _Found, result: Scan) -> None:
    """Unpack every chunk, note what is in it and what is wrong."""
    schemas: dict[int, SchemaRecord] = {}
    allowance = LARGEST_RATIO * result.size + container.LARGEST_CHUNK
    _add_described(file, found, result, schemas)
    for item in found.data:
        if isinstance(item, Gap):
            result.damages.append(Damage(item.start, f"{item.end - item.start} bytes that are no record"))
            continue
        try:
            if item.opcode == Opcode.ATTACHMENT:
                name = _AVATAR.fullmatch(container.read_attachment_name(file, item))
                if name is not None:
                    result.avatars.setdefault(name[1], item)
                continue
            if item.opcode == Opcode.MESSAGE:
                raise Fault("a message outside any chunk")
            packed = container.read_packed(container.read(file, item, container.LARGEST_CHUNK))
            allowance -= packed.unpacked_size
            if allowance < 0:
                raise Fault(f"a chunk that unpacks to more than {LARGEST_RATIO} times the file")
            _add_chunk(result, item, container.unpack(packed), schemas)
        except Fault as fault:
            result.damages.append(Damage(item.start, str(fault)))
    file.seek(max(result.size - len(MAGIC), 0))
    result.closed = result.size >= 2 * len(MAGIC) and file.read() == MAGIC
    if result.closed:  # what is missing before is no torn end
        if found.footer is None or found.data_end is None:
            result.damages.append(Damage(result.size - len(MAGIC), "the index is missing"))
        elif not container.index_is_whole(file, found.data_end, found.footer):
            result.damages.append(Damage(found.data_end.end, "an index with a wrong checksum"))


def _add_described(file: BinaryIO, found: _Found, result: Scan, schemas: dict[int, SchemaRecord]) -> None:
    """Channels from the summary: they make up for a chunk that is lost."""
    for span in found.described:
        try:
            content = container.read(file, span, container.LARGEST_RECORD)
            if span.opcode == Opcode.SCHEMA:
                schema = container.parsed(SchemaRecord, content)
                schemas[schema.id] = schema
            else:
                channel = container.parsed(Channel, content)
                result.topics.setdefault(channel.id, _topic(channel, schemas))
        except Fault as fault:
            result.damages.append(Damage(span.start, str(fault)))


def _add_chunk(result: Scan, span: Span, chunk: Chunk, schemas: dict[int, SchemaRecord]) -> None:
    result.add_channels(chunk, schemas)
    if chunk.messages:
        times = [log_time for _, log_time, _ in chunk.messages]
        result.chunks.append(ChunkPlace(span, min(times), max(times)))
        result.counts.update(channel for channel, *_ in chunk.messages)


def _cut_tail(result: Scan) -> None:
    """Of a file that was not closed, whatever is wrong after the last whole chunk was torn by the accident."""
    whole = max((chunk.span.end for chunk in result.chunks), default=0)
    torn = [damage for damage in result.damages if damage.at >= whole]
    if torn:
        result.torn = result.size - min(damage.at for damage in torn)
        result.damages = [damage for damage in result.damages if damage.at < whole]


def _topic(channel: Channel, schemas: dict[int, SchemaRecord]) -> Topic | None:
    """Raises `Fault`: one of our topics with another program's messages."""
    parts = parse_topic(channel.topic)
    if parts is None:
        return None
    participant, kind, schema = parts
    record = schemas.get(channel.schema_id)
    if (
        record is None
        or (record.name, record.encoding) != (schema.name, SchemaEncoding.Protobuf)
        or channel.message_encoding != MessageEncoding.Protobuf
    ):
        raise Fault(f"channel {channel.topic} does not hold {schema.name}")
    return Topic(participant, kind, schema)
