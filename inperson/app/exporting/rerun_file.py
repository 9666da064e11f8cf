"""RRD: a session for the rerun viewer (https://rerun.io): skeletons, bodies, sound, pictures, numbers, events.

Everything is on one timeline, `session`: seconds from the session's start. World axes and metres as recorded. The
viewer's SDK is an optional package; it writes a file and speaks to nobody.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from inperson.app.exporting.spaces import in_one_space
from inperson.app.exporting.take import Take, body_of
from inperson.app.exporting.wav import wav_bytes
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import (
    BodyRecord,
    EventKind,
    EventRecord,
    HeadsetRecord,
    Message,
    TimingsRecord,
    VideoRecord,
)
from inperson.app.recording.sound import Sound
from inperson.app.recording.span import Span
from inperson.app.writers.soundtrack import SAMPLE_RATE
from inperson.app.writers.whole import part_of, unwritable
from inperson.avatar.body import BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import PARTS
from inperson.errors import BadInputError
from inperson.tracking.motion_file import MotionClip

if TYPE_CHECKING:
    from rerun import RecordingStream

TIMELINE = "session"
BODY_POINTS = 1000
"""Of a body's surface, about: all of its vertices would be 10 MB a second."""
LEVEL_SAMPLES = SAMPLE_RATE // 50
"""A loudness is of 20 ms."""
QUIETEST_DB = -80.0
_HEADSET = ("head", "left_eye", "right_eye", "left_grip", "right_grip", "gaze")


def load_rerun() -> ModuleType:
    """The SDK.

    Raises:
        BadInputError: it is not installed.
    """
    try:
        import rerun
    except ImportError as error:
        raise BadInputError(".rrd files need rerun's SDK", "pip install 'inperson[rerun]'") from error
    return rerun


def write_rerun(session: SessionReader, takes: Sequence[Take], span: Span, body: str | None, out: Path) -> None:
    """Write the file, whole or not at all.

    Args:
        takes: whom it shows; what belongs to nobody is always in it.
        body: of people whose body the session does not know.

    Raises:
        BadInputError: the SDK is missing, or the session cannot be read.
        OutputError: the file cannot be written.
    """
    rr = load_rerun()
    part = part_of(out)
    with ExitStack() as stack:
        stack.callback(part.unlink, missing_ok=True)
        recording = rr.RecordingStream("inperson", recording_id=f"{session.anchor.unix_ns}-{out.stem}")
        stack.callback(recording.disconnect)
        try:
            recording.save(part)
        except RuntimeError as error:
            raise unwritable(out, OSError(str(error))) from error
        _Writing(rr, recording, session, span).write(takes, body)
        recording.flush()
        recording.disconnect()
        try:
            os.replace(part, out)
        except OSError as error:
            raise unwritable(out, error) from error


class _Writing:
    """One file being written."""

    def __init__(self, rr: ModuleType, recording: "RecordingStream", session: SessionReader, span: Span) -> None:
        self._rr, self._recording, self._session = rr, recording, session
        recording.set_log_time_enabled(False)
        self._start_ns = session.begin_ns
        self._limits = span.limits_ns(self._start_ns)

    def write(self, takes: Sequence[Take], body: str | None) -> None:
        rr = self._rr
        anchor = self._session.anchor
        self._recording.send_recording_name(self._session.path.stem)
        self._recording.send_recording_start_time_nanos(anchor.unix_ns + self._start_ns - anchor.monotonic_ns)
        self._recording.log("/", rr.ViewCoordinates.RIGHT_HAND_Y_UP, static=True)
        for take in takes:
            self._person(take, body)
        self._events()
        self._timings()

    def _person(self, take: Take, body: str | None) -> None:
        root = f"participants/{take.key}"
        if self._session.count(BodyRecord, take.key):
            motion = take.motion()
            model = body_of(motion, body)
            self._bones(root, in_one_space(take, motion, model), model)
            self._numbers(root, motion)
        sound = take.sound()
        if sound is not None:
            self._sound(root, sound)
        self._headset(root, take.key)
        self._pictures(root, take.key)

    def _bones(self, root: str, motion: MotionClip, body: BodyModel) -> None:
        rr, parents = self._rr, body.parents
        poser = BodyPoser(body, motion.betas[: body.num_betas])
        chosen = np.arange(0, body.num_vertices, max(body.num_vertices // BODY_POINTS, 1))
        upright = motion.y_up(poser.rest_joints[0])
        joints = np.empty((len(motion), len(parents), 3), np.float32)
        surface = np.empty((len(motion), len(chosen), 3), np.float32)
        for frame in range(len(motion)):
            posed = poser.pose(upright.state(frame))
            joints[frame], surface[frame] = posed.joints, posed.vertices[chosen]
        segments = np.stack([joints[:, parents[1:]], joints[:, 1:]], axis=2)
        self._static(f"{root}/body/joints", rr.Points3D.from_fields(radii=0.008))
        self._columns(
            f"{root}/body/joints",
            motion.times_ns,
            rr.Points3D.columns(positions=joints.reshape(-1, 3)).partition([len(parents)] * len(joints)),
        )
        self._columns(
            f"{root}/body/bones",
            motion.times_ns,
            rr.LineStrips3D.columns(strips=list(segments.reshape(-1, 2, 3))).partition(
                [len(parents) - 1] * len(joints)
            ),
        )
        self._static(f"{root}/body/surface", rr.Points3D.from_fields(radii=0.004))
        self._columns(
            f"{root}/body/surface",
            motion.times_ns,
            rr.Points3D.columns(positions=surface.reshape(-1, 3)).partition([len(chosen)] * len(joints)),
        )

    def _numbers(self, root: str, motion: MotionClip) -> None:
        names = motion.expr_names or tuple(f"expression{k:02d}" for k in range(motion.expression.shape[1]))
        self._series(f"{root}/expression", names, motion.times_ns, motion.expression)
        self._series(f"{root}/confidence", PARTS, motion.times_ns, motion.confidence)

    def _sound(self, root: str, sound: Sound) -> None:
        audio = self._rr.AssetAudio(contents=wav_bytes(sound.samples), media_type="audio/wav")
        self._at(sound.start_ns)
        self._recording.log(f"{root}/microphone/sound", audio)
        blocks = len(sound.samples) // LEVEL_SAMPLES
        if blocks:
            levels = level_db(sound.samples[: blocks * LEVEL_SAMPLES].reshape(blocks, LEVEL_SAMPLES))
            times = sound.start_ns + np.arange(blocks) * (1_000_000_000 * LEVEL_SAMPLES // SAMPLE_RATE)
            self._series(f"{root}/microphone/level_db", ("level",), times, levels[:, None])

    def _headset(self, root: str, key: str) -> None:
        for record in self._records(HeadsetRecord):
            assert isinstance(record, HeadsetRecord)
            if record.participant != key:
                continue
            self._at(record.time_ns)
            for name in _HEADSET:
                T = getattr(record, f"T_play_from_{name}")
                if T is not None:
                    moved = self._rr.Transform3D(translation=T[:3, 3], mat3x3=T[:3, :3])
                    self._recording.log(f"{root}/headset/{name}", moved)

    def _pictures(self, root: str, key: str) -> None:
        for record in self._records(VideoRecord):
            assert isinstance(record, VideoRecord)
            if record.participant == key:
                self._at(record.time_ns)
                picture = self._rr.EncodedImage(contents=record.data, media_type=f"image/{record.format}")
                self._recording.log(f"{root}/camera", picture)

    def _events(self) -> None:
        levels = {EventKind.WARNING: "WARN", EventKind.DROPPED: "WARN"}
        for record in self._records(EventRecord):
            assert isinstance(record, EventRecord)
            words = (str(record.kind), record.participant, str(record.count or ""), record.text)
            self._at(record.time_ns)
            text = self._rr.TextLog(" ".join(filter(None, words)), level=levels.get(record.kind, "INFO"))
            self._recording.log("events", text)

    def _timings(self) -> None:
        series: dict[str, tuple[list[int], list[float]]] = {}
        for record in self._records(TimingsRecord):
            assert isinstance(record, TimingsRecord)
            for stage, duration_ns in zip(record.stages, record.durations_ns, strict=True):
                times, values = series.setdefault(f"timings/{_part(record.clock)}/{_part(stage)}", ([], []))
                times.append(record.time_ns)
                values.append(duration_ns / 1e6)
        for path, (times, values) in series.items():
            self._series(path, (path.rsplit("/", 1)[1],), np.array(times), np.array(values)[:, None])

    def _series(
        self, path: str, names: Iterable[str], times_ns: Int[np.ndarray, " T"], values: Float[np.ndarray, "T n"]
    ) -> None:
        """Numbers that are drawn as curves."""
        if values.shape[1] == 0:
            return
        self._static(path, self._rr.SeriesLines(names=list(names)))
        columns = self._rr.Scalars.columns(scalars=values.astype(np.float64).ravel())
        self._columns(path, times_ns, columns.partition([values.shape[1]] * len(values)))

    def _columns(self, path: str, times_ns: Int[np.ndarray, " T"], columns: Any) -> None:
        seconds = (np.asarray(times_ns) - self._start_ns) / 1e9
        self._recording.send_columns(path, [self._rr.TimeColumn(TIMELINE, duration=seconds)], columns)

    def _static(self, path: str, archetype: Any) -> None:
        self._recording.log(path, archetype, static=True)

    def _at(self, time_ns: int) -> None:
        self._recording.set_time(TIMELINE, duration=(time_ns - self._start_ns) / 1e9)

    def _records(self, kind: type[Message]) -> Iterable[Message]:
        from_ns, to_ns = self._limits
        return self._session.records(kind, from_ns=from_ns, to_ns=to_ns)


def level_db(blocks: Float[np.ndarray, "B n"]) -> Float[np.ndarray, " B"]:
    """How loud each block is: its root mean square in decibels of full scale, -80 at least."""
    power = (blocks.astype(np.float64) ** 2).mean(axis=1)
    return 10.0 * np.log10(np.maximum(power, 10.0 ** (QUIETEST_DB / 10.0)))


def _part(name: str) -> str:
    """A name from a file as one part of an entity's path."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name) or "_"
