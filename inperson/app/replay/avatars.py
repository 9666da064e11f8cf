"""Which avatars a replay shows, and from when on: those that were worn, or one that takes their place."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inperson.app.recording.avatars import avatar_file
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import ParticipantRecord
from inperson.avatar.file import avatar_path, shipped_avatars
from inperson.avatar.plain_text import plain
from inperson.errors import BadInputError


@dataclass(frozen=True, slots=True)
class AvatarChange:
    """From this moment on the participant wears this."""

    time_ns: int
    file: str
    """For `load_avatar`."""


def avatar_changes(
    session: SessionReader, papers: Sequence[ParticipantRecord], participant: str, instead: str | None, folder: Path
) -> tuple[AvatarChange, ...]:
    """What a participant wears in a replay, in time; at least one.

    Args:
        papers: of the participant, in time.
        instead: name or file of an avatar that takes the place of all they wore.
        folder: where embedded ones are put; must stay as long as they are used.

    Raises:
        BadInputError: an avatar is nowhere. None ever takes its place without being asked for.
    """
    if instead is not None:
        return (AvatarChange(0, str(avatar_path(instead))),)
    changes: list[AvatarChange] = []
    named = [about for about in papers if about.avatar_name or about.avatar_sha256]
    for about in named or (ParticipantRecord(participant, 0),):
        file = avatar_file(session, about, folder)
        if file is None:
            raise _missing(about)
        if not changes or changes[-1].file != str(file):
            changes.append(AvatarChange(about.time_ns if changes else 0, str(file)))
    return tuple(changes)


def replacements(options: Sequence[str], people: Sequence[str]) -> dict[str, str]:
    """`--avatar KEY=FILE`, by key.

    Raises:
        BadInputError: not of that form, nobody of that key, or a key twice.
    """
    found: dict[str, str] = {}
    for option in options:
        key, equals, file = option.partition("=")
        if not (key and equals and file):
            raise BadInputError(
                f"--avatar {option}", "say whose it is: --avatar KEY=FILE, or KEY=NAME of a shipped one"
            )
        if key not in people:
            raise BadInputError(
                f"--avatar {option}: the session has no participant '{key}'",
                f"it holds: {', '.join(sorted(people)) or 'nobody'}",
            )
        if key in found:
            raise BadInputError(f"--avatar {option}: '{key}' has one already", "give one avatar each")
        found[key] = file
    return found


def _missing(about: ParticipantRecord) -> BadInputError:
    key = about.participant
    offer = f"give --avatar {key}=FILE" + (f", or --avatar {key}={names[0]}" if (names := shipped_avatars()) else "")
    if not (about.avatar_name or about.avatar_sha256):
        return BadInputError(f"the session does not say which avatar '{key}' wore", offer)
    name, short = plain(about.avatar_name, 60) or "without a name", about.avatar_sha256[:12] or "not recorded"
    return BadInputError(f"missing avatar {name} (sha256 {short})", offer)
