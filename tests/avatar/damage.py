"""Damaging `.avatar` files in every way a disk, a network or an enemy may: `damaged(whole, rng)` gives one such file.

Each way is a function of the taken-apart file and a random generator; equal seeds give equal files.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

KINDS = ("U8", "I8", "U16", "F16", "U32", "F32", "F64", "I64", "U64", "I16", "BF16", "BOOL", "F8_E4M3", "F4", "C64")
NASTY_TEXT = (
    *("", " ", "\x00", "\x1b[2J\x1b]0;owned\x07", "a\nb\r", "\u202e\u2066", "\ud800", "é" * 3000, "a" * 300_000),
    *("/etc/passwd", "..\\..\\x", "[/red][bold]", "%s%n{0}", "__metadata__", "'; --", "NaN", "-1", "²", "٣", "1e9"),
    *("0", "1", "2", "3", "999999999", "9" * 5000, "2 ", "{}", "[]", "null", '{"a": 1}', '{"a": "\\u001b[2J"}'),
    *(
        "[" * 50_000,
        '{"a":' * 50_000,
        '{"a": "\\ud800"}',
        '{"\\u202e": ""}',
        '{"a": NaN}',
        '{"a": ' + "9" * 9000 + "}",
    ),
)
NASTY_NUMBERS = (
    *(0, 1, -1, 2, 3, 199, 201, 65535, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30),
    *(1.5, 1e308, "3", None, True, [], {}, [[1]], "\x1b[2J"),
)
NASTY_BYTES = (
    b"\x00",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\x00\x7c",
    b"\x00\xfc",
    b"\xff\x7b",
    b"\x00\x00\x80\x7f",
    b"[",
    b'"',
)
"""Among them: half-precision infinity, minus infinity and the largest number, and single-precision infinity."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A file taken apart."""

    whole: bytes
    header: dict[str, Any]
    buffer: bytes

    @staticmethod
    def of(whole: bytes) -> "Parts":
        (length,) = struct.unpack("<Q", whole[:8])
        return Parts(whole, json.loads(whole[8 : 8 + length]), whole[8 + length :])

    def tensors(self) -> dict[str, dict[str, Any]]:
        """Copies of the header's entries, free to be changed."""
        return {n: dict(entry) for n, entry in self.header.items() if n != "__metadata__"}

    def with_tensors(self, tensors: dict[str, Any], buffer: bytes | None = None) -> bytes:
        return assembled({"__metadata__": self.header["__metadata__"], **tensors}, self._buffer(buffer))

    def with_metadata(self, metadata: Any) -> bytes:
        return assembled({"__metadata__": metadata, **self.tensors()}, self.buffer)

    def _buffer(self, buffer: bytes | None) -> bytes:
        return self.buffer if buffer is None else buffer


def assembled(header: Any, buffer: bytes) -> bytes:
    """A file of any header that JSON can say, or of raw bytes."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + buffer


def damaged(parts: Parts, rng: Random) -> bytes:
    """One damaged file."""
    return rng.choice(WAYS)(parts, rng)


def _flip_bits(data: bytes, rng: Random, first: int, last: int) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        out[rng.randrange(first, last)] ^= 1 << rng.randrange(8)
    return bytes(out)


def bits_anywhere(parts: Parts, rng: Random) -> bytes:
    return _flip_bits(parts.whole, rng, 0, len(parts.whole))


def bits_of_the_header(parts: Parts, rng: Random) -> bytes:
    return _flip_bits(parts.whole, rng, 0, len(parts.whole) - len(parts.buffer))


def cut_short(parts: Parts, rng: Random) -> bytes:
    return parts.whole[: rng.randrange(len(parts.whole))]


def lengthened(parts: Parts, rng: Random) -> bytes:
    return parts.whole + rng.choice(NASTY_BYTES) * rng.randrange(1, 5000)


def overwritten(parts: Parts, rng: Random) -> bytes:
    out = bytearray(parts.whole)
    first = rng.randrange(len(out))
    count = rng.randrange(1, 400)
    filling = rng.randbytes(count) if rng.random() < 0.5 else (rng.choice(NASTY_BYTES) * count)[:count]
    out[first : first + count] = filling
    return bytes(out[: len(parts.whole)])


def pieces_moved(parts: Parts, rng: Random) -> bytes:
    """A piece is cut out, doubled, or put elsewhere."""
    a, b, c = sorted(rng.randrange(len(parts.whole)) for _ in range(3))
    one, two, three, four = parts.whole[:a], parts.whole[a:b], parts.whole[b:c], parts.whole[c:]
    return rng.choice((one + three + two + four, one + three + four, one + two + two + three + four))


def header_length_lies(parts: Parts, rng: Random) -> bytes:
    true = len(parts.whole) - len(parts.buffer) - 8
    lies = (
        0,
        1,
        2,
        true - 1,
        true + 1,
        len(parts.whole),
        len(parts.whole) - 8,
        2**20,
        2**20 + 1,
        2**31,
        2**63,
        2**64 - 1,
    )
    lie = rng.choice(lies) if rng.random() < 0.7 else rng.randrange(2 * len(parts.whole))
    return struct.pack("<Q", lie) + parts.whole[8:]


def header_is_no_json(parts: Parts, rng: Random) -> bytes:
    raw = json.dumps(parts.header).encode()
    at = rng.randrange(len(raw))
    deep = rng.choice((b"[", b'{"a":', b'{"__metadata__":', b'{"sh":{"shape":[')) * rng.choice(
        (10, 127, 128, 5000, 60_000)
    )
    broken = (
        raw[:at],
        raw[:at] + b"\xff\xfe\xc0\x80" + raw[at:],
        raw[:at] + b"\x00\x1b[2J" + raw[at:],
        b"\xef\xbb\xbf" + raw,
        deep,
        raw[:-1] + b',"deep":' + deep + b"}",
        b" " * rng.randrange(1, 2**20 - len(raw)) + raw,
        raw + b" " * rng.randrange(2**20 - len(raw)),
        *(b"null", b"[]", b"0", b'""', b"{}", b"{", b"", b"NaN", rng.randbytes(200)),
    )
    return assembled(rng.choice(broken), parts.buffer)


def keys_twice(parts: Parts, rng: Random) -> bytes:
    """JSON that names a tensor, or the metadata, twice: with the same or another meaning."""
    raw = json.dumps(parts.header)
    name = rng.choice([*parts.header])
    again = parts.header[rng.choice([*parts.header])] if rng.random() < 0.5 else parts.header[name]
    entry = f"{json.dumps(name)}: {json.dumps(again)}"
    text = raw[:-1] + ", " + entry + "}" if rng.random() < 0.5 else "{" + entry + ", " + raw[1:]
    return assembled(text.encode(), parts.buffer)


def shapes_lie(parts: Parts, rng: Random) -> bytes:
    tensors = parts.tensors()
    entry = tensors[rng.choice([*tensors])]
    shape = list(entry["shape"])
    change = rng.randrange(6)
    if change == 0 and shape:
        shape[rng.randrange(len(shape))] = rng.choice(NASTY_NUMBERS)
    elif change == 1:
        shape.insert(rng.randrange(len(shape) + 1), rng.choice(NASTY_NUMBERS))
    elif change == 2:
        shape = shape[::-1]
    elif change == 3:
        shape = [1] * rng.choice((10, 1000)) + shape
    elif change == 4:
        shape = [2**32, 2**32, 0]
    else:
        shape = rng.choice(NASTY_NUMBERS)
    return parts.with_tensors(tensors | {next(n for n in tensors if tensors[n] is entry): entry | {"shape": shape}})


def all_counts_lie(parts: Parts, rng: Random) -> bytes:
    """Every array claims another number of Gaussians; places stay, are made to fit, or are all the same."""
    n = max(size for entry in parts.tensors().values() for size in entry["shape"])
    claimed = rng.choice((0, 1, n - 1, n + 1, 2 * n, 2_000_000, 2_000_001, 2**31, 2**40, 2**62))
    start, tensors = 0, parts.tensors()
    fit = rng.random()
    for entry in tensors.values():
        first, last = entry["data_offsets"]
        size = last - first
        entry["shape"] = [claimed if k == n else k for k in entry["shape"]]
        if n in entry["shape"] or fit < 0.7:
            size = size // n * claimed if claimed in entry["shape"] else size
        entry["data_offsets"] = [start, start + size] if fit < 0.7 else [0, size]
        start += size
    return parts.with_tensors(tensors, bytes(min(start, 200_000)) if rng.random() < 0.5 else None)


def dtypes_lie(parts: Parts, rng: Random) -> bytes:
    tensors = parts.tensors()
    for name in rng.sample([*tensors], rng.choice((1, 2))):
        tensors[name]["dtype"] = rng.choice((*KINDS, *NASTY_TEXT, *NASTY_NUMBERS))
    return parts.with_tensors(tensors)


def offsets_lie(parts: Parts, rng: Random) -> bytes:
    """Overlapping, swapped, backward, distant places of tensors."""
    tensors = parts.tensors()
    a, b = rng.sample([*tensors], 2)
    first, last = tensors[a]["data_offsets"]
    tensors[a]["data_offsets"] = rng.choice(
        (
            tensors[b]["data_offsets"],
            [last, first],
            [first + rng.randrange(-8, 9), last + rng.randrange(-8, 9)],
            [rng.choice(NASTY_NUMBERS), last],
            [first, rng.choice(NASTY_NUMBERS)],
            [2**64 - (last - first), 2**64 - 1],
            [first],
            [first, last, last],
            rng.choice(NASTY_NUMBERS),
        )
    )
    return parts.with_tensors(tensors)


def tensors_missing_or_many(parts: Parts, rng: Random) -> bytes:
    tensors = parts.tensors()
    name = rng.choice([*tensors])
    change = rng.randrange(5)
    if change == 0:
        del tensors[name]
    elif change == 1:
        tensors[rng.choice(NASTY_TEXT)] = tensors.pop(name)
    elif change == 2:
        tensors = {rng.choice([*tensors]): entry for entry in tensors.values()}
    elif change == 3:
        end = len(parts.buffer)
        empty = {"dtype": "U8", "shape": [0], "data_offsets": [end, end]}
        tensors |= {f"\x1b{n}": empty for n in range(rng.choice((1, 100, 9000)))}
    else:
        tensors[name] = rng.choice((*NASTY_NUMBERS, *NASTY_TEXT))
    return parts.with_tensors(tensors)


def metadata_lies(parts: Parts, rng: Random) -> bytes:
    metadata = dict(parts.header["__metadata__"])
    for name in rng.sample([*metadata], rng.choice((1, 1, 2))):
        metadata[name] = rng.choice((*NASTY_TEXT, *NASTY_NUMBERS))
    if rng.random() < 0.2:
        metadata.pop(rng.choice([*metadata]))
    if rng.random() < 0.2:
        metadata[rng.choice(NASTY_TEXT)] = rng.choice(NASTY_TEXT)
    return parts.with_metadata(metadata if rng.random() < 0.95 else rng.choice((*NASTY_NUMBERS, *NASTY_TEXT)))


def values_lie(parts: Parts, rng: Random) -> bytes:
    """NaN, infinity, extremes and noise in the numbers of one tensor, all else right."""
    tensors = parts.tensors()
    first, last = tensors[rng.choice([*tensors])]["data_offsets"]
    count = last - first
    if count == 0:
        return bits_anywhere(parts, rng)
    if rng.random() < 0.5:  # a few numbers
        first += rng.randrange(count) // 4 * 4
        count = min(rng.choice((2, 4, 8)), last - first)
    values = rng.randbytes(count) if rng.random() < 0.4 else (rng.choice(NASTY_BYTES) * count)[:count]
    return parts.with_tensors(tensors, parts.buffer[:first] + values + parts.buffer[first + count :])


WAYS: tuple[Callable[[Parts, Random], bytes], ...] = (
    bits_anywhere,
    bits_of_the_header,
    cut_short,
    lengthened,
    overwritten,
    pieces_moved,
    header_length_lies,
    header_is_no_json,
    keys_twice,
    shapes_lie,
    all_counts_lie,
    dtypes_lie,
    offsets_lie,
    tensors_missing_or_many,
    metadata_lies,
    values_lie,
)
