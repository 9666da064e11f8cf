"""What is recorded comes back: here, and through the `mcap` library and the descriptors in the file alone."""

from pathlib import Path

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mcap.reader import make_reader

from inperson.app.recording.codec import encode
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import (
    AvatarRecord,
    BodyRecord,
    EventKind,
    EventRecord,
    HeadsetRecord,
    MicrophoneRecord,
    ParticipantRecord,
    SettingsRecord,
    TimingsRecord,
)
from inperson.app.recording.schema import SCHEMAS
from inperson.app.recording.writer import VERSION
from inperson.avatar.state import BodyState, Source
from inperson.paths import assets_dir
from inperson.tracking.motion_file import load_motion
from tests.app.recording.made_up import (
    ANCHOR,
    bits,
    made_up_avatar_record,
    made_up_messages,
    made_up_state,
    made_up_transform,
    write_session,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "whole.mcap"
    return write_session(path, [made_up_avatar_record(), *made_up_messages()])


def test_every_record_comes_back_bit_for_bit(whole: Path) -> None:
    with SessionReader(whole) as session:
        assert [bits(r) for r in session.records()] == [bits(r) for r in made_up_messages()]
        assert session.closed
        assert session.anchor == ANCHOR
        assert session.version == VERSION


def test_an_avatar_is_embedded_once_and_comes_back(tmp_path: Path) -> None:
    avatar = made_up_avatar_record()
    path = write_session(tmp_path / "x.mcap", [avatar, *made_up_messages(2), avatar])
    with SessionReader(path) as session:
        (sha256,) = session.avatars
        assert session.avatar(sha256) == avatar.data
    with path.open("rb") as file:
        (attachment,) = make_reader(file).iter_attachments()
        assert attachment.name == f"avatars/{sha256}.avatar"
        assert attachment.data == avatar.data


finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
times = st.integers(0, 2**63 - 1)
keys = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True)
words = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=200)


def floats(*shape: int) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.float32, shape, elements=finite)


@st.composite
def states(draw: st.DrawFn) -> BodyState:
    shapes = {
        **dict.fromkeys(("global_orient", "transl", "jaw_pose", "leye_pose", "reye_pose"), (3,)),
        "body_pose": (21, 3),
        "left_hand_pose": (15, 3),
        "right_hand_pose": (15, 3),
        "confidence": (5,),
        "expression": (draw(st.integers(0, 60)),),
        "betas": (draw(st.integers(0, 20)),),
    }
    return BodyState(
        **{name: draw(floats(*shape)) for name, shape in shapes.items()},
        time_ns=draw(times),
        source=tuple(draw(st.lists(st.sampled_from(Source), min_size=5, max_size=5))),
    )


@st.composite
def transforms(draw: st.DrawFn) -> np.ndarray:
    return np.concatenate([draw(floats(3, 4)), np.array([[0, 0, 0, 1]], np.float32)])


messages = st.one_of(
    st.builds(BodyRecord, keys, states()),
    st.builds(
        HeadsetRecord,
        keys,
        times,
        *[st.none() | transforms()] * 3,
        *[st.none() | floats(4)] * 2,
        *[st.none() | transforms()] * 3,
    ),
    st.builds(MicrophoneRecord, keys, times, st.integers(0, 2**40), st.binary(min_size=1, max_size=300)),
    st.builds(
        EventRecord,
        times,
        st.sampled_from(EventKind),
        words,
        words,
        st.integers(0, 2**40),
        st.none() | transforms(),
    ),
    st.builds(SettingsRecord, times, st.dictionaries(words, words, max_size=5)),
    st.builds(ParticipantRecord, keys, times, words, expr_names=st.lists(words, max_size=4).map(tuple)),
    st.lists(st.tuples(words, st.integers(-(2**62), 2**62)), max_size=5).flatmap(
        lambda pairs: st.builds(
            TimingsRecord,
            times,
            words,
            st.just(tuple(name for name, _ in pairs)),
            st.just(tuple(ns for _, ns in pairs)),
        )
    ),
)


@settings(max_examples=40, suppress_health_check=[*HealthCheck])
@given(records=st.lists(messages, max_size=12), chunk=st.integers(1, 13), closed=st.booleans())
def test_anything_that_can_be_recorded_comes_back(
    tmp_path_factory: pytest.TempPathFactory, records: list, chunk: int, closed: bool
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.mcap"
    write_session(path, records, chunk=chunk, closed=closed)
    with SessionReader(path) as session:
        assert [bits(r) for r in session.records()] == [bits(r) for r in records]
        assert session.closed == closed


def test_the_file_alone_says_how_its_messages_are_read(whole: Path) -> None:
    """With the `mcap` library, its checksums on, and the file's own descriptors; nothing of this program."""
    seen: dict[str, list] = {}
    with whole.open("rb") as file:
        for schema, channel, message in make_reader(file, validate_crcs=True).iter_messages(log_time_order=False):
            assert schema is not None
            assert (schema.encoding, channel.message_encoding) == ("protobuf", "protobuf")
            pool = descriptor_pool.DescriptorPool()
            for described in descriptor_pb2.FileDescriptorSet.FromString(schema.data).file:
                pool.Add(described)
            decoded = message_factory.GetMessageClass(pool.FindMessageTypeByName(schema.name)).FromString(
                message.data
            )
            assert decoded.time_ns == message.log_time
            seen.setdefault(channel.topic, []).append(decoded)
    mine = [r.state for r in made_up_messages() if isinstance(r, BodyRecord) and r.participant == "me"]
    for state, message in zip(mine, seen["/participants/me/body"], strict=True):
        np.testing.assert_array_equal(np.float32(message.body_pose), state.body_pose.ravel())
        assert list(message.source) == list(state.source)
    shapes = [list(m.betas) for m in seen["/participants/me/body"] if not m.keeps_betas]
    assert 2 <= len(shapes) < len(mine)  # when they change, and at a chunk's begin
    assert seen["/participants/me/about"][0].name == "Zoë Müller"
    assert {*seen} >= {"/session/events", "/session/settings", "/session/timings", "/participants/me/microphone"}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=lambda schema: schema.title)
def test_descriptors_carry_the_meaning_of_every_field(schema) -> None:
    (file,) = descriptor_pb2.FileDescriptorSet.FromString(schema.descriptor_set).file
    comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
    for i, field in enumerate(file.message_type[0].field):
        assert field.number == i + 1
        assert comments[4, 0, 2, i].strip() == schema.fields[i].about


def test_records_of_a_span_of_time_and_of_some_kinds(whole: Path) -> None:
    begin, end = 5_100_000_000, 5_250_000_000
    everything = made_up_messages()
    with SessionReader(whole) as session:
        span = [bits(r) for r in session.records(from_ns=begin, to_ns=end)]
        assert span == [bits(r) for r in everything if begin <= r.time_ns < end]
        assert len(span) > 10
        sound = list(session.records(MicrophoneRecord))
        assert sound == [r for r in everything if isinstance(r, MicrophoneRecord)]
        assert session.count(MicrophoneRecord, "me") == len(sound)
        assert session.count(EventRecord) == 3


def test_a_motion_is_what_render_plays(tmp_path: Path) -> None:
    """Recorded from a motion file, read back as one: the same arrays, the same papers."""
    clip = load_motion(assets_dir() / "captures" / "gestures.npz")
    about = ParticipantRecord(
        "me",
        0,
        body_name=clip.body_name or "",
        body_sha256=clip.body_sha256 or "",
        expr_names=clip.expr_names or (),
        framerate=clip.framerate,
        intrinsics=clip.intrinsics,
    )
    states = [BodyRecord("me", clip.state(i)) for i in range(len(clip))]
    path = write_session(tmp_path / "x.mcap", [about, *states, states[-1]], chunk=13)
    with SessionReader(path) as session:
        back = session.motion("me")
    for name in ("poses", "trans", "betas", "times_ns", "expression", "confidence", "source"):
        np.testing.assert_array_equal(getattr(back, name), getattr(clip, name), err_msg=name)
    for name in ("framerate", "expr_names", "intrinsics", "body_name", "body_sha256"):
        assert getattr(back, name) == getattr(clip, name), name


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (BodyRecord("Me", BodyState.rest(0, 0)), "participant 'Me'"),
        (BodyRecord("../me", BodyState.rest(0, 0)), "participant"),
        (BodyRecord("me", BodyState.rest(0, 0, time_ns=-1)), "time_ns is -1"),
        (BodyRecord("me", BodyState.rest(0, 0, time_ns=2**63)), "BodyState"),
        (EventRecord(0, EventKind.NOTE, text="\x1b[2J"), "Event.text"),
        (EventRecord(0, EventKind.NOTE, T_new_from_old=np.full((4, 4), np.nan)), "not finite"),
        (MicrophoneRecord("me", 0, 0, b""), "packet has 0"),
        (MicrophoneRecord("me", 0, 0, bytes(1 << 17)), "packet has 131072"),
        (MicrophoneRecord("me", 0, 0, b"x", samples=0), "samples is 0"),
        (ParticipantRecord("me", 0, avatar_sha256="zz"), "no sha256"),
        (AvatarRecord(0, b""), "0 bytes"),
    ],
)
def test_what_could_not_be_read_is_not_written(tmp_path: Path, record, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        write_session(tmp_path / "x.mcap", [record])


def test_betas_are_written_when_they_change() -> None:
    rng = np.random.default_rng(0)
    betas = rng.normal(size=300).astype(np.float32)
    state = made_up_state(0, rng, betas=betas)
    alone, kept = encode(BodyRecord("me", state)), encode(BodyRecord("me", state), betas.copy())
    assert len(alone) - len(kept) > 1200
    changed = betas.copy()
    changed[-1] = np.nextafter(changed[-1], np.float32(9))
    assert len(encode(BodyRecord("me", state), changed)) == len(alone)


def test_a_headsets_transforms_are_kept_as_float32() -> None:
    T = made_up_transform(np.random.default_rng(1)).astype(np.float64) + 1e-12
    assert encode(HeadsetRecord("me", 0, T)) == encode(HeadsetRecord("me", 0, T.astype(np.float32)))
