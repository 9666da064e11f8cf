"""OSC 1.0 messages made quickly, bundled below the MTU, sent without waiting (https://opensoundcontrol.stanford.edu).

python-osc writes what stays of a message, its address and type tags; only the floats are written anew.
"""

import socket
import struct
from collections.abc import Iterable, Sequence

from pythonosc.osc_message_builder import OscMessageBuilder

from inperson.app.outputs.addresses import Address

MAX_DATAGRAM = 1452
"""Bytes of a datagram that no link cuts up: Ethernet's 1500 less IPv6's and UDP's headers."""
_BUNDLE = b"#bundle\0" + struct.pack(">Q", 1)
"""Head of a bundle that is to take effect at once."""


class FloatMessage:
    """One kind of message: fixed arguments first, then floats that change.

    Args:
        address: OSC address.
        fixed: strings and ints.
        floats: how many floats follow.
    """

    def __init__(self, address: str, *fixed: str | int, floats: int) -> None:
        builder = OscMessageBuilder(address)
        for value in fixed:
            builder.add_arg(value)
        for _ in range(floats):
            builder.add_arg(0.0, OscMessageBuilder.ARG_TYPE_FLOAT)
        dgram = builder.build().dgram
        self._head = dgram[: len(dgram) - 4 * floats]
        self._floats = struct.Struct(f">{floats}f")

    def __call__(self, *values: float) -> bytes:
        """The message as it is sent."""
        return self._head + self._floats.pack(*values)


def bundles(messages: Iterable[bytes]) -> list[bytes]:
    """Messages in as few bundles as hold them, in order, none above `MAX_DATAGRAM` bytes."""
    out: list[bytes] = []
    parts, size = [_BUNDLE], len(_BUNDLE)
    for message in messages:
        if size + 4 + len(message) > MAX_DATAGRAM and len(parts) > 1:
            out.append(b"".join(parts))
            parts, size = [_BUNDLE], len(_BUNDLE)
        parts += [struct.pack(">i", len(message)), message]
        size += 4 + len(message)
    if len(parts) > 1:
        out.append(b"".join(parts))
    return out


class UdpSender:
    """Sends datagrams to one address; whether anybody is there makes no difference."""

    def __init__(self, address: Address) -> None:
        self._to = address.resolved
        self._socket = socket.socket(address.family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self.sent = 0
        """Datagrams handed to the network."""
        self.lost = 0
        """Datagrams the network did not take: it was full, or it is gone for now."""

    def send(self, datagrams: Sequence[bytes]) -> None:
        """Hand them over."""
        for datagram in datagrams:
            try:
                self._socket.sendto(datagram, self._to)
                self.sent += 1
            except OSError:
                self.lost += 1

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
