"""Reads the few fields wanted out of a protobuf message, by the wire format alone (protobuf.dev, "Encoding")."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def messages(message: bytes, number: int) -> list[bytes]:
    """Every value of a field of messages, strings or bytes."""
    return [value for field, kind, value in _fields(message) if field == number and kind == _BYTES]


def floats(message: bytes, number: int) -> Float[np.ndarray, " n"]:
    """Every value of a field of floats, packed or not."""
    data = b"".join(v for field, kind, v in _fields(message) if field == number and kind in (_FIXED32, _BYTES))
    return np.frombuffer(data, "<f4").astype(np.float64)


def varint(message: bytes, number: int) -> int:
    """The last value of an unsigned integer field; 0 where it is absent, as protobuf has it."""
    values = [v for field, kind, v in _fields(message) if field == number and kind == _VARINT]
    return int.from_bytes(values[-1], "little") if values else 0


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Number, wire type and content of each field; integers as little-endian bytes."""
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _read_varint(message, at)
            yield number, kind, value.to_bytes(10, "little")
            continue
        if kind == _BYTES:
            size, at = _read_varint(message, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"protobuf wire type {kind} is not known")
        if at + size > len(message):
            raise ValueError("the protobuf message ends inside a field")
        yield number, kind, message[at : at + size]
        at += size


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message):
            raise ValueError("the protobuf message ends inside a number")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
