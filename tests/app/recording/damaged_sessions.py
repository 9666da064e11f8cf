"""Damaging session files in every way a disk, a network or an enemy may: `damaged(parts, rng)` gives one such file.

Each way is a function of the taken-apart file and a random generator; equal seeds give equal files. Ways that change
what is inside a chunk pack it again with the right checksum, so that the damage gets past it.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import zstandard
from mcap.opcode import Opcode
from mcap.writer import MCAP0_MAGIC

NASTY_NUMBERS = (0, 1, 2, 127, 128, 255, 2**15, 2**16 - 1, 2**20, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
NASTY_LENGTHS = (*NASTY_NUMBERS, 2**32, 2**40, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
NASTY_TEXT = (b"\x1b[2J\x1b]0;owned\x07", b"\xff\xfe", b"\xe2\x80\xae", b"\x00", b"../../etc/passwd", b"%s{0}[/red]")
Record = tuple[int, bytes]
"""Opcode and content."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A file taken apart."""

    data: bytes
    records: tuple[Record, ...]
    ending: bytes

    @staticmethod
    def of(data: bytes) -> "Parts":
        closed = data.endswith(MCAP0_MAGIC) and len(data) > 16
        body = data[8:-8] if closed else data[8:]
        return Parts(data, tuple(split(body)), MCAP0_MAGIC if closed else b"")

    def chunks(self) -> list[int]:
        """Which records are chunks."""
        return [i for i, (opcode, _) in enumerate(self.records) if opcode == Opcode.CHUNK]

    def replaced(self, index: int, record: Record) -> bytes:
        return assembled([*self.records[:index], record, *self.records[index + 1 :]], self.ending)


def split(body: bytes) -> list[Record]:
    """The records in some bytes."""
    out, at = [], 0
    while at < len(body):
        opcode, length = struct.unpack_from("<BQ", body, at)
        out.append((opcode, body[at + 9 : at + 9 + length]))
        at += 9 + length
    return out


def joined(records: list[Record]) -> bytes:
    """The inverse of `split`."""
    return b"".join(struct.pack("<BQ", opcode, len(content)) + content for opcode, content in records)


def assembled(records: list[Record], ending: bytes) -> bytes:
    """A file of these records."""
    return MCAP0_MAGIC + joined(records) + ending


def inside(content: bytes) -> list[Record]:
    """The records in a chunk."""
    (size,) = struct.unpack_from("<Q", content, 16)
    return split(zstandard.decompress(content[44:], max_output_size=size))


def chunk(
    data: bytes, *, size: int | None = None, compression: bytes = b"zstd", packed: bytes | None = None
) -> bytes:
    """A chunk of any bytes, with the right checksum; or with a lie about its size."""
    packed = zstandard.compress(data) if packed is None else packed
    head = struct.pack("<QQQI", 0, 0, len(data) if size is None else size, zlib.crc32(data))
    return head + struct.pack("<I", len(compression)) + compression + struct.pack("<Q", len(packed)) + packed


def bent(data: bytes, rng: Random) -> bytes:
    """Some bytes of it are others."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        if out:
            at = rng.randrange(len(out))
            out[at] = rng.choice((out[at] ^ (1 << rng.randrange(8)), 0, 255, rng.randrange(256)))
    return bytes(out)


def flipped(parts: Parts, rng: Random) -> bytes:
    return bent(parts.data, rng)


def cut(parts: Parts, rng: Random) -> bytes:
    return parts.data[: rng.randrange(len(parts.data))]


def zeroed_tail(parts: Parts, rng: Random) -> bytes:
    """As a power cut leaves it: the length is there, the bytes are not."""
    keep = rng.randrange(len(parts.data))
    return parts.data[:keep].ljust(len(parts.data), b"\0")


def hole(parts: Parts, rng: Random) -> bytes:
    begin = rng.randrange(len(parts.data))
    end = min(len(parts.data), begin + rng.choice((1, 9, 100, 600)))
    return parts.data[:begin] + rng.choice((b"", rng.randbytes(end - begin), bytes(end - begin))) + parts.data[end:]


def shuffled(parts: Parts, rng: Random) -> bytes:
    records = list(parts.records)
    for _ in range(rng.choice((1, 2, 5))):
        i, j = rng.randrange(len(records)), rng.randrange(len(records))
        match rng.randrange(3):
            case 0:
                records[i], records[j] = records[j], records[i]
            case 1:
                records.insert(i, records[j])
            case 2 if len(records) > 1:
                del records[i]
    return assembled(records, parts.ending)


def lying_length(parts: Parts, rng: Random) -> bytes:
    """Of a record."""
    index = rng.randrange(len(parts.records))
    at = 8 + len(joined(list(parts.records[:index])))
    length = rng.choice((*NASTY_LENGTHS, len(parts.records[index][1]) + rng.choice((-9, -1, 1, 9))))
    return parts.data[: at + 1] + struct.pack("<Q", length % 2**64) + parts.data[at + 9 :]


def bent_record(parts: Parts, rng: Random) -> bytes:
    """Any record's content, or its opcode."""
    index = rng.randrange(len(parts.records))
    opcode, content = parts.records[index]
    if rng.random() < 0.2:
        return parts.replaced(index, (rng.choice((*range(17), 0x7F, 0x80, 0xFF)), content))
    return parts.replaced(index, (opcode, _nasty(content, rng)))


def bent_inside(parts: Parts, rng: Random) -> bytes:
    """A schema, channel or message in a chunk, behind a right checksum."""
    index = rng.choice(parts.chunks())
    records = inside(parts.records[index][1])
    for _ in range(rng.choice((1, 1, 3))):
        i = rng.randrange(len(records))
        opcode, content = records[i]
        match rng.randrange(5):
            case 0:
                records[i] = (opcode, _nasty(content, rng))
            case 1:
                records[i] = (opcode, content[:22] + bent(content[22:], rng))
            case 2:
                records[i] = (rng.choice((opcode, 3, 4, 5, 9)), content[: rng.randrange(len(content) + 1)])
            case 3:
                records.insert(rng.randrange(len(records)), (opcode, content))
            case 4 if len(records) > 1:
                del records[i]
    return parts.replaced(index, (Opcode.CHUNK, chunk(joined(records))))


def bent_unpacked(parts: Parts, rng: Random) -> bytes:
    """Any byte of what a chunk holds, its records' lengths too, behind a right checksum."""
    index = rng.choice(parts.chunks())
    return parts.replaced(index, (Opcode.CHUNK, chunk(bent(joined(inside(parts.records[index][1])), rng))))


def bomb(parts: Parts, rng: Random) -> bytes:
    """A chunk that unpacks to much more than it says, or says much more than it holds."""
    index = rng.choice(parts.chunks())
    size = rng.choice((2**20, 2**24 - 1, 2**24, 2**24 + 1, 2**26))
    data = joined(inside(parts.records[index][1]))
    lies = (
        chunk(data, size=rng.choice(NASTY_LENGTHS)),
        chunk(data, packed=_bomb(size), size=rng.choice((size, len(data), 0))),
        chunk(data, packed=_frame_that_says(rng.choice(NASTY_LENGTHS)), size=rng.choice((1000, 2**24, 2**63))),
        chunk(data, compression=rng.choice((b"lz4", b"", b"\xff", b"x" * 40)), packed=data),
    )
    whole = parts.replaced(index, (Opcode.CHUNK, rng.choice(lies)))
    return whole if rng.random() < 0.8 else _many(parts, rng.choice(lies), rng)


_BOMBS: dict[int, bytes] = {}


def _bomb(size: int) -> bytes:
    if size not in _BOMBS:
        _BOMBS[size] = zstandard.ZstdCompressor(write_content_size=size % 3 != 0).compress(bytes(size))
    return _BOMBS[size]


def _many(parts: Parts, content: bytes, rng: Random) -> bytes:
    """The same bomb again and again."""
    return assembled([*parts.records[:2], *[(int(Opcode.CHUNK), content)] * rng.choice((5, 50))], parts.ending)


def _frame_that_says(size: int) -> bytes:
    """The head of a zstd frame of a declared size, and nothing after it."""
    return b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", size) + b"\x01\x00\x00"


def _nasty(content: bytes, rng: Random) -> bytes:
    if not content:
        return rng.randbytes(4)
    at = rng.randrange(len(content))
    match rng.randrange(5):
        case 0:
            return bent(content, rng)
        case 1:
            return content[:at] + struct.pack("<I", rng.choice(NASTY_NUMBERS)) + content[at + 4 :]
        case 2:
            return content[:at] + struct.pack("<Q", rng.choice(NASTY_LENGTHS)) + content[at + 8 :]
        case 3:
            text = rng.choice(NASTY_TEXT)
            return content[:at] + text + content[at + len(text) :]
        case _:
            return content[:at]


WAYS: tuple[Callable[[Parts, Random], bytes], ...] = (
    *(flipped, cut, zeroed_tail, hole, shuffled, lying_length, bent_record, bent_inside, bent_unpacked, bomb),
)


def damaged(parts: Parts, rng: Random) -> bytes:
    """One damaged file."""
    return rng.choice(WAYS)(parts, rng)
