"""`Take`: the part of a session that is exported, and who is in it."""

from dataclasses import dataclass

from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import BodyRecord, EventKind, EventRecord, ParticipantRecord
from inperson.app.recording.sound import Sound, sound_of
from inperson.app.recording.span import Span
from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.plain_text import plain
from inperson.errors import BadInputError
from inperson.tracking.motion_file import MotionClip

UNKNOWN_BODY = "give the one the motion was made for: --body neutral, male, female or an SMPL-X npz"


@dataclass(frozen=True, slots=True)
class Take:
    """One participant, from one moment to another.

    Args:
        session: open; stays the caller's to close.
    """

    session: SessionReader
    about: ParticipantRecord
    span: Span

    @staticmethod
    def of(session: SessionReader, participant: str | None, span: Span) -> "Take":
        """The participant of a key, or the only one with a body.

        Raises:
            BadInputError: there is none of that key, or none or several to choose from; names them.
        """
        people = session.participants()
        if participant is None:
            people = {key: about for key, about in people.items() if session.count(BodyRecord, key)} or people
        names = ", ".join(people) or "nobody"
        if participant is None and len(people) != 1:
            raise BadInputError(f"session {session.path} holds {names}", "say whose with --participant KEY")
        key = next(iter(people)) if participant is None else participant
        if key not in people:
            raise BadInputError(f"session {session.path} has no participant '{plain(key, 40)}'", f"it holds {names}")
        return Take(session, people[key], span)

    @property
    def key(self) -> str:
        """The participant's."""
        return self.about.participant

    @property
    def limits_ns(self) -> tuple[int | None, int | None]:
        """First moment and the moment after the last, None where it is open."""
        return self.span.limits_ns(self.session.begin_ns)

    def motion(self) -> MotionClip:
        """What their body did, with the times it was done at.

        Raises:
            BadInputError: nothing, or nothing in this part.
        """
        return self.span.cut(self.session.motion(self.key), self.session.begin_ns)

    def recentrings(self) -> tuple[EventRecord, ...]:
        """When and how their play space, or everybody's, moved: in all of the session."""
        return tuple(
            event
            for event in self.session.records(EventRecord)
            if isinstance(event, EventRecord)
            and event.kind is EventKind.RECENTER
            and event.T_new_from_old is not None
            and event.participant in ("", self.key)
        )

    def sound(self) -> Sound | None:
        """What they said; None if there is nothing in this part."""
        from_ns, to_ns = self.limits_ns
        return sound_of(self.session, self.key, from_ns=from_ns, to_ns=to_ns)


def body_of(motion: MotionClip, named: str | None) -> BodyModel:
    """The body that a motion was made for.

    Args:
        named: what the user says it is; None for what the motion says.

    Raises:
        BadInputError: it is not known, not here, or not the one that the user names.
    """
    if named is None and motion.body_name is None:
        raise BadInputError("the session does not say which body its motion is of", UNKNOWN_BODY)
    body = load_body(named or motion.body_name or "")
    if motion.body_sha256 not in (None, body.sha256):
        whose = f"the motion is of body '{motion.body_name}', sha256 {str(motion.body_sha256)[:12]}"
        raise BadInputError(f"{whose}, not of this '{body.name}'", UNKNOWN_BODY)
    return body
