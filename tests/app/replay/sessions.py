"""Session files to replay: somebody who gestures, an avatar of a few Gaussians, and what happens to both."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from inperson.app.recording.records import AvatarRecord, BodyRecord, ParticipantRecord, Record
from inperson.avatar.body import BodyModel
from inperson.avatar.state import BodyState
from tests.app.recording.made_up import ANCHOR, write_session
from tests.shader_model.conditions.scenes import gesturing

BEGIN_NS = ANCHOR.monotonic_ns
FRAME_NS = 40_000_000
"""25 states a second."""


def gestures(body: BodyModel, frames: int, *, begin_ns: int = BEGIN_NS, x: float = 0.0) -> list[BodyState]:
    """Somebody of no particular shape, two metres before a camera, who turns and waves. Times are a little uneven."""
    return [
        replace(
            gesturing(body, 0.04 * k),
            betas=np.linspace(0.3, -0.2, body.num_betas, dtype=np.float32),
            transl=np.array([x + 0.01 * k, 0.0, -2.0], np.float32),
            time_ns=begin_ns + k * FRAME_NS + (k % 3) * 1_000_001,
        )
        for k in range(frames)
    ]


def about(body: BodyModel, key: str = "me", **changes) -> ParticipantRecord:
    """The papers of somebody tracked on `body`."""
    values = {
        "time_ns": BEGIN_NS,
        "body_name": body.name,
        "body_sha256": body.sha256,
        "expr_names": body.expr_names or (),
        "framerate": 25.0,
    }
    return ParticipantRecord(key, **(values | changes))


def avatar_record(path: Path, time_ns: int = BEGIN_NS) -> tuple[AvatarRecord, str]:
    """An avatar to embed, and its hash."""
    data = path.read_bytes()
    return AvatarRecord(time_ns, data), hashlib.sha256(data).hexdigest()


def session_of(
    path: Path, papers: ParticipantRecord, states: Iterable[BodyState], further: Iterable[Record] = (), **options
) -> Path:
    """A file of one person's states; `further` records are put where their times belong."""
    records: list[Record] = [papers, *(BodyRecord(papers.participant, state) for state in states), *further]
    return write_session(path, sorted(records, key=lambda record: record.time_ns), **options)
