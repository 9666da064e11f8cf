"""Files that are damaged, cut, or never were sessions: what opens, what is refused, and what can be mended."""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from mcap.opcode import Opcode
from mcap.reader import make_reader
from mcap.writer import MCAP0_MAGIC, Writer

from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import BodyRecord, EventKind, EventRecord, Message
from inperson.app.recording.repair import check, repair, repaired_path
from inperson.app.recording.writer import METADATA
from inperson.errors import BadInputError, OutputError
from tests.app.recording.damaged_sessions import WAYS, Parts, assembled, bent, chunk, inside, joined
from tests.app.recording.fuzz_sessions import MEMORY, check_words, try_check, try_read
from tests.app.recording.made_up import bits, made_up_avatar_record, made_up_messages, write_session

CASES = 2000
ROOT = Path(__file__).parents[3]
CHUNK = 10


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    return made_up_messages(states=8)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, messages: list[Message]) -> Parts:
    path = tmp_path_factory.mktemp("whole") / "whole.mcap"
    return Parts.of(write_session(path, [made_up_avatar_record(), *messages], chunk=CHUNK).read_bytes())


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, messages: list[Message]) -> Parts:
    path = tmp_path_factory.mktemp("killed") / "killed.mcap"
    return Parts.of(write_session(path, messages, chunk=CHUNK, closed=False).read_bytes())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "one.mcap"


def refused(path: Path) -> BadInputError:
    with pytest.raises(BadInputError) as caught:
        SessionReader(path)
    check_words(str(caught.value))
    assert str(path) in caught.value.what
    return caught.value


def read(path: Path) -> list:
    with SessionReader(path) as session:
        return [bits(record) for record in session.records()]


def test_thousands_of_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    """In a process of its own, which a crash, a hang or much memory would end."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.app.recording.fuzz_sessions", "--cases", str(CASES)),
            "--folder",
            str(tmp_path),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr[-3000:]}\nthe file is {tmp_path / 'damaged.mcap'}"
    outcomes = json.loads(done.stdout)
    assert outcomes["refused"] + outcomes["damaged"] + outcomes["whole"] == CASES
    assert outcomes["most_bytes"] < MEMORY + (256 << 20)
    assert outcomes["damaged"] > CASES // 2  # else the damage is no damage
    assert outcomes["read"] > CASES // 40  # else reading was not tried
    assert outcomes["not read"] > CASES // 40


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_way_of_damage_damages(whole: Parts, way, path: Path) -> None:
    """Equal seeds give equal files, and most differ from the whole one."""
    files = [way(whole, Random(seed)) for seed in range(20)]
    assert files == [way(whole, Random(seed)) for seed in range(20)]
    assert sum(data != whole.data for data in files) >= 15
    outcomes = []
    for data in files:
        path.write_bytes(data)
        outcomes.append((try_check(path), try_read(path)))
    assert ("damaged", "not read") in outcomes or ("damaged", "read") in outcomes


@pytest.mark.parametrize("kind", ["whole", "killed"])
def test_a_file_cut_anywhere_holds_every_whole_chunk_before(
    kind: str, request: pytest.FixtureRequest, messages: list[Message], path: Path
) -> None:
    parts: Parts = request.getfixturevalue(kind)
    ends, at = [], 8
    for opcode, content in parts.records:
        at += 9 + len(content)
        if opcode == Opcode.CHUNK:
            ends.append(at)
        if opcode == Opcode.METADATA:
            described = at
    expected = [bits(message) for message in messages]
    last = range(len(parts.data) - 40, len(parts.data))
    for length in {
        *range(0, len(parts.data), 199),
        *last,
        *ends,
        *(end - 1 for end in ends),
        described,
        described - 1,
    }:
        path.write_bytes(parts.data[:length])
        if length < described:
            assert "ends before anything was recorded" in refused(path).what
        else:
            chunks = sum(end <= length for end in ends)
            assert read(path) == expected[: CHUNK * chunks - (kind == "whole" and chunks > 0)]


def test_a_tail_of_zeros_is_torn_and_nothing_else_is_lost(killed: Parts, messages: list[Message], path: Path) -> None:
    """As a power cut leaves a file whose length reached the disk before its bytes."""
    path.write_bytes(killed.data + bytes(5000))
    assert read(path) == [bits(message) for message in messages]
    assert check(path).torn == 5000
    assert not check(path).damages


def test_one_wrong_byte_in_a_chunk_is_found_and_everything_else_mended(
    whole: Parts, messages: list[Message], path: Path
) -> None:
    index = whole.chunks()[1]
    opcode, content = whole.records[index]
    bad = bytearray(content)
    bad[-20] ^= 4
    data = whole.replaced(index, (opcode, bytes(bad)))
    path.write_bytes(data)
    error = refused(path)
    assert "is damaged: a chunk" in error.what
    assert "session check FILE --repair" in error.mend
    (damage,) = check(path).damages
    assert damage.at == 8 + 9 + len(joined(list(whole.records[:index])))
    mended = repair(path, repaired_path(path))
    assert mended.whole
    assert mended.path == path.with_name("one.repaired.mcap")
    assert path.read_bytes() == data
    lost = range(CHUNK - 1, 2 * CHUNK - 1)  # the first record is the avatar
    *kept, note = read(mended.path)
    assert kept == [bits(message) for i, message in enumerate(messages) if i not in lost]
    with SessionReader(mended.path) as session, SessionReader(write_again(path, whole.data)) as before:
        assert session.anchor == before.anchor
        assert {sha256: session.avatar(sha256) for sha256 in session.avatars} == {
            sha256: before.avatar(sha256) for sha256 in before.avatars
        }
        *_, note = session.records(EventRecord)
        assert isinstance(note, EventRecord)
        assert (note.kind, note.text) == (EventKind.NOTE, "repaired: 1 damaged places and 0 torn bytes were left out")
    with mended.path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        assert summary.statistics.message_count == len(kept) + 1 == sum(1 for _ in reader.iter_messages())


def write_again(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_lying_length_hides_one_chunk_and_no_more(whole: Parts, messages: list[Message], path: Path) -> None:
    """After the fault the next chunk is looked for."""
    index = whole.chunks()[1]
    at = 8 + len(joined(list(whole.records[:index])))
    for length in (2**63, len(whole.records[index][1]) + 1000, 3):
        path.write_bytes(whole.data[: at + 1] + struct.pack("<Q", length) + whole.data[at + 9 :])
        refused(path)
        kept = sum(check(path).counts.values())
        assert len(messages) - 2 * CHUNK <= kept <= len(messages) - CHUNK


def test_without_its_first_chunk_the_index_says_what_the_channels_are(
    whole: Parts, messages: list[Message], path: Path
) -> None:
    index = whole.chunks()[0]
    path.write_bytes(whole.replaced(index, (int(Opcode.CHUNK), b"nothing")))
    assert sum(check(path).counts.values()) == len(messages) - (CHUNK - 1)


def test_a_wrong_index_is_found_and_mended(whole: Parts, messages: list[Message], path: Path) -> None:
    index = next(i for i, (opcode, _) in enumerate(whole.records) if opcode == Opcode.STATISTICS)
    path.write_bytes(whole.replaced(index, (int(Opcode.STATISTICS), bent(whole.records[index][1], Random(1)))))
    assert "an index with a wrong checksum" in refused(path).what
    assert sum(repair(path, repaired_path(path)).counts.values()) == len(messages) + 1


def test_bytes_after_the_end_change_nothing(whole: Parts, messages: list[Message], path: Path) -> None:
    path.write_bytes(whole.data + b"more")
    assert read(path) == [bits(message) for message in messages]
    assert not check(path).whole


def test_a_damaged_avatar_is_found_and_left_out(whole: Parts, path: Path) -> None:
    index = next(i for i, (opcode, _) in enumerate(whole.records) if opcode == Opcode.ATTACHMENT)
    content = bytearray(whole.records[index][1])
    content[-100] ^= 1
    path.write_bytes(whole.replaced(index, (int(Opcode.ATTACHMENT), bytes(content))))
    with SessionReader(path) as session:
        (sha256,) = session.avatars
        with pytest.raises(BadInputError, match="an attachment with a wrong checksum"):
            session.avatar(sha256)
        with pytest.raises(BadInputError, match="does not hold avatar 0000"):
            session.avatar("0" * 64)
    assert [damage.what for damage in check(path).damages] == ["an attachment with a wrong checksum"]
    assert repair(path, repaired_path(path)).avatars == ()


def with_inside(whole: Parts, change) -> bytes:
    """A right chunk whose first body state is another."""
    index = whole.chunks()[0]
    records = inside(whole.records[index][1])
    described = {c[0]: c for opcode, c in records if opcode == Opcode.CHANNEL}
    i = next(
        i for i, (op, c) in enumerate(records) if op == Opcode.MESSAGE and b"/me/body" in described.get(c[0], b"")
    )
    records[i] = (int(Opcode.MESSAGE), change(records[i][1]))
    return whole.replaced(index, (int(Opcode.CHUNK), chunk(joined(records))))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda c: c[:22] + b"\xff" * 40, "cannot be decoded"),
        (lambda c: c[:22] + c[22:31], "global_orient has 0 values"),
        (lambda c: c[:22] + c[22:] + b"\x12\x0c" + struct.pack("<3f", 1, 2, 3), "global_orient has 6 values"),
        (lambda c: c.replace(c[33:37], struct.pack("<f", float("nan")), 1), "not finite"),
        (lambda c: c[:22] + bytes(70_000), "takes 70000 bytes"),
        (lambda c: c[:6] + struct.pack("<Q", 7) + c[14:], "of another time"),
        (lambda c: c + b"\x70\x01", "keeps_betas without"),
    ],
)
def test_a_message_that_is_not_what_its_channel_says(whole: Parts, path: Path, change, fault: str) -> None:
    path.write_bytes(with_inside(whole, change))
    with SessionReader(path) as session, pytest.raises(BadInputError, match=fault) as caught:
        list(session.records())
    check_words(str(caught.value))
    assert [fault in damage.what for damage in check(path).damages] == [True]


def other_mcap(path: Path, metadata: dict[str, str] | None) -> Path:
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("ros2", "somebody")
        if metadata is not None:
            writer.add_metadata(METADATA, metadata)
        channel = writer.register_channel("/tf", "cdr", writer.register_schema("tf", "ros2msg", b"x"))
        writer.add_message(channel, 0, b"x", 0)
        writer.finish()
    return path


OURS = {"version": "1", "monotonic_ns": "0", "unix_ns": "0"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "ends before anything"),
        (b"\x89MCA", "ends before anything"),
        (b"\x89MCAP0\r\n", "ends before anything"),
        (b"not a session at all", "it is no MCAP file"),
        (None, "is an MCAP file of another program"),
        (OURS | {"version": "3"}, "is of version 3, this program knows up to 2: update InPerson"),
        (OURS | {"version": "9" * 19}, "update InPerson"),
        (OURS | {"version": "0"}, "is of version 0"),
        (OURS | {"version": "\x1b[2J"}, "has no version"),
        (OURS | {"unix_ns": "-5"}, "has no unix ns"),
        ({}, "has no version"),
    ],
)
def test_what_is_no_session_is_refused_in_one_line(path: Path, content, said: str) -> None:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        other_mcap(path, content)
    assert said in str(refused(path))


def test_other_programs_channels_are_left_alone(path: Path) -> None:
    assert read(other_mcap(path, OURS)) == []
    assert check(path).whole


def test_one_of_our_topics_with_another_programs_messages(path: Path) -> None:
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("", "")
        writer.add_metadata(METADATA, OURS)
        schema = writer.register_schema("inperson.Event", "protobuf", b"")
        writer.add_message(writer.register_channel("/participants/me/body", "protobuf", schema), 0, b"", 0)
        writer.finish()
    assert "/participants/me/body does not hold inperson.BodyState" in refused(path).what


def test_a_file_of_bombs_is_refused_before_it_is_unpacked(whole: Parts, path: Path) -> None:
    """Each is small enough alone; all together would be two gigabytes."""
    bombs = [(int(Opcode.CHUNK), chunk(joined([(0x80, bytes((16 << 20) - 9))])))] * 128
    path.write_bytes(assembled([*whole.records[:2], *bombs], MCAP0_MAGIC))
    assert "unpacks to more than 100 times the file" in refused(path).what
    whats = [damage.what for damage in check(path).damages]
    assert whats.count("a chunk that unpacks to more than 100 times the file") > 100
    assert whats[-2:] == ["8 bytes that are no record", "the index is missing"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_and_folders_and_nothing_are_no_sessions(tmp_path: Path) -> None:
    """Opening a pipe would wait for ever."""
    os.mkfifo(tmp_path / "pipe.mcap")
    for path in (tmp_path / "pipe.mcap", tmp_path, tmp_path / "none.mcap"):
        assert "not found" in refused(path).what
        with pytest.raises(BadInputError, match="not found"):
            check(path)


def test_repairing_replaces_nothing_and_leaves_nothing_half(killed: Parts, path: Path) -> None:
    path.write_bytes(killed.data)
    mended = repaired_path(path)
    mended.write_bytes(b"precious")
    with pytest.raises(OutputError, match="is there already"):
        repair(path, mended)
    assert mended.read_bytes() == b"precious"
    with pytest.raises(OutputError, match="cannot be written"):
        repair(path, path.parent / "nowhere" / "x.mcap")
    assert sorted(p.name for p in path.parent.iterdir()) == ["one.mcap", "one.repaired.mcap"]


def test_an_open_recording_can_be_read_while_it_grows(killed: Parts, messages: list[Message], path: Path) -> None:
    path.write_bytes(killed.data)
    with SessionReader(path) as session:
        assert not session.closed
        assert session.count(BodyRecord, "me") == 8
        assert session.begin_ns == min(message.time_ns for message in messages)
        assert session.end_ns == max(message.time_ns for message in messages)


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="needs a file that cannot be read")
@pytest.mark.parametrize("use", [SessionReader, check])
def test_a_disk_that_fails_is_one_error(use: Callable[[Path], object]) -> None:
    """Nothing is mapped at the beginning of a process's memory: reading it is an error of input and output."""
    with pytest.raises(BadInputError, match=r"session /proc/self/mem cannot be read \("):
        use(Path("/proc/self/mem"))
