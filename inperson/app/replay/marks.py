"""What happened in a recording, as marks on the timeline."""

from inperson.app.recording.records import EventKind, EventRecord
from inperson.app.replay.recorded import Recorded
from inperson.avatar.plain_text import plain
from inperson.render.overlay_timeline import Mark

MARKED = frozenset(EventKind) - {EventKind.JOIN, EventKind.LEAVE, EventKind.END}
MOST_MARKS = 1000
LONGEST_TEXT = 120


def marks_of(recorded: Recorded) -> tuple[Mark, ...]:
    """The first `MOST_MARKS` events that a viewer may want to go to."""
    marked = [event for event in recorded.events if event.kind in MARKED][:MOST_MARKS]
    return tuple(
        Mark((event.time_ns - recorded.whole.begin_ns) / 1e9, str(event.kind), words_of(event)) for event in marked
    )


def words_of(event: EventRecord) -> str:
    """What happened."""
    count = f"{event.count} records" if event.kind is EventKind.DROPPED else ""
    return ": ".join(word for word in (str(event.kind), count, plain(event.text, LONGEST_TEXT)) if word)
