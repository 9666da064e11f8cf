"""What a session file holds, as frozen dataclasses: what a recorder is given and a reader gives back."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics


@dataclass(frozen=True, slots=True, eq=False)
class BodyRecord:
    """A state of a participant's body."""

    participant: str
    state: BodyState
    droppable: ClassVar[bool] = False

    @property
    def time_ns(self) -> int:
        """The state's capture time, monotonic nanoseconds."""
        return self.state.time_ns


@dataclass(frozen=True, slots=True, eq=False)
class HeadsetRecord:
    """What a headset knew for one display time, in the play space. None: it does not have it, or lost it.

    Transforms are stored as float32. Fields of view: left, right, up, down, radians from the axis.
    """

    participant: str
    time_ns: int
    T_play_from_head: Float[np.ndarray, "4 4"] | None = None
    T_play_from_left_eye: Float[np.ndarray, "4 4"] | None = None
    T_play_from_right_eye: Float[np.ndarray, "4 4"] | None = None
    left_fov: Float[np.ndarray, "4"] | None = None
    right_fov: Float[np.ndarray, "4"] | None = None
    T_play_from_left_grip: Float[np.ndarray, "4 4"] | None = None
    T_play_from_right_grip: Float[np.ndarray, "4 4"] | None = None
    T_play_from_gaze: Float[np.ndarray, "4 4"] | None = None
    droppable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class MicrophoneRecord:
    """One Opus packet."""

    participant: str
    time_ns: int
    """When its first sample was captured."""
    sequence: int
    packet: bytes
    samples: int = 960
    """How long it plays, in samples at 48 kHz."""
    sample_rate: int = 48_000
    """Of the microphone, hertz."""
    channels: int = 1
    droppable: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class VideoRecord:
    """A compressed camera picture, never mirrored. Only recorded if the participant asked for it."""

    participant: str
    time_ns: int
    sequence: int
    width: int
    height: int
    data: bytes
    format: str = "jpeg"
    droppable: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class TimingsRecord:
    """How long the stages of one frame of a clock took, nanoseconds."""

    time_ns: int
    clock: str
    stages: tuple[str, ...]
    durations_ns: tuple[int, ...]
    droppable: ClassVar[bool] = True


class EventKind(StrEnum):
    """What can happen."""

    JOIN = "join"
    LEAVE = "leave"
    RECENTER = "recenter"
    LOST = "lost"
    """Nobody in view, or the headset's tracking went."""
    FOUND = "found"
    AVATAR = "avatar"
    """The participant shows another avatar; their `ParticipantRecord` says which."""
    NOTE = "note"
    WARNING = "warning"
    DROPPED = "dropped"
    """Records that the recording could not take; `count` says how many, `text` what and why."""
    END = "end"
    """The recording ended; `text` says why."""


@dataclass(frozen=True, slots=True, eq=False)
class EventRecord:
    """Something happened."""

    time_ns: int
    kind: EventKind
    participant: str = ""
    """Whose; empty for the session's own."""
    text: str = ""
    count: int = 0
    T_new_from_old: Float[np.ndarray, "4 4"] | None = None
    """Of a recentring: old play space to new."""
    droppable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class SettingsRecord:
    """The session's settings: options and their values as TOML writes them."""

    time_ns: int
    values: dict[str, str]
    droppable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class ParticipantRecord:
    """Who a participant is. Put before their first state, and again when anything changes."""

    participant: str
    """Their key in the file's topics: small letters, digits, dashes, underscores; 32 at most."""
    time_ns: int
    name: str = ""
    """As they like to be called."""
    world: str = "camera"
    """The frame of the states: `camera` or `play`, see CONVENTIONS.md."""
    body_name: str = ""
    body_sha256: str = ""
    expr_names: tuple[str, ...] = ()
    avatar_name: str = ""
    avatar_sha256: str = ""
    framerate: float = 0.0
    """States a second, nominal; 0 if not known."""
    intrinsics: Intrinsics | None = None
    """Of the camera that tracked them."""
    droppable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class AvatarRecord:
    """An `.avatar` file, embedded whole; once each, by its sha256."""

    time_ns: int
    data: bytes
    droppable: ClassVar[bool] = False


Message = (
    BodyRecord
    | HeadsetRecord
    | MicrophoneRecord
    | VideoRecord
    | TimingsRecord
    | EventRecord
    | SettingsRecord
    | ParticipantRecord
)
Record = Message | AvatarRecord
