"""The messages of a session file, as one table. Protobuf's descriptors are built from it; they go into the file.

A field says its unit and how much it may hold. `check` holds messages to it when they are written, and again when
they are read, so that what was written opens and what opens is sane.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from inperson.avatar.plain_text import is_plain

PACKAGE = "inperson"
TEXT = range(201)
"""Characters of a short text."""
RIGID = (0, 12)
"""The upper three rows of a 4x4 rigid transform, row by row; none where it is not known."""
SHA256 = re.compile(r"(?:[0-9a-f]{64})?")
"""In hexadecimal, or empty."""
LARGEST_PACKET = 1 << 16
LARGEST_PICTURE = 4 << 20
_FIELD = descriptor_pb2.FieldDescriptorProto
_KINDS = {
    "time": (_FIELD.TYPE_SFIXED64, _FIELD.LABEL_OPTIONAL),
    "int": (_FIELD.TYPE_INT64, _FIELD.LABEL_OPTIONAL),
    "flag": (_FIELD.TYPE_BOOL, _FIELD.LABEL_OPTIONAL),
    "double": (_FIELD.TYPE_DOUBLE, _FIELD.LABEL_OPTIONAL),
    "text": (_FIELD.TYPE_STRING, _FIELD.LABEL_OPTIONAL),
    "sha256": (_FIELD.TYPE_STRING, _FIELD.LABEL_OPTIONAL),
    "bytes": (_FIELD.TYPE_BYTES, _FIELD.LABEL_OPTIONAL),
    "floats": (_FIELD.TYPE_FLOAT, _FIELD.LABEL_REPEATED),
    "doubles": (_FIELD.TYPE_DOUBLE, _FIELD.LABEL_REPEATED),
    "ints": (_FIELD.TYPE_INT64, _FIELD.LABEL_REPEATED),
    "texts": (_FIELD.TYPE_STRING, _FIELD.LABEL_REPEATED),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field. Its number in the message is its place in the table, so new fields go to the end."""

    name: str
    kind: str
    allowed: range | tuple[int, ...] | None
    """Of numbers in a list: how many; of a text its characters; of bytes their count; of an int the value."""
    about: str
    """Unit, frame and meaning; goes into the descriptor as the field's comment."""


@dataclass(frozen=True)
class Schema:
    """One kind of message."""

    title: str
    about: str
    largest: int
    """Bytes of an encoded message, at most."""
    fields: tuple[Field, ...]

    @property
    def name(self) -> str:
        """As MCAP's schema record and protobuf name it."""
        return f"{PACKAGE}.{self.title}"

    @cached_property
    def _file(self) -> descriptor_pb2.FileDescriptorProto:
        file = descriptor_pb2.FileDescriptorProto(
            name=f"{PACKAGE}/{self.title}.proto", package=PACKAGE, syntax="proto3"
        )
        message = file.message_type.add(name=self.title)
        self._comment(file, [4, 0], self.about)
        for i, field in enumerate(self.fields):
            kind, label = _KINDS[field.kind]
            message.field.add(name=field.name, number=i + 1, type=kind, label=label)
            self._comment(file, [4, 0, 2, i], field.about)
        return file

    @staticmethod
    def _comment(file: descriptor_pb2.FileDescriptorProto, path: list[int], text: str) -> None:
        file.source_code_info.location.add(path=path, span=[0, 0, 0], leading_comments=f" {text}\n")

    @cached_property
    def descriptor_set(self) -> bytes:
        """A FileDescriptorSet that decodes the message without this program."""
        return descriptor_pb2.FileDescriptorSet(file=[self._file]).SerializeToString()

    @cached_property
    def message(self) -> Any:
        """The message's class."""
        pool = descriptor_pool.DescriptorPool()
        pool.Add(self._file)
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(self.name))

    def check(self, message: Any) -> None:
        """Whether a message keeps to the table.

        Raises:
            ValueError: it does not; says which field.
        """
        for field in self.fields:
            for fault in _faults(field, getattr(message, field.name)):
                raise ValueError(f"{self.title}.{field.name} {fault}")


def _faults(field: Field, value: Any) -> Iterator[str]:
    match field.kind:
        case "time" if value < 0:
            yield f"is {value}"
        case "int" if field.allowed is not None and value not in field.allowed:
            yield f"is {value}"
        case "double" if not 0.0 <= value < 1e6:
            yield f"is {value}"
        case "text" if field.allowed is not None and not is_plain(value, field.allowed[-1]):
            yield "is too long, or not plain text"
        case "sha256" if not SHA256.fullmatch(value):
            yield "is no sha256"
        case "floats" | "doubles" | "ints" | "texts" | "bytes" if (
            field.allowed is not None and len(value) not in field.allowed
        ):
            yield f"has {len(value)} values"
        case "floats" | "doubles" if not np.isfinite(value).all():
            yield "has values that are not finite"
        case "texts" if not all(is_plain(text, TEXT[-1]) for text in value):
            yield "has a text that is too long, or not plain"


_TIME = Field("time_ns", "time", None, "Capture time, monotonic nanoseconds; equal to the message's log_time.")


def _rigid(name: str, about: str) -> Field:
    return Field(name, "floats", RIGID, f"{about}; upper three rows of the 4x4, row by row; empty if not known.")


BODY = Schema(
    "BodyState",
    "One instant of a person as SMPL-X parameters; rotations axis-angle in radians, relative to the parent joint.",
    1 << 16,
    (
        _TIME,
        Field("global_orient", "floats", (3,), "About the pelvis joint, in the world."),
        Field("transl", "floats", (3,), "Metres, after global_orient."),
        Field("body_pose", "floats", (63,), "21 joints in SMPL-X's order."),
        Field("left_hand_pose", "floats", (45,), "15 joints, relative to the flat hand."),
        Field("right_hand_pose", "floats", (45,), "15 joints, relative to the flat hand."),
        Field("jaw_pose", "floats", (3,), ""),
        Field("leye_pose", "floats", (3,), ""),
        Field("reye_pose", "floats", (3,), ""),
        Field("expression", "floats", range(1025), "Coefficients of the participant's body (expr_names)."),
        Field("confidence", "floats", (5,), "0 to 1 of body, left_hand, right_hand, face, eyes."),
        Field("source", "ints", (5,), "Same parts: 0 camera, 1 headset, 2 voice, 3 held, 4 file, 5 other program."),
        Field("betas", "floats", range(1025), "Shape coefficients; empty if keeps_betas."),
        Field("keeps_betas", "flag", None, "The betas are those of this topic's message before, in the same chunk."),
    ),
)
HEADSET = Schema(
    "HeadsetFrame",
    "What a headset knew for one display time. Play space: origin on the floor, y up, metres.",
    1 << 12,
    (
        Field("time_ns", "time", None, "The display time it was located for, monotonic nanoseconds."),
        _rigid("T_play_from_head", "Between the eyes, looking along its -z"),
        _rigid("T_play_from_left_eye", "Looking along its -z"),
        _rigid("T_play_from_right_eye", "Looking along its -z"),
        Field("left_fov", "floats", (0, 4), "Radians from the axis: left, right, up, down; left and down negative."),
        Field("right_fov", "floats", (0, 4), "Radians from the axis: left, right, up, down; left and down negative."),
        _rigid("T_play_from_left_grip", "The left controller's grip pose"),
        _rigid("T_play_from_right_grip", "The right controller's grip pose"),
        _rigid("T_play_from_gaze", "Where the eyes look, along its -z"),
    ),
)
MICROPHONE = Schema(
    "OpusPacket",
    "One packet of Opus as the encoder gave it.",
    LARGEST_PACKET + 64,
    (
        Field("time_ns", "time", None, "When its first sample was captured, monotonic nanoseconds."),
        Field("sequence", "int", range(1 << 48), "Counts up by one; a gap is a packet that was lost."),
        Field("sample_rate", "int", range(8000, 48001), "Of the microphone, hertz."),
        Field("channels", "int", (1, 2), ""),
        Field("samples", "int", range(1, 5761), "How long it plays, in samples at 48 kHz."),
        Field("packet", "bytes", range(1, LARGEST_PACKET), "RFC 6716."),
    ),
)
VIDEO = Schema(
    "CameraPicture",
    "A picture of the participant's camera; only if they asked for it.",
    LARGEST_PICTURE + 64,
    (
        _TIME,
        Field("sequence", "int", range(1 << 48), "Of the camera."),
        Field("format", "text", range(17), "jpeg."),
        Field("width", "int", range(1, 16385), "Pixels."),
        Field("height", "int", range(1, 16385), "Pixels."),
        Field("data", "bytes", range(1, LARGEST_PICTURE), "Not mirrored."),
    ),
)
TIMINGS = Schema(
    "StageTimings",
    "How long the stages of one frame took.",
    1 << 13,
    (
        Field("time_ns", "time", None, "When the frame was done, monotonic nanoseconds."),
        Field("clock", "text", TEXT, "Whose frame: tracking, mirror, headset."),
        Field("stages", "texts", range(65), ""),
        Field("durations_ns", "ints", range(65), "Of each stage, nanoseconds."),
    ),
)
EVENT = Schema(
    "Event",
    "Something happened.",
    1 << 13,
    (
        Field("time_ns", "time", None, "Monotonic nanoseconds."),
        Field("kind", "text", TEXT, "join, leave, recenter, lost, found, avatar, note, warning, dropped, end."),
        Field("participant", "text", TEXT, "Whose; empty for the session's own."),
        Field("text", "text", range(1001), "In words."),
        Field("count", "int", range(1 << 48), "dropped: how many records."),
        _rigid("T_new_from_old", "recenter: old play space to new"),
    ),
)
SETTINGS = Schema(
    "Settings",
    "The session's settings.",
    1 << 18,
    (
        Field("time_ns", "time", None, "Since when, monotonic nanoseconds."),
        Field("names", "texts", range(1025), "Of the options."),
        Field("values", "texts", range(1025), "Of the same options, as TOML writes them."),
    ),
)
PARTICIPANT = Schema(
    "Participant",
    "Who a participant is; written again when anything of it changes.",
    1 << 18,
    (
        Field("time_ns", "time", None, "Since when, monotonic nanoseconds."),
        Field("name", "text", TEXT, "As they like to be called."),
        Field("world", "text", range(17), "camera: origin at the webcam, y up; play: a headset's play space."),
        Field("body_name", "text", TEXT, "The body that the states are of: neutral, male, female, or a file's name."),
        Field("body_sha256", "sha256", None, "Of that body's file."),
        Field("expr_names", "texts", range(1025), "What the expression's coefficients mean; empty if unnamed."),
        Field("avatar_name", "text", TEXT, "A shipped avatar's name, or the avatar's own; never a path."),
        Field("avatar_sha256", "sha256", None, "Of the .avatar file; an attachment holds it if it was embedded."),
        Field("framerate", "double", None, "States a second, nominal; 0 if not known."),
        Field("camera", "doubles", (0, 4), "fx, fy, cx, cy in pixels."),
        Field("image_size", "ints", (0, 2), "Width and height of the camera's picture, pixels."),
    ),
)
SCHEMAS = {s.name: s for s in (BODY, HEADSET, MICROPHONE, VIDEO, TIMINGS, EVENT, SETTINGS, PARTICIPANT)}
