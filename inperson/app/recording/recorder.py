"""`Recorder`: records a session beside it, on a thread of its own."""

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from inperson.app.recording.durable_file import DurableFile
from inperson.app.recording.records import AvatarRecord, BodyRecord, EventKind, EventRecord, Record
from inperson.app.recording.topics import name_of
from inperson.app.recording.writer import Anchor, SessionWriter
from inperson.errors import InPersonError, OutputError

LOOK_S = 0.1
"""Between two looks at what waits."""
CHUNK_S = 0.4
"""A chunk goes to the disk when it is this old; with a look and the writing, well within half a second."""
MOST_WAITING = 2048
"""Records that may wait before sound, pictures and timings are dropped."""
MOST_WAITING_EVER = 200_000
"""Records that may wait before the recording gives up: an hour of motion that the disk did not take."""
WARN_BYTES, STOP_BYTES = 1_000_000_000, 200_000_000
"""Room on the disk: a warning, and the end."""


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """How a recording is doing."""

    written: int = 0
    """Records on the disk."""
    states: int = 0
    """Body states among them."""
    dropped: int = 0
    """Records that were not taken; the file's events say which."""
    size: int = 0
    """Bytes on the disk."""
    warning: str = ""
    """The disk is filling up."""
    error: InPersonError | None = None
    """Why it ended before it was closed. What was recorded until then is safe."""


class Recorder:
    """Records until it is closed, the disk is nearly full, or writing fails; the session goes on in any case.

    Everything put is on the disk half a second later. Motion, events and avatars are never dropped; sound, pictures
    and timings are when they pile up, and are counted. `with` closes it; a program does not end before it is closed.

    Args:
        file: empty.
        free_bytes: room on the disk that holds a path.

    Raises:
        OutputError: the file's head cannot be written.
    """

    def __init__(
        self, file: DurableFile, *, free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
    ) -> None:
        self._path, self._free_bytes = file.path, free_bytes
        self._file = file
        self._writer = SessionWriter(file, Anchor.now())
        self._lock = threading.Lock()
        self._waiting: list[Record] = []
        self._dropped: Counter[str] = Counter()
        self._closing = threading.Event()
        self._status = RecorderStatus(size=self._writer.size)
        self._written: Counter[type[Record]] = Counter()
        self._lost = 0
        self._thread = ThreadPoolExecutor(1, "recorder")
        self._work = self._thread.submit(self._run)

    @property
    def status(self) -> RecorderStatus:
        """As of the last chunk."""
        return self._status

    def put(self, record: Record) -> bool:
        """Hand a record over; never waits for the disk. False: it was dropped, or the recording has ended."""
        if self._work.done() or self._closing.is_set():
            return False
        with self._lock:
            if len(self._waiting) >= (MOST_WAITING if record.droppable else MOST_WAITING_EVER):
                self._dropped[f"{_name_of(record)}: too many waiting"] += 1
                return False
            self._waiting.append(record)
        return True

    def close(self) -> RecorderStatus:
        """Write what waits, then summary and index. `status.error` says whether anything went wrong."""
        self._closing.set()
        try:
            self._work.result()  # a bug in the thread is raised here
        finally:
            self._thread.shutdown()
        return self._status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        with self._file:
            try:
                self._record_until_closed()
            except OutputError as error:
                stopped = OutputError(
                    f"recording stopped: {error.what}", f"{error.mend}; what was recorded until then is safe"
                )
                self._status = replace(self._status, error=stopped)

    def _record_until_closed(self) -> None:
        """The thread's whole life.

        Raises:
            OutputError: nothing more can be written, or should be.
        """
        ended = time.monotonic()
        while not self._closing.wait(LOOK_S):
            self._take_what_waits()
            if time.monotonic() - ended >= CHUNK_S:
                ended = time.monotonic()
                self._end_chunk()
                self._watch_disk()
        self._take_what_waits()
        self._finish("closed")

    def _take_what_waits(self) -> None:
        with self._lock:
            records, self._waiting = self._waiting, []
            dropped, self._dropped = self._dropped, Counter()
        for record in records:
            try:
                self._add(record)
            except ValueError as error:
                dropped[f"{_name_of(record)}: {error}"[:200]] += 1
        for what, count in dropped.items():
            self._lost += count
            self._add(EventRecord(time.monotonic_ns(), EventKind.DROPPED, text=what, count=count))
        if len(records) >= MOST_WAITING_EVER:
            raise self._give_up("the disk does not keep up", "record to a faster disk")

    def _add(self, record: Record) -> None:
        self._writer.add(record)
        self._written[type(record)] += 1

    def _end_chunk(self) -> None:
        self._writer.end_chunk()
        self._note_progress()

    def _note_progress(self) -> None:
        self._status = replace(
            self._status,
            written=self._written.total(),
            states=self._written[BodyRecord],
            dropped=self._lost,
            size=self._writer.size,
        )

    def _watch_disk(self) -> None:
        free = self._free_bytes(self._path)
        if free < STOP_BYTES:
            raise self._give_up(f"{free / 1e6:.0f} MB left on the disk", "make room on the disk")
        if free >= WARN_BYTES:
            self._status = replace(self._status, warning="")
        elif not self._status.warning:
            warning = f"{free / 1e6:.0f} MB left on the disk; recording stops at {STOP_BYTES / 1e6:.0f} MB"
            self._status = replace(self._status, warning=warning)
            self._add(EventRecord(time.monotonic_ns(), EventKind.WARNING, text=warning))

    def _give_up(self, why: str, mend: str) -> OutputError:
        """End the file whole; the error says why."""
        self._finish(why)
        return OutputError(f"recording {self._path} stopped ({why})", f"{mend}; what was recorded until then is safe")

    def _finish(self, why: str) -> None:
        self._add(EventRecord(time.monotonic_ns(), EventKind.END, text=why))
        self._writer.finish()
        self._note_progress()


def _name_of(record: Record) -> str:
    return "avatar" if isinstance(record, AvatarRecord) else name_of(type(record))
