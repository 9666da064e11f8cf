"""OSC from anybody: what others write is read, what nobody should write is refused, nothing hangs."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from inperson.app.outputs.shown import Shown
from inperson.app.outputs.vmc import VmcPerformer
from inperson.app.vmc_input.heard import RefusedMessage, VmcListener
from inperson.app.vmc_input.osc_reading import MAX_DEPTH, MalformedPacket, OscMessage, read_packet
from inperson.avatar.body import load_body
from tests.app.outputs.hearing import read_by_oscpy, standing

HEAD = b"#bundle\0" + bytes(7) + b"\1"
VALID = b"/a\0\0,i\0\0\0\0\0\7"

arguments = st.one_of(
    st.text(max_size=12).filter(lambda text: "\0" not in text),
    st.integers(-(2**31), 2**31 - 1),
    st.floats(width=32, allow_nan=False),
    st.booleans(),
    st.none(),
    st.binary(min_size=1, max_size=9),
)


@given(st.lists(st.lists(arguments, max_size=5), min_size=1, max_size=4))
def test_what_python_osc_writes_is_read(several: list[list]) -> None:
    bundle = OscBundleBuilder(IMMEDIATELY)
    for values in several:
        message = OscMessageBuilder("/VMC/Ext/Any")
        for value in values:
            message.add_arg(value, *([OscMessageBuilder.ARG_TYPE_FLOAT] if isinstance(value, float) else []))
        built = message.build()
        assert read_packet(built.dgram) == [OscMessage("/VMC/Ext/Any", tuple(values))]
        bundle.add_content(built)
    read = read_packet(bundle.build().dgram)
    assert [message.arguments for message in read] == [tuple(values) for values in several]


def test_what_we_send_is_read_as_another_library_reads_it() -> None:
    datagrams = VmcPerformer(load_body(), ("arkit",))(Shown(standing()))
    ours = [(message.address, message.arguments) for datagram in datagrams for message in read_packet(datagram)]
    assert ours == read_by_oscpy(datagrams)


def nested(depth: int) -> bytes:
    data = VALID
    for _ in range(depth):
        data = HEAD + struct.pack(">i", len(data)) + data
    return data


def test_bundles_in_bundles_up_to_a_depth() -> None:
    assert read_packet(nested(MAX_DEPTH)) == [OscMessage("/a", (7,))]
    for depth in (MAX_DEPTH + 1, 3000):
        with pytest.raises(MalformedPacket):
            read_packet(nested(depth))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0\0",
        b"abc\0,\0\0\0",
        b"/a",
        b"/a\0\0",
        b"/a\0\0i\0\0\0\0\0\0\7",
        b"/a\0\0,i\0\0\0\0\0",
        b"/a\0\0,i\0\0\0\0\0\7x",
        b"/a\0\0,Q\0\0",
        b"/a\0x,\0\0\0",
        b"/\xff\0\0,\0\0\0",
        b"/a\0\0,b\0\0\xff\xff\xff\xff",
        b"/a\0\0,b\0\0\x7f\xff\xff\xff",
        b"#bundle\0",
        HEAD + b"\0\0",
        HEAD + struct.pack(">i", -4),  # python-osc's parser never comes back from this one
        HEAD + struct.pack(">i", 0),
        HEAD + struct.pack(">i", 6) + VALID,
        HEAD + struct.pack(">i", 2**31 - 1) + VALID,
    ],
)
def test_what_is_not_osc(data: bytes) -> None:
    with pytest.raises(MalformedPacket):
        read_packet(data)


def test_five_thousand_damaged_packets() -> None:
    """Bytes changed, cut out, put in and swapped: each is read or refused, and nothing else."""
    rng = np.random.default_rng(11)
    whole = VmcPerformer(load_body(), ("vrm0", "arkit"))(Shown(standing()))
    listener = VmcListener()
    malformed = refused = taken = 0
    for case in range(5_000):
        data = bytearray(whole[case % len(whole)])
        for _ in range(rng.integers(1, 6)):
            at = int(rng.integers(0, max(len(data), 1)))
            match rng.integers(4) if case % 2 else 0:  # every other packet keeps its lengths
                case 0:
                    data[at : at + 1] = rng.bytes(1)
                case 1:
                    data[at : at + int(rng.integers(1, 40))] = b""
                case 2:
                    data[at:at] = rng.bytes(int(rng.integers(1, 20)))
                case _:
                    data[at : at + 4] = struct.pack(">i", int(rng.choice([-4, -1, 0, 4, 2**31 - 1, -(2**31)])))
        try:
            messages = read_packet(bytes(data))
        except MalformedPacket:
            malformed += 1
            continue
        for message in messages:
            try:
                listener.listen(message, case)
                taken += 1
            except RefusedMessage:
                refused += 1
    assert min(malformed, refused, taken) > 50
    heard = listener.heard
    for transform in heard.bones.values():
        assert np.isfinite(transform.place).all()
        np.testing.assert_allclose(transform.rotation @ transform.rotation.T, np.eye(3), atol=1e-9)
    assert all(0.0 <= value <= 1.0 for value in heard.blendshapes.values())
