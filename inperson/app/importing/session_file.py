"""A motion as a session of one person."""

import os
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from scipy.spatial.transform import Rotation

from inperson.app.importing.bvh_file import load_bvh
from inperson.app.importing.retarget import motion_of_bvh
from inperson.app.recording.durable_file import DurableFile
from inperson.app.recording.records import BodyRecord, EventKind, EventRecord, ParticipantRecord
from inperson.app.recording.topics import topic_of
from inperson.app.recording.writer import Anchor, SessionWriter
from inperson.app.writers import check_writable
from inperson.app.writers.whole import part_of, unwritable
from inperson.avatar.body import load_body
from inperson.avatar.plain_text import plain
from inperson.avatar.skinning import BodyPoser
from inperson.errors import BadInputError, OutputError
from inperson.tracking.motion_file import MotionClip, load_motion

CHUNK = 256
"""States that are compressed together."""


def read_motion(path: Path, body: str | None) -> MotionClip:
    """A motion of another program, y up, its times not before zero.

    Args:
        path: .npz of AMASS or ours, or .bvh.
        body: whose the motion is; None for what the file says, or (.bvh) the neutral one.

    Raises:
        BadInputError: no such file or body, not a motion, or a motion of another body.
    """
    match path.suffix.lower():
        case ".npz":
            motion = _upright(_of_body(load_motion(path), path, body))
        case ".bvh":
            motion = motion_of_bvh(load_bvh(path), load_body(body or "neutral"))
        case _:
            raise BadInputError(f"motion {path}", "give a file ending in .npz or .bvh")
    first = int(motion.times_ns[0])
    return motion if first >= 0 else replace(motion, times_ns=motion.times_ns - first)


def check_session(out: Path, participant: str) -> None:
    """Raise now what `write_session` would find wrong with the place or the participant's key."""
    try:
        topic_of(ParticipantRecord(participant, 0))
    except ValueError as error:
        raise BadInputError(f"--name: {error}", "give another one") from error
    if out.suffix.lower() != ".mcap":
        raise BadInputError(f"output {out}", "name a file ending in .mcap")
    _check_free(out)
    check_writable(out)


def write_session(motion: MotionClip, out: Path, participant: str, source: str) -> None:
    """Write the file, whole or not at all. Every number of the motion is in it, to the bit.

    Args:
        source: where the motion came from, for the session's notes.

    Raises:
        OutputError: it cannot be written, or is there already.
    """
    begin_ns = int(motion.times_ns[0])
    about = ParticipantRecord(
        participant,
        begin_ns,
        world=_world_of(motion),
        body_name=motion.body_name or "",
        body_sha256=motion.body_sha256 or "",
        expr_names=motion.expr_names or (),
        framerate=motion.framerate,
        intrinsics=motion.intrinsics,
    )
    part = part_of(out)
    with ExitStack() as stack:
        stack.callback(part.unlink, missing_ok=True)
        writer = SessionWriter(stack.enter_context(DurableFile.create(part)), Anchor(begin_ns, time.time_ns()))
        writer.add(about)
        writer.add(EventRecord(begin_ns, EventKind.NOTE, participant, f"imported from {plain(source, 150)}"))
        for frame in range(len(motion)):
            writer.add(BodyRecord(participant, motion.state(frame)))
            if frame % CHUNK == CHUNK - 1:
                writer.end_chunk()
        writer.finish()
        _check_free(out)
        try:
            os.replace(part, out)
        except OSError as error:
            raise unwritable(out, error) from error


def _of_body(motion: MotionClip, path: Path, named: str | None) -> MotionClip:
    if named is None:
        return motion
    body = load_body(named)
    if motion.body_sha256 not in (None, body.sha256):
        whose = f"motion {path} is of body '{motion.body_name}', not '{body.name}'"
        raise BadInputError(whose, "leave --body out, or name that one")
    return replace(motion, body_name=body.name, body_sha256=body.sha256)


def _upright(motion: MotionClip) -> MotionClip:
    """AMASS is z up. Where the pelvis is at rest is then the body's; the neutral one's if nobody knows whose."""
    if motion.up_axis == "y":
        return motion
    body = load_body(motion.body_name or "neutral")
    return motion.y_up(BodyPoser(body, motion.betas[: body.num_betas]).rest_joints[0])


def _world_of(motion: MotionClip) -> str:
    """`play` where the person mostly looks along -z, as wearers of a headset do; `camera` where they face +z."""
    ahead = Rotation.from_rotvec(motion.poses[:, :3]).apply([0.0, 0.0, 1.0])
    return "camera" if motion.intrinsics is not None or ahead[:, 2].mean() >= 0.0 else "play"


def _check_free(out: Path) -> None:
    if out.exists():
        raise OutputError(f"{out} is there already", "name a new file: recordings are not replaced")
