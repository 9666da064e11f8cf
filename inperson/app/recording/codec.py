"""Records to protobuf messages and back, bit for bit."""

from collections.abc import Callable
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from jaxtyping import Float

from inperson.app.recording.records import (
    BodyRecord,
    EventKind,
    EventRecord,
    HeadsetRecord,
    Message,
    MicrophoneRecord,
    ParticipantRecord,
    SettingsRecord,
    TimingsRecord,
    VideoRecord,
)
from inperson.app.recording.schema import Schema
from inperson.app.recording.topics import schema_of
from inperson.avatar.state import BodyState, Source
from inperson.conventions import Intrinsics

_POSES = (
    *("global_orient", "transl", "body_pose", "left_hand_pose", "right_hand_pose"),
    *("jaw_pose", "leye_pose", "reye_pose", "expression", "confidence"),
)
_TRIPLES = frozenset({"body_pose", "left_hand_pose", "right_hand_pose"})
_TRANSFORMS = (
    *("T_play_from_head", "T_play_from_left_eye", "T_play_from_right_eye"),
    *("T_play_from_left_grip", "T_play_from_right_grip", "T_play_from_gaze"),
)
_FOVS = ("left_fov", "right_fov")


def encode(record: Message, betas_before: Float[np.ndarray, " B"] | None = None) -> bytes:
    """A record as a message.

    Args:
        betas_before: of the topic's message before in the same chunk; the same betas are not written again.

    Raises:
        ValueError: the record does not keep to its schema.
    """
    schema = schema_of(record)
    try:
        message = schema.message(**_values(record, betas_before))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{schema.title}: {error}") from error
    schema.check(message)
    data = message.SerializeToString()
    if len(data) > schema.largest:
        raise ValueError(f"{schema.title} takes {len(data)} bytes, more than {schema.largest}")
    return data


def decode(participant: str, schema: Schema, data: bytes, betas_before: Float[np.ndarray, " B"] | None) -> Message:
    """The inverse of `encode`, of a message nobody vouches for.

    Raises:
        ValueError: not a message of this schema, or it does not keep to it.
    """
    if len(data) > schema.largest:
        raise ValueError(f"{schema.title} takes {len(data)} bytes, more than {schema.largest}")
    message = schema.message()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise ValueError(f"{schema.title} cannot be decoded") from error
    schema.check(message)
    return _READERS[schema.title](participant, message, betas_before)


def _values(record: Message, betas_before: np.ndarray | None) -> dict[str, Any]:
    match record:
        case BodyRecord(state=state):
            keeps = betas_before is not None and state.betas.tobytes() == betas_before.tobytes()
            return {
                **{name: _floats(getattr(state, name)) for name in _POSES},
                "time_ns": state.time_ns,
                "source": [int(s) for s in state.source],
                "betas": [] if keeps else _floats(state.betas),
                "keeps_betas": keeps,
            }
        case HeadsetRecord():
            return {
                "time_ns": record.time_ns,
                **{name: _rows(getattr(record, name)) for name in _TRANSFORMS},
                **{name: [] if (fov := getattr(record, name)) is None else _floats(fov) for name in _FOVS},
            }
        case EventRecord():
            return {
                **{name: getattr(record, name) for name in ("time_ns", "participant", "text", "count")},
                "kind": str(record.kind),
                "T_new_from_old": _rows(record.T_new_from_old),
            }
        case SettingsRecord(values=values):
            return {"time_ns": record.time_ns, "names": [*values], "values": [*values.values()]}
        case TimingsRecord():
            return {name: getattr(record, name) for name in ("time_ns", "clock", "stages", "durations_ns")}
        case ParticipantRecord(intrinsics=k):
            named = ("time_ns", "name", "world", "body_name", "body_sha256", "expr_names", "avatar_name")
            return {
                **{name: getattr(record, name) for name in (*named, "avatar_sha256", "framerate")},
                "camera": [] if k is None else [k.fx, k.fy, k.cx, k.cy],
                "image_size": [] if k is None else [k.width, k.height],
            }
        case MicrophoneRecord():
            names: tuple[str, ...] = ("sequence", "sample_rate", "channels", "samples", "packet")
            return {name: getattr(record, name) for name in ("time_ns", *names)}
        case VideoRecord():
            names = ("sequence", "format", "width", "height", "data")
            return {name: getattr(record, name) for name in ("time_ns", *names)}


def _floats(array: np.ndarray) -> list[float]:
    return np.asarray(array, np.float32).ravel().tolist()


def _rows(T: Float[np.ndarray, "4 4"] | None) -> list[float]:
    return [] if T is None else _floats(np.asarray(T)[:3])


def _array(values: Any) -> Float[np.ndarray, " n"]:
    return np.fromiter(values, np.float32, len(values))


def _transform(values: Any) -> Float[np.ndarray, "4 4"] | None:
    if not values:
        return None
    T = np.eye(4, dtype=np.float32)
    T[:3] = _array(values).reshape(3, 4)
    return T


def _body(participant: str, message: Any, betas_before: np.ndarray | None) -> BodyRecord:
    if message.keeps_betas and betas_before is None:
        raise ValueError("BodyState.keeps_betas without a message before")
    arrays = {name: _array(getattr(message, name)) for name in _POSES}
    arrays |= {name: arrays[name].reshape(-1, 3) for name in _TRIPLES}
    betas = betas_before if message.keeps_betas and betas_before is not None else _array(message.betas)
    state = BodyState(**arrays, betas=betas, time_ns=message.time_ns, source=tuple(Source(s) for s in message.source))
    return BodyRecord(participant, state)


def _headset(participant: str, message: Any, _: np.ndarray | None) -> HeadsetRecord:
    return HeadsetRecord(
        participant,
        message.time_ns,
        **{name: _transform(getattr(message, name)) for name in _TRANSFORMS},
        **{name: _array(fov) if (fov := getattr(message, name)) else None for name in _FOVS},
    )


def _microphone(participant: str, m: Any, _: np.ndarray | None) -> MicrophoneRecord:
    return MicrophoneRecord(participant, m.time_ns, m.sequence, m.packet, m.samples, m.sample_rate, m.channels)


def _video(participant: str, m: Any, _: np.ndarray | None) -> VideoRecord:
    return VideoRecord(participant, m.time_ns, m.sequence, m.width, m.height, m.data, m.format)


def _timings(_: str, m: Any, __: np.ndarray | None) -> TimingsRecord:
    if len(m.stages) != len(m.durations_ns):
        raise ValueError("StageTimings.durations_ns is not one number a stage")
    return TimingsRecord(m.time_ns, m.clock, tuple(m.stages), tuple(m.durations_ns))


def _event(_: str, m: Any, __: np.ndarray | None) -> EventRecord:
    return EventRecord(m.time_ns, EventKind(m.kind), m.participant, m.text, m.count, _transform(m.T_new_from_old))


def _settings(_: str, m: Any, __: np.ndarray | None) -> SettingsRecord:
    if len(m.names) != len(m.values):
        raise ValueError("Settings.values is not one text a name")
    return SettingsRecord(m.time_ns, dict(zip(m.names, m.values, strict=True)))


def _participant(participant: str, m: Any, _: np.ndarray | None) -> ParticipantRecord:
    if m.world not in ("camera", "play"):
        raise ValueError("Participant.world is neither camera nor play")
    if len(m.camera) // 2 != len(m.image_size):
        raise ValueError("Participant.camera and image_size do not go together")
    intrinsics = None
    if m.camera:
        intrinsics = Intrinsics(*m.camera, *m.image_size)
        if min(intrinsics.fx, intrinsics.fy, intrinsics.width, intrinsics.height) <= 0:
            raise ValueError("Participant.camera or image_size is not positive")
    return ParticipantRecord(
        participant,
        m.time_ns,
        name=m.name,
        world=m.world,
        body_name=m.body_name,
        body_sha256=m.body_sha256,
        expr_names=tuple(m.expr_names),
        avatar_name=m.avatar_name,
        avatar_sha256=m.avatar_sha256,
        framerate=m.framerate,
        intrinsics=intrinsics,
    )


_READERS: dict[str, Callable[[str, Any, np.ndarray | None], Message]] = {
    "BodyState": _body,
    "HeadsetFrame": _headset,
    "OpusPacket": _microphone,
    "CameraPicture": _video,
    "StageTimings": _timings,
    "Event": _event,
    "Settings": _settings,
    "Participant": _participant,
}
