"""A session file in words, for `inperson session`."""

from collections.abc import Iterator
from typing import Any

from inperson.app.recording.records import BodyRecord, ParticipantRecord
from inperson.app.recording.repair import SessionReport
from inperson.app.recording.topics import name_of

MOST_LINES = 20
"""Damages that are listed."""


def summary_line(report: SessionReport) -> str:
    """Length, size, people and states in one line."""
    people = {participant for participant, _ in report.counts if participant}
    states = sum(count for (_, kind), count in report.counts.items() if kind is BodyRecord)
    return (
        f"{report.path}: {_seconds(report):.1f} s, {report.size / 1e6:.2f} MB, "
        f"{_counted(len(people), 'participant')}, {_counted(states, 'state')}, "
        f"{'closed' if report.closed else 'not closed'}"
    )


def damage_lines(report: SessionReport) -> Iterator[str]:
    """What is wrong, one fault a line."""
    if not report.closed:
        yield "it was never closed: the program or the machine stopped while it was recorded"
    if report.torn:
        yield f"torn end: {_counted(report.torn, 'byte')} hold nothing whole"
    for damage in report.damages[:MOST_LINES]:
        yield f"damaged at byte {damage.at}: {damage.what}"
    if len(report.damages) > MOST_LINES:
        yield f"and {len(report.damages) - MOST_LINES} more damaged places"


def show_lines(report: SessionReport, people: dict[str, ParticipantRecord]) -> Iterator[str]:
    """Everything worth knowing, one thing a line."""
    yield summary_line(report)
    yield f"started: {report.anchor.to_strings()['started']}"
    yield f"format version: {report.version}"
    for key, about in people.items():
        papers = (about.name, about.body_name and f"body {about.body_name}", about.avatar_name or about.avatar_sha256)
        yield f"{key}: {', '.join(filter(None, papers)) or 'nothing known'}"
        yield f"  {_counts(report, key)}"
    yield f"session: {_counts(report, '')}"
    for sha256 in report.avatars:
        yield f"avatar embedded: {sha256}"
    for what, count in report.dropped.items():
        yield f"dropped: {count} ({what})"
    for event in report.notes:
        at = (event.time_ns - report.anchor.monotonic_ns) / 1e9
        yield f"{at:9.1f} s  {' '.join(filter(None, (str(event.kind), event.participant, event.text)))}"


def report_dict(report: SessionReport, people: dict[str, ParticipantRecord]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "file": str(report.path),
        "version": report.version,
        **report.anchor.to_strings(),
        "seconds": _seconds(report),
        "bytes": report.size,
        "closed": report.closed,
        "chunks": report.chunks,
        "participants": {
            key: {"name": about.name, "body_name": about.body_name, "avatar": about.avatar_sha256}
            | _by_name(report, key)
            for key, about in people.items()
        },
        "session": _by_name(report, ""),
        "avatars": list(report.avatars),
        "dropped": report.dropped,
    }


def _about(person: ParticipantRecord) -> dict[str, Any]:
    return {"name": person.name, "body_name": person.body_name, "avatar_sha256": person.avatar_sha256}


def _by_name(report: SessionReport, participant: str) -> dict[str, int]:
    return {name_of(kind): count for (key, kind), count in report.counts.items() if key == participant}


def _counts(report: SessionReport, participant: str) -> str:
    return ", ".join(f"{name} {count}" for name, count in _by_name(report, participant).items())


def _seconds(report: SessionReport) -> float:
    return (report.end_ns - report.begin_ns) / 1e9


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
