"""Records of every kind with made-up values, the same for the same seed; and files of them."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inperson.app.recording.durable_file import DurableFile
from inperson.app.recording.records import (
    AvatarRecord,
    BodyRecord,
    EventKind,
    EventRecord,
    HeadsetRecord,
    Message,
    MicrophoneRecord,
    ParticipantRecord,
    Record,
    SettingsRecord,
    TimingsRecord,
    VideoRecord,
)
from inperson.app.recording.writer import Anchor, SessionWriter
from inperson.avatar.state import BodyState, Source
from inperson.conventions import Intrinsics

ANCHOR = Anchor(monotonic_ns=5_000_000_000, unix_ns=1_800_000_000_000_000_000)
FRAME_NS = 33_333_333


def made_up_state(time_ns: int, rng: np.random.Generator, *, betas: np.ndarray, expression: int = 6) -> BodyState:
    """Every number different, some of them awkward."""

    def numbers(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    return BodyState(
        betas=betas,
        global_orient=np.array([-0.0, 1e-42, 3.4e38], np.float32),
        transl=numbers(3),
        body_pose=numbers(21, 3),
        left_hand_pose=numbers(15, 3),
        right_hand_pose=numbers(15, 3),
        jaw_pose=numbers(3),
        leye_pose=numbers(3),
        reye_pose=numbers(3),
        expression=numbers(expression),
        time_ns=time_ns,
        confidence=rng.random(5, np.float32),
        source=tuple(Source(int(s)) for s in rng.integers(0, len(Source), 5)),
    )


def made_up_transform(rng: np.random.Generator) -> np.ndarray:
    T = np.eye(4, dtype=np.float32)
    T[:3] = rng.normal(size=(3, 4))
    return T


def made_up_messages(states: int = 12, seed: int = 0) -> list[Message]:
    """A short session of two people with everything that can be in one."""
    rng = np.random.default_rng(seed)
    first, second = (rng.normal(size=4).astype(np.float32) for _ in range(2))
    out: list[Message] = [
        SettingsRecord(5_000_000_000, {"mirror.size": "[720, 720]", "camera": '"0"'}),
        ParticipantRecord(
            "me",
            5_000_000_000,
            name="Zoë Müller",
            body_name="neutral",
            body_sha256="ab" * 32,
            expr_names=("a", "b", "c", "d", "e", "f"),
            avatar_name="ada",
            framerate=30.0,
            intrinsics=Intrinsics(601.25, 602.5, 320.0, 240.0, 640, 480),
        ),
        EventRecord(5_000_000_000, EventKind.JOIN, "me"),
        ParticipantRecord("you-2", 5_000_000_001, world="play"),
    ]
    for i in range(states):
        time_ns = 5_000_000_000 + i * FRAME_NS
        out.append(BodyRecord("me", made_up_state(time_ns, rng, betas=first if i < states // 2 else second)))
        out.append(BodyRecord("you-2", made_up_state(time_ns + 7, rng, betas=second[:0], expression=0)))
        out.append(TimingsRecord(time_ns + 9, "mirror", ("pose", "draw"), (1_000_000 + i, 2_000_000)))
        out.append(MicrophoneRecord("me", time_ns, i, rng.bytes(80)))
    T = made_up_transform(rng)
    fov = np.array([-0.9, 0.8, 0.7, -0.6], np.float32)
    out += [
        HeadsetRecord("you-2", 6_000_000_000, T, made_up_transform(rng), None, fov, None, None, T, None),
        VideoRecord("me", 6_000_000_000, 3, 640, 480, b"\xff\xd8 a picture"),
        EventRecord(6_000_000_001, EventKind.RECENTER, "you-2", T_new_from_old=T),
        EventRecord(6_000_000_002, EventKind.NOTE, text="a note"),
    ]
    return out


def write_session(
    path: Path, records: Iterable[Record], *, chunk: int = 25, closed: bool = True, anchor: Anchor = ANCHOR
) -> Path:
    """A file with `chunk` records in a chunk."""
    with DurableFile.create(path) as file:
        writer = SessionWriter(file, anchor)
        for i, record in enumerate(records):
            writer.add(record)
            if i % chunk == chunk - 1:
                writer.end_chunk()
        if closed:
            writer.finish()
        else:
            writer.end_chunk()
    return path


def made_up_avatar_record() -> AvatarRecord:
    return AvatarRecord(5_000_000_000, b"an avatar's bytes" * 40)


def bits(value: Any) -> Any:
    """A record as something that is equal if and only if every bit is."""
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, tuple(bits(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    return value
