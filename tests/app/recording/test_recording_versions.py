"""Files of every version ever written open for ever."""

import hashlib
from pathlib import Path

import numpy as np

from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import (
    BodyRecord,
    EventKind,
    EventRecord,
    HeadsetRecord,
    MicrophoneRecord,
    SettingsRecord,
    TimingsRecord,
    VideoRecord,
)
from inperson.app.recording.repair import check
from inperson.app.recording.schema import SCHEMAS
from inperson.app.recording.topics import OF_PARTICIPANT, OF_SESSION
from inperson.avatar.state import Source

DATA = Path(__file__).parent / "data"
FIRST_JOINT = [0.04132597893476486, -2.32503080368042, -0.218791663646698]
LAST_BETAS = [-0.5356693863868713, 0.3615950644016266, 1.3040000200271606, 0.9470809698104858]
SECOND_SOURCE = [2, 1, 1, 3, 1]


def test_a_file_of_version_1() -> None:
    """Written once, in November 2026, by the program of then: `made_up_messages(states=4)` after an avatar. The
    numbers here are written out, so that nothing can change in step with the program."""
    path = DATA / "version1.mcap"
    assert check(path).whole
    with SessionReader(path) as session:
        assert session.version == 1
        assert session.anchor.unix_ns == 1_800_000_000_000_000_000
        (sha256,) = session.avatars
        assert hashlib.sha256(session.avatar(sha256)).hexdigest() == sha256
        me, you = session.participants().values()
        assert (me.participant, me.name, me.body_name, me.avatar_name) == ("me", "Zoë Müller", "neutral", "ada")
        assert me.expr_names == ("a", "b", "c", "d", "e", "f")
        assert me.intrinsics is not None
        assert (me.intrinsics.fx, me.intrinsics.width) == (601.25, 640)
        assert (you.participant, you.world) == ("you-2", "play")
        states = list(session.states("me"))
        assert [state.time_ns for state in states] == [5_000_000_000 + i * 33_333_333 for i in range(4)]
        np.testing.assert_array_equal(states[0].body_pose[0], np.float32(FIRST_JOINT))
        np.testing.assert_array_equal(states[3].betas, np.float32(LAST_BETAS))
        assert states[1].source == tuple(Source(s) for s in SECOND_SOURCE)
        (headset,) = session.records(HeadsetRecord)
        assert isinstance(headset, HeadsetRecord)
        assert headset.T_play_from_right_eye is None
        np.testing.assert_array_equal(headset.left_fov, np.float32([-0.9, 0.8, 0.7, -0.6]))
        (settings,) = session.records(SettingsRecord)
        assert settings == SettingsRecord(5_000_000_000, {"mirror.size": "[720, 720]", "camera": '"0"'})
        counts = [session.count(kind, "me") for kind in (BodyRecord, MicrophoneRecord, VideoRecord)]
        assert counts == [4, 4, 1]
        assert session.count(TimingsRecord) == 4
        events = [(e.kind, e.participant) for e in session.records(EventRecord) if isinstance(e, EventRecord)]
        assert events == [(EventKind.JOIN, "me"), (EventKind.RECENTER, "you-2"), (EventKind.NOTE, "")]


def test_a_file_of_version_2() -> None:
    """As the other, with parts of the body from another program: `source` 5."""
    with SessionReader(DATA / "version2.mcap") as session:
        assert session.version == 2
        states = list(session.states("me"))
        np.testing.assert_array_equal(states[0].body_pose[0], np.float32(FIRST_JOINT))
        assert states[2].source == (Source.EXTERNAL, Source.CAMERA, Source.HELD, Source.EXTERNAL, Source.HEADSET)


def test_the_format_is_described_in_full() -> None:
    """Every schema, field, topic and kind of event is in docs/formats.md."""
    text = (Path(__file__).parents[3] / "docs" / "formats.md").read_text()
    names = [name for schema in SCHEMAS.values() for name in (schema.name, *(f.name for f in schema.fields))]
    topics = [*(f"/session/{name}" for name in OF_SESSION), *(f"/participants/KEY/{name}" for name in OF_PARTICIPANT)]
    missing = [word for word in (*names, *topics, *EventKind) if f"`{word}`" not in text]
    assert missing == []
