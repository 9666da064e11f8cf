"""OSC 1.0 packets from anybody, read strictly (https://opensoundcontrol.stanford.edu/spec-1_0.html).

python-osc's own parser is not made for strangers: a bundle element of negative size keeps it going for ever, nested
bundles exhaust Python's stack, and bytes that are no text raise whatever they raise. Here every step goes forward.
"""

import struct
from dataclasses import dataclass

Argument = int | float | str | bytes | bool | None

MAX_DEPTH = 4
"""Of bundles in bundles."""
_BUNDLE = b"#bundle\0"
_TIME_TAG = 8
_FIXED = {"i": ">i", "f": ">f", "h": ">q", "d": ">d", "t": ">Q", "r": ">I", "m": ">I", "c": ">I"}
_WITHOUT_BYTES: dict[str, Argument] = {"T": True, "F": False, "N": None, "I": None}


class MalformedPacket(ValueError):
    """The bytes are not OSC."""


@dataclass(frozen=True, slots=True)
class OscMessage:
    """One message."""

    address: str
    arguments: tuple[Argument, ...]


def read_packet(data: bytes, depth: int = 0) -> list[OscMessage]:
    """All messages of a datagram in their order; time tags are not waited for.

    Raises:
        MalformedPacket: it does not follow the specification.
    """
    if not data.startswith(_BUNDLE):
        return [_read_message(data)]
    if depth == MAX_DEPTH:
        raise MalformedPacket("bundles in bundles in bundles")
    if len(data) < len(_BUNDLE) + _TIME_TAG:
        raise MalformedPacket("a bundle without a time")
    out: list[OscMessage] = []
    at = len(_BUNDLE) + _TIME_TAG
    while at < len(data):
        size = int(_read_number(data, at, ">i"))
        at += 4
        if size <= 0 or size % 4 or at + size > len(data):
            raise MalformedPacket("an element of impossible size")
        out += read_packet(data[at : at + size], depth + 1)
        at += size
    return out


def _read_message(data: bytes) -> OscMessage:
    address, at = _read_string(data, 0)
    if not address.startswith("/"):
        raise MalformedPacket("an address without a slash")
    tags, at = _read_string(data, at)
    if not tags.startswith(","):
        raise MalformedPacket("no type tags")
    arguments: list[Argument] = []
    for tag in tags[1:]:
        if tag in _FIXED:
            arguments.append(_read_number(data, at, _FIXED[tag]))
            at += struct.calcsize(_FIXED[tag])
        elif tag in ("s", "S"):
            text, at = _read_string(data, at)
            arguments.append(text)
        elif tag == "b":
            blob, at = _read_blob(data, at)
            arguments.append(blob)
        elif tag in _WITHOUT_BYTES:
            arguments.append(_WITHOUT_BYTES[tag])
        else:
            raise MalformedPacket(f"type tag {tag!r}")
    if at != len(data):
        raise MalformedPacket("bytes after the last argument")
    return OscMessage(address, tuple(arguments))


def _read_number(data: bytes, at: int, form: str) -> int | float:
    if at + struct.calcsize(form) > len(data):
        raise MalformedPacket("it ends within a number")
    (number,) = struct.unpack_from(form, data, at)
    return number


def _read_string(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    after = end + 4 - (end - at) % 4
    if end < 0 or after > len(data) or data[end:after].strip(b"\0"):
        raise MalformedPacket("a text without an end")
    try:
        return data[at:end].decode("utf-8"), after
    except UnicodeDecodeError as error:
        raise MalformedPacket("a text that is no UTF-8") from error


def _read_blob(data: bytes, at: int) -> tuple[bytes, int]:
    size = int(_read_number(data, at, ">i"))
    after = at + 4 + size + -size % 4
    if size < 0 or after > len(data):
        raise MalformedPacket("a blob without an end")
    return data[at + 4 : at + 4 + size], after
