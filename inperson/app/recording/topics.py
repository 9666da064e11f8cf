"""The names of a session file's channels: `/session/...` for the session, `/participants/KEY/...` for a person."""

import re

from inperson.app.recording.records import (
    BodyRecord,
    EventRecord,
    HeadsetRecord,
    Message,
    MicrophoneRecord,
    ParticipantRecord,
    SettingsRecord,
    TimingsRecord,
    VideoRecord,
)
from inperson.app.recording.schema import (
    BODY,
    EVENT,
    HEADSET,
    MICROPHONE,
    PARTICIPANT,
    SETTINGS,
    TIMINGS,
    VIDEO,
    Schema,
)

OF_SESSION: dict[str, tuple[type[Message], Schema]] = {
    "events": (EventRecord, EVENT),
    "settings": (SettingsRecord, SETTINGS),
    "timings": (TimingsRecord, TIMINGS),
}
OF_PARTICIPANT: dict[str, tuple[type[Message], Schema]] = {
    "about": (ParticipantRecord, PARTICIPANT),
    "body": (BodyRecord, BODY),
    "headset": (HeadsetRecord, HEADSET),
    "microphone": (MicrophoneRecord, MICROPHONE),
    "video": (VideoRecord, VIDEO),
}
_SHARED = (EventRecord, SettingsRecord, TimingsRecord)
_NAME = {kind: name for name, (kind, _) in (OF_SESSION | OF_PARTICIPANT).items()}
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_TOPIC = re.compile(rf"/participants/({_KEY.pattern})/([a-z]+)|/session/([a-z]+)")


def name_of(kind: type[Message]) -> str:
    """The last word of a channel's topic, by what it holds."""
    return _NAME[kind]


def participant_of(record: Message) -> str:
    """The key of the participant whose channel a record belongs to; empty for the session's own."""
    return "" if isinstance(record, _SHARED) else record.participant


def topic_of(record: Message) -> str:
    """The topic of the channel that a record belongs to.

    Raises:
        ValueError: the participant's key cannot be part of a topic.
    """
    if isinstance(record, _SHARED):
        return f"/session/{name_of(type(record))}"
    key = participant_of(record)
    if not _KEY.fullmatch(key):
        raise ValueError(f"participant {key!r}: use up to 32 small letters, digits, dashes and underscores")
    return f"/participants/{key}/{name_of(type(record))}"


def schema_of(record: Message) -> Schema:
    """The schema of a record's channel."""
    return (OF_SESSION | OF_PARTICIPANT)[name_of(type(record))][1]


def parse_topic(topic: str) -> tuple[str, type[Message], Schema] | None:
    """Participant's key (empty for the session), kind of record and schema; None for somebody else's channel."""
    match = _TOPIC.fullmatch(topic)
    if match is None:
        return None
    key, own, shared = match.groups()
    known = OF_PARTICIPANT.get(own) if own else OF_SESSION.get(shared)
    return None if known is None else (key or "", *known)
