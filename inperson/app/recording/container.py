"""The records of an MCAP file that nobody vouches for. Every length is checked before anything is read or unpacked.

The `mcap` library's own readers trust lengths, and give up at the first fault. This walks the file record by record,
and after a fault looks for the next chunk. Layout: https://mcap.dev/spec
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, TypeVar

import zstandard
from mcap.exceptions import EndOfFile
from mcap.opcode import Opcode
from mcap.records import Channel, Header, Metadata, Schema
from mcap.stream_reader import ReadDataStream
from mcap.writer import MCAP0_MAGIC

MAGIC = MCAP0_MAGIC
LARGEST_RECORD = 1 << 20
"""Bytes of a header, metadata, schema or channel."""
LARGEST_CHUNK = 16 << 20
"""Bytes of a chunk, unpacked or not."""
MOST_RECORDS = 4_000_000
"""Of the file, chunks and their indices counted: 40 hours."""
_HEAD = struct.Struct("<BQ")
_CHUNK = struct.Struct("<QQQII")
"""Start, end, unpacked size, its CRC, length of the compression's name."""
_ATTACHMENT = struct.Struct("<QQI")
_MESSAGE = struct.Struct("<HIQQ")
_FOOTER = struct.Struct("<QQI")
"""Where the summary and its offsets begin, CRC of the summary and of the footer up to here."""
_ZSTD = struct.pack("<I", 4) + b"zstd"
_ZSTD_PLACE = _HEAD.size + _CHUNK.size - 4
"""Of `_ZSTD` in a chunk's record."""
_KNOWN = frozenset(int(opcode) for opcode in Opcode)
_PRIVATE = 0x80
"""Opcodes from here on belong to applications, and are skipped."""
_SEARCH = 1 << 20
_Kind = TypeVar("_Kind", Header, Metadata, Schema, Channel)


class Fault(Exception):
    """Something in the file is not as it was written."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a record's content is."""

    opcode: int
    start: int
    length: int

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that are no record: torn, or overwritten."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Packed:
    """A chunk, not yet unpacked."""

    unpacked_size: int
    crc: int
    compression: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is in a chunk, in its order."""

    schemas: tuple[Schema, ...]
    channels: tuple[Channel, ...]
    messages: tuple[tuple[int, int, bytes], ...]
    """Channel, log_time, data."""


def walk(file: BinaryIO, size: int) -> Iterator[Span | Gap]:
    """The records from the header on, up to and with the footer; after a gap from the next chunk on.

    Raises:
        Fault: more records than any session has.
    """
    at = len(MAGIC)
    for _ in range(MOST_RECORDS):
        span = _record_at(file, at, size)
        if span is None:
            after = _next_chunk(file, at + 1, size)
            if after > at:
                yield Gap(at, after)
            if after == size:
                return
            at = after
            continue
        yield span
        if span.opcode == Opcode.FOOTER:
            return
        at = span.end
    raise Fault(f"more than {MOST_RECORDS} records")


def read(file: BinaryIO, span: Span, largest: int) -> bytes:
    """A record's content.

    Raises:
        Fault: it is too long.
    """
    if span.length > largest:
        raise Fault(f"a record of {span.length} bytes at {span.start}")
    file.seek(span.start)
    return file.read(span.length)


def parsed(kind: type[_Kind], data: bytes) -> _Kind:
    """A small record's content.

    Raises:
        Fault: it is not what its opcode says; so do all below.
    """
    try:
        return kind.read(ReadDataStream(BytesIO(data)))
    except (EndOfFile, struct.error, UnicodeDecodeError) as error:
        raise Fault(f"a {kind.__name__.lower()} record that cannot be read") from error


def read_attachment_name(file: BinaryIO, span: Span) -> str:
    """Of an attachment, without reading it."""
    file.seek(span.start)
    head = file.read(min(span.length, _ATTACHMENT.size + LARGEST_RECORD))
    if len(head) < _ATTACHMENT.size:
        raise Fault("an attachment that is too short")
    name_length = _ATTACHMENT.unpack_from(head)[2]
    return _text(head[_ATTACHMENT.size : _ATTACHMENT.size + name_length], name_length)


def read_attachment(file: BinaryIO, span: Span, largest: int) -> bytes:
    """An attachment's data; its CRC is checked."""
    content = read(file, span, largest + LARGEST_RECORD)
    if len(content) < _ATTACHMENT.size + 4 + 8 + 4:
        raise Fault("an attachment that is too short")
    if zlib.crc32(memoryview(content)[:-4]) != struct.unpack("<I", content[-4:])[0]:
        raise Fault("an attachment with a wrong checksum")
    place = _ATTACHMENT.size + _ATTACHMENT.unpack_from(content)[2]
    try:
        (type_length,) = struct.unpack_from("<I", content, place)
        place += 4 + type_length
        (length,) = struct.unpack_from("<Q", content, place)
    except struct.error as error:
        raise Fault("an attachment with a wrong length") from error
    if place + 8 + length + 4 != len(content):
        raise Fault("an attachment with a wrong length")
    return content[place + 8 : -4]


def read_packed(data: bytes) -> Packed:
    """A chunk record."""
    if len(data) < _CHUNK.size + 8:
        raise Fault("a chunk that is too short")
    _, _, unpacked_size, crc, name_length = _CHUNK.unpack_from(data)
    place = _CHUNK.size + name_length
    if name_length > 16 or place + 8 > len(data):
        raise Fault("a chunk with a wrong length")
    compression = _text(data[_CHUNK.size : place], name_length)
    if struct.unpack_from("<Q", data, place)[0] != len(data) - place - 8:
        raise Fault("a chunk with a wrong length")
    if unpacked_size > LARGEST_CHUNK:
        raise Fault(f"a chunk of {unpacked_size} bytes")
    return Packed(unpacked_size, crc, compression, data[place + 8 :])


def unpack(packed: Packed) -> Chunk:
    """What is in a chunk; its CRC is checked."""
    data = _decompressed(packed)
    if packed.crc != 0 and zlib.crc32(data) != packed.crc:
        raise Fault("a chunk with a wrong checksum")
    schemas: list[Schema] = []
    channels: list[Channel] = []
    messages: list[tuple[int, int, bytes]] = []
    at = 0
    while at < len(data):
        if len(data) - at < _HEAD.size:
            raise Fault("a chunk that ends within a record")
        opcode, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if length > len(data) - at:
            raise Fault("a chunk that ends within a record")
        if opcode == Opcode.MESSAGE:
            if length < _MESSAGE.size:
                raise Fault("a message that is too short")
            channel, _, log_time, _ = _MESSAGE.unpack_from(data, at)
            messages.append((channel, log_time, data[at + _MESSAGE.size : at + length]))
        elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
            if length > LARGEST_RECORD:
                raise Fault(f"a record of {length} bytes in a chunk")
            content = data[at : at + length]
            if opcode == Opcode.SCHEMA:
                schemas.append(parsed(Schema, content))
            else:
                channels.append(parsed(Channel, content))
        at += length
    return Chunk(tuple(schemas), tuple(channels), tuple(messages))


def _decompressed(packed: Packed) -> bytes:
    if packed.compression == "":
        data = packed.data
    elif packed.compression == "zstd":
        try:
            declared = zstandard.get_frame_parameters(packed.data).content_size
            if declared not in (zstandard.CONTENTSIZE_UNKNOWN, packed.unpacked_size):
                raise Fault("a chunk with a wrong size")
            data = zstandard.decompress(packed.data, max_output_size=packed.unpacked_size)
        except zstandard.ZstdError as error:
            raise Fault("a chunk that does not unpack") from error
    else:
        raise Fault("a chunk packed by another way than zstd")
    if len(data) != packed.unpacked_size:
        raise Fault("a chunk with a wrong size")
    return data


def index_is_whole(file: BinaryIO, data_end: Span, footer: Span) -> bool:
    """Whether the summary has the checksum that the footer says, and the file ends where it should."""
    checked = _FOOTER.size - 4
    file.seek(footer.start)
    content = file.read(_FOOTER.size + len(MAGIC) + 1)
    if footer.length != _FOOTER.size or content[_FOOTER.size :] != MAGIC:
        return False
    crc = _FOOTER.unpack_from(content)[2]
    file.seek(data_end.end)
    left, actual = footer.start + checked - data_end.end, 0
    while left > 0:
        piece = file.read(min(left, _SEARCH))
        actual = zlib.crc32(piece, actual)
        left -= len(piece)
    return crc in (0, actual)


def _record_at(file: BinaryIO, at: int, size: int) -> Span | None:
    file.seek(at)
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    opcode, length = _HEAD.unpack(head)
    start = at + _HEAD.size
    known = opcode in _KNOWN or opcode >= _PRIVATE
    return Span(opcode, start, length) if known and length <= size - start else None


def _next_chunk(file: BinaryIO, at: int, size: int) -> int:
    """Where the next record begins that looks like a chunk of ours; the file's end if none does."""
    while at < size:
        file.seek(at)
        window = file.read(_SEARCH + _ZSTD_PLACE + len(_ZSTD))
        found = window.find(_ZSTD, _ZSTD_PLACE)
        while found >= 0:
            span = _record_at(file, at + found - _ZSTD_PLACE, size)
            if span is not None and span.opcode == Opcode.CHUNK and span.length <= LARGEST_CHUNK:
                return at + found - _ZSTD_PLACE
            found = window.find(_ZSTD, found + 1)
        at += _SEARCH
    return size


def _text(data: bytes, length: int) -> str:
    if len(data) != length:
        raise Fault("a text that is cut off")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Fault("a text that is not UTF-8") from error
