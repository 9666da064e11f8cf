"""Small sessions to export: somebody who moves, speaks and is timed."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from inperson.app.audio.opus import BLOCK, BLOCK_NS, OpusEncoder
from inperson.app.pictures.turntable import at_ease
from inperson.app.recording.records import (
    AvatarRecord,
    BodyRecord,
    EventKind,
    EventRecord,
    MicrophoneRecord,
    ParticipantRecord,
    Record,
    TimingsRecord,
    VideoRecord,
)
from inperson.avatar.body import BodyModel
from inperson.avatar.file import save_avatar
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from tests.app.drawing_doubles import tiny_avatar
from tests.app.recording.made_up import write_session

START_NS = 5_000_000_000
CAMERA = Intrinsics(160.0, 160.0, 64.0, 48.0, 128, 96)
FPS = 25.0
FRAME_NS = 40_000_000


def moving_states(body: BodyModel, count: int, seed: int = 0, strength: float = 0.35) -> list[BodyState]:
    """Somebody at ease two metres in front of a camera, every joint turning a little, every expression moving."""
    rng = np.random.default_rng(seed)
    rest = at_ease(body.num_betas, body.num_expression)
    betas = rng.normal(scale=0.5, size=body.num_betas).astype(np.float32)
    axes, phases = rng.normal(size=(55, 3)), rng.uniform(0, 6.3, 55)
    axes *= strength / np.linalg.norm(axes, axis=1, keepdims=True)
    states = []
    for k in range(count):
        swing = axes * np.sin(0.4 * k + phases)[:, None]
        turned = Rotation.from_rotvec(rest.full_pose) * Rotation.from_rotvec(swing)
        states.append(
            replace(
                rest.with_full_pose(turned.as_rotvec()),
                betas=betas,
                transl=np.array([0.02 * k, -0.1, -2.0], np.float32),
                expression=(0.5 + 0.5 * np.sin(0.3 * k + np.arange(body.num_expression))).astype(np.float32),
                time_ns=START_NS + k * FRAME_NS,
            )
        )
    return states


def about(body: BodyModel, key: str = "me", **changes) -> ParticipantRecord:
    """Of somebody with that body."""
    plain = ParticipantRecord(
        key,
        START_NS,
        body_name=body.name,
        body_sha256=body.sha256,
        expr_names=body.expr_names or (),
        framerate=FPS,
        intrinsics=CAMERA,
    )
    return replace(plain, **changes)


def spoken(samples: np.ndarray, key: str = "me", begin_ns: int = START_NS) -> list[Record]:
    """Sound as packets, each with the time at which what it plays was captured."""
    encoder = OpusEncoder()
    blocks = samples[: len(samples) // BLOCK * BLOCK].reshape(-1, BLOCK).astype(np.float32)
    return [
        MicrophoneRecord(key, begin_ns + k * BLOCK_NS - encoder.delay_ns, k, encoder.encode(block))
        for k, block in enumerate(blocks)
    ]


def embedded_avatar(body: BodyModel, folder: Path, color: float = 1.0) -> tuple[AvatarRecord, str]:
    """A tiny avatar to put into a session, and its hash."""
    path = folder / "tiny-to-embed.avatar"
    save_avatar(tiny_avatar(body, color=color), path)
    data = path.read_bytes()
    path.unlink()
    return AvatarRecord(START_NS, data), hashlib.sha256(data).hexdigest()


def small_session(path: Path, body: BodyModel, states: list[BodyState], *more: Record) -> Path:
    """One person with an embedded avatar, timings, events, two pictures and half a second of a tone."""
    avatar, sha256 = embedded_avatar(body, path.parent)
    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(24_000) / 48_000)
    records: list[Record] = [
        about(body, avatar_name="tiny", avatar_sha256=sha256),
        EventRecord(START_NS, EventKind.JOIN, "me"),
        *(BodyRecord("me", state) for state in states),
        *(
            TimingsRecord(state.time_ns, "mirror", ("pose", "draw"), (1_000_000 + k, 2_000_000))
            for k, state in enumerate(states)
        ),
        *(VideoRecord("me", START_NS + k * FRAME_NS, k, 2, 2, JPEG) for k in range(2)),
        *spoken(tone),
        EventRecord(START_NS + 3 * FRAME_NS, EventKind.WARNING, text="something"),
        *more,
    ]
    return write_session(path, [avatar, *sorted(records, key=lambda record: record.time_ns)])


def _jpeg() -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (2, 2), (200, 10, 10)).save(out, "JPEG")
    return out.getvalue()


JPEG = _jpeg()
