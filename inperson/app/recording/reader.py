"""`SessionReader`: a session file back as records, states and motions."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from inperson.app.recording import container
from inperson.app.recording.container import Fault
from inperson.app.recording.gathering import GatheredStates
from inperson.app.recording.opening import opened
from inperson.app.recording.records import BodyRecord, Message, ParticipantRecord
from inperson.app.recording.scan import ChunkPlace, scan
from inperson.app.recording.writer import LARGEST_AVATAR, Anchor
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.tracking.motion_file import MotionClip

REPAIR = "make a whole one with `inperson session check FILE --repair`"
MOST_STATES = 2_000_000
"""Of one motion: 18 hours at 30 states a second."""


class SessionReader:
    """An open session file, finished or not: of one that was not closed, everything up to its last whole chunk.

    Opening verifies every chunk's checksum. `with` closes it.

    Raises:
        BadInputError: not a session, of a newer version, or damaged in a place other than a torn end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as stack:
            self._file = stack.enter_context(opened(path))
            self._scan = scan(path, self._file)
            if self._scan.damages:
                first = self._scan.damages[0]
                raise BadInputError(
                    f"session {path} is damaged: {first.what}, at byte {first.at}"
                    + (f", and {len(self._scan.damages) - 1} more" if len(self._scan.damages) > 1 else ""),
                    REPAIR,
                )
            stack.pop_all()

    @property
    def version(self) -> int:
        """Of the format."""
        return self._scan.version

    @property
    def anchor(self) -> Anchor:
        """When the recording began, on both clocks."""
        return self._scan.anchor

    @property
    def closed(self) -> bool:
        """Whether the recording came to its end; if not, the program was killed or the machine stopped."""
        return self._scan.closed

    @property
    def begin_ns(self) -> int:
        """Of the earliest record; 0 in an empty file. Monotonic nanoseconds."""
        return min((chunk.begin_ns for chunk in self._scan.chunks), default=0)

    @property
    def end_ns(self) -> int:
        """Of the latest record."""
        return max((chunk.end_ns for chunk in self._scan.chunks), default=0)

    @property
    def avatars(self) -> tuple[str, ...]:
        """The embedded ones, by sha256."""
        return tuple(self._scan.avatars)

    def count(self, kind: type[Message], participant: str = "") -> int:
        """Records of a kind, of one participant or of the session's own."""
        return sum(
            self._scan.counts[channel]
            for channel, topic in self._scan.topics.items()
            if topic is not None and (topic.kind, topic.participant) == (kind, participant)
        )

    def participants(self) -> dict[str, ParticipantRecord]:
        """Everybody, by key, as they were described last.

        Raises:
            BadInputError: a message that cannot be read.
        """
        known = {
            topic.participant: ParticipantRecord(topic.participant, 0)
            for topic in self._scan.topics.values()
            if topic is not None and topic.participant
        }
        for record in self.records(ParticipantRecord):
            assert isinstance(record, ParticipantRecord)
            known[record.participant] = record
        return known

    def records(
        self, *kinds: type[Message], from_ns: int | None = None, to_ns: int | None = None
    ) -> Iterator[Message]:
        """Records in the order in which they were written; of one channel that is the order of their times.

        Args:
            kinds: what to read; everything if none is named.
            from_ns, to_ns: the first moment, and the moment after the last.

        Raises:
            BadInputError: a message that cannot be read.
        """
        for place in self._scan.chunks:
            if (from_ns is not None and place.end_ns < from_ns) or (to_ns is not None and place.begin_ns >= to_ns):
                continue
            try:
                for record in self._records_of(place, kinds):
                    late = from_ns is None or record.time_ns >= from_ns
                    if late and (to_ns is None or record.time_ns < to_ns):
                        yield record
            except Fault as fault:
                raise BadInputError(
                    f"session {self.path} is damaged: {fault}, at byte {place.span.start}", REPAIR
                ) from fault

    def states(self, participant: str) -> Iterator[BodyState]:
        """A participant's states, bit for bit as they were recorded.

        Raises:
            BadInputError: a message that cannot be read.
        """
        for record in self.records(BodyRecord):
            if isinstance(record, BodyRecord) and record.participant == participant:
                yield record.state

    def motion(self, participant: str) -> MotionClip:
        """A participant's states as a motion, as `inperson track` writes and `render` plays it.

        Times of a motion rise: of states of the same time the first counts. Its shape is the last state's.

        Raises:
            BadInputError: they have no state, or states of different bodies, or a message cannot be read.
        """
        about = self.participants().get(participant) or ParticipantRecord(participant, 0)
        gathered = GatheredStates()
        try:
            for state in self.states(participant):
                gathered.add(state)
                if gathered.count > MOST_STATES:
                    raise BadInputError(f"session {self.path} has more than {MOST_STATES} states", "cut it")
            if not gathered.count:
                what = f"session {self.path} has no motion of '{participant}'"
                raise BadInputError(what, "name another participant")
            return gathered.motion(about)
        except ValueError as error:
            what = f"session {self.path}: states of '{participant}' are of different bodies"
            raise BadInputError(what, "a motion has one body: record each in a session of its own") from error

    def avatar(self, sha256: str) -> bytes:
        """An embedded avatar's file.

        Raises:
            BadInputError: there is none of that hash, or it is damaged.
        """
        span = self._scan.avatars.get(sha256)
        if span is None:
            raise BadInputError(f"session {self.path} does not hold avatar {sha256[:12]}", "name another avatar")
        try:
            data = container.read_attachment(self._file, span, LARGEST_AVATAR)
        except Fault as fault:
            raise BadInputError(f"session {self.path} is damaged: {fault}, at byte {span.start}", REPAIR) from fault
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BadInputError(f"session {self.path}: avatar {sha256[:12]} is not what its name says", REPAIR)
        return data

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def _records_of(self, place: ChunkPlace, kinds: tuple[type[Message], ...]) -> Iterator[Message]:
        packed = container.read_packed(container.read(self._file, place.span, container.LARGEST_CHUNK))
        return self._scan.records(container.unpack(packed), kinds or None)
