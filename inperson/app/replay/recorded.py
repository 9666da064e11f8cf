"""What a replay needs of a session file: one participant's states, who they were, and what happened."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from inperson.app.recording.gathering import GatheredStates
from inperson.app.recording.reader import MOST_STATES, SessionReader
from inperson.app.recording.records import BodyRecord, EventKind, EventRecord, ParticipantRecord
from inperson.app.replay.tempo import Stretch
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.tracking.motion_file import MotionClip


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """States of one body in one world, one after the other."""

    motion: MotionClip
    world: str
    """`camera` or `play`, see CONVENTIONS.md."""


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """One participant's part of a session."""

    whole: Stretch
    """The recording's first and last moment."""
    participant: str
    passages: tuple[Passage, ...]
    """In time; at least one."""
    papers: tuple[ParticipantRecord, ...]
    """Who the participant was, as it changed."""
    events: tuple[EventRecord, ...]
    """Of the participant and of the session."""

    @property
    def recentrings(self) -> tuple[EventRecord, ...]:
        """Those that say how the play space moved."""
        return tuple(e for e in self.events if e.kind is EventKind.RECENTER and e.T_new_from_old is not None)


def read_recorded(session: SessionReader, participant: str) -> Recorded:
    """A participant's part of a session; where the body or the world changes, a new passage begins.

    Raises:
        BadInputError: they have no states, or too many, or a message cannot be read.
    """
    if session.count(BodyRecord, participant) > MOST_STATES:
        raise BadInputError(f"session {session.path} has more than {MOST_STATES} states", "cut it")
    papers: list[ParticipantRecord] = []
    events: list[EventRecord] = []
    gathering = _Gathering(_first_papers(session, participant))
    try:
        for record in session.records(ParticipantRecord, BodyRecord, EventRecord):
            match record:
                case ParticipantRecord() if record.participant == participant:
                    papers.append(record)
                    gathering.about = record
                case BodyRecord(state=state) if record.participant == participant:
                    gathering.add(state)
                case EventRecord() if record.participant in ("", participant):
                    events.append(record)
        passages = gathering.passages()
    except ValueError as error:
        what = f"session {session.path}: states of '{participant}' do not go together ({error})"
        raise BadInputError(what, "repair it, or record it anew") from error
    return Recorded(Stretch(session.begin_ns, session.end_ns), participant, passages, tuple(papers), tuple(events))


def shown_participant(session: SessionReader, people: Collection[str], wanted: str | None) -> str:
    """Who is shown: who was asked for, else whoever has the most states.

    Args:
        people: everybody's keys.

    Raises:
        BadInputError: nobody of that name, or nobody has states.
    """
    states = {key: session.count(BodyRecord, key) for key in people}
    if wanted is not None and wanted not in people:
        named = ", ".join(sorted(people)) or "nobody"
        raise BadInputError(f"session {session.path} has no participant '{wanted}'", f"it holds: {named}")
    shown = wanted if wanted is not None else max(sorted(states), key=states.__getitem__, default="")
    if not states.get(shown):
        whose = f" of '{wanted}'" if wanted is not None else ""
        moving = ", ".join(sorted(key for key, count in states.items() if count))
        mend = f"choose another participant: {moving}" if moving else "record a session with somebody in view"
        raise BadInputError(f"session {session.path} has no motion{whose} to play", mend)
    return shown


def state_times(passages: Sequence[Passage]) -> np.ndarray:
    """When the states are of, monotonic nanoseconds, rising."""
    return np.concatenate([passage.motion.times_ns for passage in passages])


def _first_papers(session: SessionReader, participant: str) -> ParticipantRecord:
    for record in session.records(ParticipantRecord):
        if isinstance(record, ParticipantRecord) and record.participant == participant:
            return record
    return ParticipantRecord(participant, 0)


class _Gathering:
    """Ends a passage where the body or the world changes."""

    def __init__(self, about: ParticipantRecord) -> None:
        self.about = about
        """Who the participant is from here on."""
        self._passages: list[Passage] = []
        self._states, self._of = GatheredStates(), about
        self._shapes: tuple[object, ...] = ()
        self._newest = -1

    def add(self, state: BodyState) -> None:
        if state.time_ns <= self._newest:
            return
        shapes = (state.betas.shape, state.expression.shape)
        if shapes != self._shapes or not _alike(self.about, self._of):
            self._end()
            self._shapes = shapes
        self._newest, self._of = state.time_ns, self.about
        self._states.add(state)

    def passages(self) -> tuple[Passage, ...]:
        if _alike(self.about, self._of):  # what was learned of them since their last state
            self._of = self.about
        self._end()
        return tuple(self._passages)

    def _end(self) -> None:
        if self._states.count:
            self._passages.append(Passage(self._states.motion(self._of), self._of.world))
        self._states = GatheredStates()


def _alike(a: ParticipantRecord, b: ParticipantRecord) -> bool:
    """Whether states of both are of one body in one world."""
    return (a.world, a.body_name, a.body_sha256, a.expr_names) == (b.world, b.body_name, b.body_sha256, b.expr_names)
