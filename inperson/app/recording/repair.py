"""A whole file from a damaged one, and what a file holds in numbers."""

import hashlib
import io
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from inperson.app.recording import container
from inperson.app.recording.container import Fault
from inperson.app.recording.durable_file import DurableFile
from inperson.app.recording.opening import opened
from inperson.app.recording.records import AvatarRecord, BodyRecord, EventKind, EventRecord, Message
from inperson.app.recording.scan import ChunkPlace, Damage, Scan, scan
from inperson.app.recording.topics import participant_of
from inperson.app.recording.writer import LARGEST_AVATAR, Anchor, SessionWriter
from inperson.errors import OutputError


@dataclass(frozen=True, slots=True)
class SessionReport:
    """What is in a file, whole or not."""

    path: Path
    version: int
    anchor: Anchor
    size: int
    """Bytes of the file."""
    closed: bool
    torn: int
    """Bytes at the end that an accident tore."""
    chunks: int
    """Whole ones."""
    begin_ns: int
    end_ns: int
    """Of the states; monotonic nanoseconds."""
    counts: dict[tuple[str, type[Message]], int]
    """Records by participant (empty: the session's own) and kind."""
    avatars: tuple[str, ...]
    """Embedded ones that are whole, by sha256."""
    dropped: dict[str, int]
    """Records that the recorder could not take, by what and why."""
    notes: tuple[EventRecord, ...]
    """Events but for what was dropped, at most `MOST_NOTES`."""
    damages: tuple[Damage, ...]

    @property
    def whole(self) -> bool:
        """Whether there is nothing to repair."""
        return self.closed and not self.damages and not self.torn


MOST_NOTES = 1000


def check(path: Path) -> SessionReport:
    """Read all of a file: every checksum, every message.

    Raises:
        BadInputError: it is no session, see `scan`.
    """
    with opened(path) as file:
        return _Salvage(path, file).report()


def repair(path: Path, to: Path) -> SessionReport:
    """Write everything that can be read into a new file, whole and closed; the old file is not touched.

    Raises:
        BadInputError: it is no session.
        OutputError: `to` is there already, or cannot be written; nothing is left behind.
    """
    if to.exists():
        raise OutputError(f"{to} is there already", "move it away first")
    with opened(path) as file:
        salvage = _Salvage(path, file)
        try:
            with tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as folder:
                part = Path(folder) / to.name
                with DurableFile(io.FileIO(part, "xb"), to) as new:
                    salvage.write(SessionWriter(new, salvage.scan.anchor))
                os.replace(part, to)
        except OSError as error:
            raise OutputError(f"{to} cannot be written ({error.strerror})", "choose a place with room") from error
    return check(to)


def repaired_path(path: Path) -> Path:
    """Where `inperson session check --repair` writes."""
    return path.with_name(f"{path.stem}.repaired{path.suffix}")


class _Salvage:
    """What can be read of an open file. A chunk with one message that cannot be read is given up whole."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self.scan: Scan = scan(path, file)
        self._damages = list(self.scan.damages)

    def report(self) -> SessionReport:
        """Read everything once."""
        counts: Counter[tuple[str, type[Message]]] = Counter()
        dropped: Counter[str] = Counter()
        notes: list[EventRecord] = []
        begin, end, chunks = 1 << 63, 0, 0
        for records in self._chunks():
            chunks += 1
            for record in records:
                counts[participant_of(record), type(record)] += 1
                if isinstance(record, BodyRecord):
                    begin, end = min(begin, record.time_ns), max(end, record.time_ns)
                elif isinstance(record, EventRecord):
                    if record.kind == EventKind.DROPPED:
                        dropped[record.text] += record.count
                    elif len(notes) < MOST_NOTES:
                        notes.append(record)
        avatars = tuple(hashlib.sha256(avatar).hexdigest() for avatar in self._avatars())
        return SessionReport(
            path=self._path,
            version=self.scan.version,
            anchor=self.scan.anchor,
            size=self.scan.size,
            closed=self.scan.closed,
            torn=self.scan.torn,
            chunks=chunks,
            begin_ns=min(begin, end),
            end_ns=end,
            counts=dict(counts),
            avatars=avatars,
            dropped=dict(dropped),
            notes=tuple(notes),
            damages=tuple(sorted(self._damages, key=lambda damage: damage.at)),
        )

    def write(self, writer: SessionWriter) -> None:
        """Everything that can be read, in its order; chunks stay the chunks they were.

        Raises:
            OutputError: the disk is full or failing.
        """
        for avatar in self._avatars():
            writer.add(AvatarRecord(self.scan.anchor.monotonic_ns, avatar))
        for records in self._chunks():
            for record in records:
                writer.add(record)
            writer.end_chunk()
        lost = f"{len(self._damages)} damaged places and {self.scan.torn} torn bytes were left out"
        at = max((place.end_ns for place in self.scan.chunks), default=self.scan.anchor.monotonic_ns)
        writer.add(EventRecord(at, EventKind.NOTE, text=f"repaired: {lost}"))
        writer.finish()

    def _chunks(self) -> Iterator[list[Message]]:
        for place in self.scan.chunks:
            try:
                yield self._records(place)
            except Fault as fault:
                self._damages.append(Damage(place.span.start, str(fault)))

    def _records(self, place: ChunkPlace) -> list[Message]:
        packed = container.read_packed(container.read(self._file, place.span, container.LARGEST_CHUNK))
        return list(self.scan.records(container.unpack(packed)))

    def _avatars(self) -> Iterator[bytes]:
        for sha256, span in self.scan.avatars.items():
            try:
                data = container.read_attachment(self._file, span, LARGEST_AVATAR)
                if hashlib.sha256(data).hexdigest() != sha256:
                    raise Fault("an avatar that is not what its name says")
            except Fault as fault:
                self._damages.append(Damage(span.start, str(fault)))
                continue
            yield data
