"""The recorder: what is put is in the file, nobody waits for the disk, and it ends well whatever the disk does."""

import errno
import io
import resource
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inperson.app.recording import recorder as recorder_module
from inperson.app.recording.durable_file import DurableFile
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.recorder import STOP_BYTES, WARN_BYTES, Recorder
from inperson.app.recording.records import (
    BodyRecord,
    EventKind,
    EventRecord,
    MicrophoneRecord,
    ParticipantRecord,
    TimingsRecord,
)
from inperson.app.recording.writer import SessionWriter
from inperson.avatar.state import BodyState
from inperson.errors import OutputError
from inperson.paths import assets_dir
from inperson.tracking.motion_file import MotionClip, load_motion
from tests.app.recording.made_up import ANCHOR, bits, made_up_messages, made_up_state
from tests.app.recording.recording_program import state_of

ROOT = Path(__file__).parents[3]


class GatedFile(io.FileIO):
    """A disk that takes nothing while its gate is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "xb")
        self.gate, self.asked = threading.Event(), threading.Event()
        self.gate.set()

    def write(self, data) -> int:
        self.asked.set()
        self.gate.wait()
        return super().write(data)


class FullFile(io.FileIO):
    """A disk with room for so many bytes, which takes a piece as far as it fits."""

    def __init__(self, path: Path, room: int) -> None:
        super().__init__(path, "xb")
        self._room = room

    def write(self, data) -> int:
        fits = self._room - self.tell()
        if fits <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(memoryview(data)[:fits])


def events(session: SessionReader, kind: EventKind) -> list[EventRecord]:
    return [e for e in session.records(EventRecord) if isinstance(e, EventRecord) and e.kind == kind]


def test_everything_put_is_in_the_file_in_its_order(tmp_path: Path) -> None:
    records = made_up_messages(states=200)
    with Recorder(DurableFile.create(tmp_path / "x.mcap")) as recorder:
        assert all(recorder.put(record) for record in records)
        status = recorder.close()
    assert status.error is None
    assert (status.states, status.dropped, status.size) == (400, 0, (tmp_path / "x.mcap").stat().st_size)
    with SessionReader(tmp_path / "x.mcap") as session:
        *read, end = session.records()
        assert [bits(r) for r in read] == [bits(r) for r in records]
        assert isinstance(end, EventRecord)
        assert (end.kind, end.text) == (EventKind.END, "closed")
        assert session.closed


def test_what_several_threads_put_at_once_is_all_there(tmp_path: Path) -> None:
    with Recorder(DurableFile.create(tmp_path / "x.mcap")) as recorder:

        def put(key: str) -> None:
            for i in range(300):
                assert recorder.put(BodyRecord(key, BodyState.rest(0, 0, time_ns=i)))

        threads = [threading.Thread(target=put, args=(f"p{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with SessionReader(tmp_path / "x.mcap") as session:
        for n in range(4):
            assert [state.time_ns for state in session.states(f"p{n}")] == list(range(300))


def test_a_disk_that_hangs_costs_sound_and_no_motion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller is never held up: all puts return while the disk takes nothing."""
    monkeypatch.setattr(recorder_module, "MOST_WAITING", 100)
    file = GatedFile(tmp_path / "x.mcap")
    with Recorder(DurableFile(file, tmp_path / "x.mcap")) as recorder:
        file.asked.clear()
        file.gate.clear()
        recorder.put(EventRecord(0, EventKind.NOTE))
        assert file.asked.wait(60)  # now its thread hangs in a write
        taken = {"body": 0, "microphone": 0, "timings": 0}
        for i in range(1000):
            taken["body"] += recorder.put(BodyRecord("me", BodyState.rest(0, 0, time_ns=i)))
            taken["microphone"] += recorder.put(MicrophoneRecord("me", i, i, b"sound"))
            taken["timings"] += recorder.put(TimingsRecord(i, "mirror", ("draw",), (i,)))
        assert taken["body"] == 1000
        assert taken["microphone"] + taken["timings"] < 100
        file.gate.set()
    with SessionReader(tmp_path / "x.mcap") as session:
        assert [state.time_ns for state in session.states("me")] == list(range(1000))
        assert session.count(MicrophoneRecord, "me") == taken["microphone"]
        assert session.count(TimingsRecord) == taken["timings"]
        dropped = {event.text.split(":")[0]: event.count for event in events(session, EventKind.DROPPED)}
    assert dropped == {name: 1000 - taken[name] for name in ("microphone", "timings")}
    assert recorder.status.dropped == sum(dropped.values())
    assert recorder.status.error is None


def test_motion_that_the_disk_never_takes_ends_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "MOST_WAITING_EVER", 50)
    file = GatedFile(tmp_path / "x.mcap")
    with Recorder(DurableFile(file, tmp_path / "x.mcap")) as recorder:
        file.asked.clear()
        file.gate.clear()
        recorder.put(EventRecord(0, EventKind.NOTE))
        assert file.asked.wait(60)
        taken = [recorder.put(BodyRecord("me", BodyState.rest(0, 0, time_ns=i))) for i in range(60)]
        assert taken == [True] * 50 + [False] * 10
        file.gate.set()
        status = recorder.close()
    assert "does not keep up" in str(status.error)
    with SessionReader(tmp_path / "x.mcap") as session:
        assert session.count(BodyRecord, "me") == 50
        assert session.closed


def test_a_record_that_cannot_be_written_is_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    broken = made_up_state(5, np.random.default_rng(0), betas=np.array([np.nan], np.float32))
    with Recorder(DurableFile.create(tmp_path / "x.mcap")) as recorder:
        recorder.put(BodyRecord("me", broken))
        recorder.put(BodyRecord("me", state_of(1)))
    with SessionReader(tmp_path / "x.mcap") as session:
        assert [bits(s) for s in session.states("me")] == [bits(state_of(1))]
        (event,) = events(session, EventKind.DROPPED)
        assert event.count == 1
        assert event.text == "body: BodyState.betas has values that are not finite"
    assert recorder.status.dropped == 1


def test_after_the_end_nothing_is_taken(tmp_path: Path) -> None:
    recorder = Recorder(DurableFile.create(tmp_path / "x.mcap"))
    recorder.close()
    assert not recorder.put(EventRecord(0, EventKind.NOTE))
    assert recorder.close() == recorder.status


def test_no_recording_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "x.mcap").write_bytes(b"precious")
    with pytest.raises(OutputError, match=r"x\.mcap is there already: name a new file"):
        DurableFile.create(tmp_path / "x.mcap")
    assert (tmp_path / "x.mcap").read_bytes() == b"precious"
    with pytest.raises(OutputError, match="cannot be written"):
        DurableFile.create(tmp_path / "nowhere" / "x.mcap")


def test_a_disk_that_fills_up_warns_and_then_ends_the_recording_whole(tmp_path: Path) -> None:
    free = {"bytes": WARN_BYTES - 1}
    warned = threading.Event()

    def free_bytes(path: Path) -> int:
        if warned.is_set():
            free["bytes"] = STOP_BYTES - 1
        return free["bytes"]

    with Recorder(DurableFile.create(tmp_path / "x.mcap"), free_bytes=free_bytes) as recorder:
        recorder.put(BodyRecord("me", state_of(0)))
        while not recorder.status.warning:
            threading.Event().wait(0.01)
        assert recorder.status.warning == "1000 MB left on the disk; recording stops at 200 MB"
        recorder.put(BodyRecord("me", state_of(1)))
        warned.set()
        while recorder.put(EventRecord(0, EventKind.NOTE)):
            threading.Event().wait(0.01)
        status = recorder.close()
    assert status.error is not None
    assert status.error.exit_code == 5
    assert "200 MB left on the disk" in str(status.error)
    assert "what was recorded until then is safe" in str(status.error)
    with SessionReader(tmp_path / "x.mcap") as session:
        assert session.closed
        assert session.count(BodyRecord, "me") == 2
        assert len(events(session, EventKind.WARNING)) == 1
        (end,) = events(session, EventKind.END)
        assert end.text == "200 MB left on the disk"


def chunks_of_states(file: DurableFile, sizes: list[int]) -> None:
    """Four chunks of five states; notes in `sizes` how far the file had come after each."""
    with file:
        writer = SessionWriter(file, ANCHOR)
        for number in range(20):
            writer.add(BodyRecord("me", state_of(number)))
            if number % 5 == 4:
                writer.end_chunk()
                sizes.append(writer.size)
        writer.finish()


def test_a_disk_full_at_any_place_leaves_every_whole_chunk(tmp_path: Path) -> None:
    sizes: list[int] = []
    chunks_of_states(DurableFile.create(tmp_path / "whole.mcap"), sizes)
    head, end = 300, (tmp_path / "whole.mcap").stat().st_size
    rooms = sorted({*range(head, end, 1009), *(s + d for s in sizes for d in (-1, 0, 1))})
    assert len(rooms) > 25
    for room in rooms:
        path, whole = tmp_path / f"{room}.mcap", list[int]()
        with pytest.raises(OutputError, match="No space left on device"):
            chunks_of_states(DurableFile(FullFile(path, room), path), whole)
        assert whole == [size for size in sizes if size <= room]
        assert path.stat().st_size <= room
        with SessionReader(path) as session:
            assert not session.closed
            assert [bits(s) for s in session.states("me")] == [bits(state_of(n)) for n in range(5 * len(whole))]


def test_a_recorder_on_a_full_disk_says_so_and_lets_the_session_go_on(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    with Recorder(DurableFile(FullFile(path, 20_000), path)) as recorder:
        number = 0
        while recorder.put(BodyRecord("me", state_of(number))):
            number += 1
            threading.Event().wait(0.002)
        status = recorder.close()
    assert "recording stopped" in str(status.error)
    assert "No space left on device" in str(status.error)
    assert path.stat().st_size == status.size <= 20_000
    with SessionReader(path) as session:
        states = list(session.states("me"))
    assert len(states) == status.states < number
    assert [bits(s) for s in states[:3]] == [bits(state_of(n)) for n in range(min(3, len(states)))]


LIMITED = """
import resource, sys, time
from pathlib import Path
from inperson.app.recording.durable_file import DurableFile
from inperson.app.recording.recorder import Recorder
from inperson.app.recording.records import BodyRecord
from tests.app.recording.recording_program import state_of
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
with Recorder(DurableFile.create(Path(sys.argv[1]))) as recorder:
    for number in range(10_000):
        if not recorder.put(BodyRecord("me", state_of(number))):
            break
        time.sleep(0.003)
sys.exit(str(recorder.status.error))
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit of file sizes here")
def test_the_systems_own_limit_of_a_files_size(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "recording stopped" in done.stderr
    assert "File too large" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    with SessionReader(path) as session:
        kept = list(session.states("me"))
        assert [bits(s) for s in kept] == [bits(state_of(n)) for n in range(len(kept))]
    assert path.stat().st_size <= 30_000


def a_minute_of(clip: MotionClip) -> list[BodyRecord]:
    """1800 states at 30 a second: the clip forth and back, with the noise that tracking has in every number."""
    rng = np.random.default_rng(0)
    forth_and_back = [*range(len(clip)), *reversed(range(len(clip)))]
    out = []
    for i in range(1800):
        state = clip.state(forth_and_back[i % len(forth_and_back)])
        noisy = state.with_full_pose(state.full_pose + rng.normal(scale=1e-3, size=(55, 3)))
        expression = state.expression + rng.normal(scale=1e-3, size=state.expression.shape).astype(np.float32)
        transl = state.transl + rng.normal(scale=1e-3, size=3).astype(np.float32)
        time_ns = round(i * 1e9 / 30)
        out.append(BodyRecord("me", replace(noisy, expression=expression, transl=transl, time_ns=time_ns)))
    return out


def test_a_minute_of_a_gesturing_person_with_speech_takes_less_than_3_megabytes(tmp_path: Path) -> None:
    """Chunks as the recorder ends them; packets of 20 ms at 24 kbit/s, which do not pack."""
    clip = load_motion(assets_dir() / "performer" / "performer.npz")
    rng = np.random.default_rng(0)
    minute = a_minute_of(clip)
    path = tmp_path / "minute.mcap"
    with DurableFile.create(path) as file:
        writer = SessionWriter(file, ANCHOR)
        writer.add(ParticipantRecord("me", 0, expr_names=clip.expr_names or ()))
        for i, record in enumerate(minute):
            writer.add(record)
            stages = (int(rng.integers(1e6)), int(rng.integers(3e7)), int(rng.integers(5e6)))
            writer.add(TimingsRecord(record.time_ns, "tracking", ("capture", "landmarks", "fit"), stages))
            for packet in range(5 * i // 3, 5 * (i + 1) // 3):
                writer.add(MicrophoneRecord("me", packet * 20_000_000, packet, rng.bytes(60)))
            if i % 12 == 11:
                writer.end_chunk()
        writer.finish()
    assert path.stat().st_size < 3_000_000
    with SessionReader(path) as session:
        assert session.count(MicrophoneRecord, "me") == 3000
        assert [bits(s) for s in session.states("me")] == [bits(record.state) for record in minute]
