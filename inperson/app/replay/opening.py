"""A session file made ready to be replayed: who is shown, what of it, and what they wear."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from inperson.app.commands.replay import Replay
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import BodyRecord
from inperson.app.replay.avatars import AvatarChange, avatar_changes, replacements
from inperson.app.replay.moments import stretch_of
from inperson.app.replay.recorded import Recorded, read_recorded, shown_participant
from inperson.app.replay.tempo import Stretch
from inperson.avatar.plain_text import plain

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class OpenedSession:
    """What a replay plays."""

    reader: SessionReader
    recorded: Recorded
    stretch: Stretch
    changes: tuple[AvatarChange, ...]
    """What is worn when."""
    title: str
    """The file, and who is shown."""


def open_session(options: Replay, say: Say, stack: ExitStack) -> OpenedSession:
    """Read what is played of a session; the stack closes the file.

    Args:
        say: told of what is not as one would expect: an unfinished file, others in it.

    Raises:
        BadInputError: no session, a damaged one, or one without what was asked for; an avatar that is nowhere.
    """
    reader = stack.enter_context(SessionReader(options.file))
    people = reader.participants()
    key = shown_participant(reader, people, options.participant)
    instead = replacements(options.avatar, tuple(people))
    if not reader.closed:
        say(f"{options.file.name} was never closed; playing what is there, up to its last whole second")
    others = [f"{other} ({reader.count(BodyRecord, other)} states)" for other in sorted(people) if other != key]
    if others:
        say(f"showing {key}; also there: {', '.join(others)}. Choose with --participant")
    recorded = read_recorded(reader, key)
    stretch = stretch_of(recorded.whole, options.begin, options.end)
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="inperson-")))
    changes = avatar_changes(reader, recorded.papers, key, instead.get(key), folder)
    title = f"{plain(options.file.name, 60)}: {plain(people[key].name, 60) or key}"
    return OpenedSession(reader, recorded, stretch, changes, title)
