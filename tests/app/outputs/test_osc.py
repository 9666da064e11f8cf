"""Messages as python-osc writes them, bundles below the MTU."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_message_builder import OscMessageBuilder

from inperson.app.outputs.addresses import find_address
from inperson.app.outputs.osc import MAX_DATAGRAM, FloatMessage, UdpSender, bundles
from tests.app.outputs.hearing import read_by_oscpy

fixed = st.one_of(st.text("äb/c d", max_size=9), st.integers(-(2**31), 2**31 - 1))
float32 = st.floats(width=32, allow_nan=False)


@given(st.lists(fixed, max_size=3), st.lists(float32, max_size=8))
def test_a_message_is_what_python_osc_writes(before: list[str | int], values: list[float]) -> None:
    builder = OscMessageBuilder("/VMC/Ext/Bone/Pos")
    for value in before:
        builder.add_arg(value)
    for value in values:
        builder.add_arg(value, OscMessageBuilder.ARG_TYPE_FLOAT)
    assert FloatMessage("/VMC/Ext/Bone/Pos", *before, floats=len(values))(*values) == builder.build().dgram


@given(st.lists(st.integers(1, 400), max_size=60))
def test_bundles_hold_everything_in_order_and_are_small(lengths: list[int]) -> None:
    messages = [FloatMessage("/m", "x" * length, k, floats=0)() for k, length in enumerate(lengths)]
    made = bundles(messages)
    assert all(len(bundle) <= MAX_DATAGRAM for bundle in made)
    heard = [message for bundle in made for message in read_by_oscpy([bundle])]
    assert heard == [("/m", ("x" * length, k)) for k, length in enumerate(lengths)]
    smallest = [len(bundle) + 4 + len(nxt) for bundle, nxt in zip(made, map(_first_message, made[1:]), strict=False)]
    assert all(size > MAX_DATAGRAM for size in smallest)  # no bundle had room for the next one's first message


def _first_message(bundle: bytes) -> bytes:
    return bundle[20 : 20 + int.from_bytes(bundle[16:20], "big")]


def test_what_the_network_does_not_take_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    address = find_address("--vmc", "on", 39539)
    assert address is not None
    sender = UdpSender(address)

    class GoneNetwork:
        def sendto(self, data: bytes, to: object) -> None:
            raise OSError(101, "Network is unreachable")

        def close(self) -> None:
            pass

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        there = find_address("--vmc", str(receiver.getsockname()[1]), 1)
        assert there is not None
        arriving = UdpSender(there)
        arriving.send([b"one", b"two"])
        assert [receiver.recv(10), receiver.recv(10)] == [b"one", b"two"]
        assert (arriving.sent, arriving.lost) == (2, 0)
        arriving.close()
    sender._socket.close()
    monkeypatch.setattr(sender, "_socket", GoneNetwork())
    sender.send([b"one", b"two"])
    assert (sender.sent, sender.lost) == (0, 2)
