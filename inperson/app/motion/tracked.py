"""`Tracked`: what crosses from the tracking process to the display, and its record in the mailbox."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from inperson.app.motion.state_record import pack_state, state_dtype, unpack_state
from inperson.app.processes.mailbox import Mailbox
from inperson.avatar.state import BodyState
from inperson.tracking.observation import CameraFrame, Observation

PREVIEW_WIDTH, PREVIEW_HEIGHT = 320, 240
"""The camera picture travels at most this large: it is shown small."""

MARKS = {"body": 33, "left_hand": 21, "right_hand": 21, "face": 478}
"""Landmarks of each part, for drawing over the camera picture."""

STAGES = ("capture", "landmarks", "fit")
"""Stages of the tracking clock. `capture` is what a frame waited before landmarking began."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """One tracked frame, as the display sees it."""

    state: BodyState
    sequence: int
    """Of the camera frame."""
    dropped: int
    """Frames the source produced that were never tracked, since the start."""
    stage_ns: Float[np.ndarray, "3"]
    """Durations of `STAGES` for this frame, nanoseconds."""
    preview: UInt8[np.ndarray, "h w 3"]
    """The camera picture, never mirrored, at most PREVIEW_HEIGHT by PREVIEW_WIDTH."""
    marks: dict[str, Float[np.ndarray, "n 2"]]
    """Landmarks by part of `MARKS`, 0 to 1 across the picture; a part that was not seen is missing."""


def tracked_dtype(num_betas: int, num_expression: int) -> np.dtype:
    """The mailbox record for a body with these numbers of coefficients."""
    state = state_dtype(num_betas, num_expression)
    return np.dtype(
        [
            *((name, state[name]) for name in state.names or ()),
            ("sequence", np.int64),
            ("dropped", np.int64),
            ("stage_ns", np.float64, len(STAGES)),
            ("preview_size", np.int64, 2),
            ("preview", np.uint8, PREVIEW_WIDTH * PREVIEW_HEIGHT * 3),
            *((f"marks_{part}", np.float32, (count, 2)) for part, count in MARKS.items()),
        ]
    )


def pack(tracked: Tracked, dtype: np.dtype) -> np.ndarray:
    """`tracked` as a record of `dtype` (shape ())."""
    record = pack_state(tracked.state, dtype)
    record["sequence"], record["dropped"] = tracked.sequence, tracked.dropped
    record["stage_ns"] = tracked.stage_ns
    height, width = tracked.preview.shape[:2]
    record["preview_size"] = height, width
    record["preview"][: height * width * 3] = tracked.preview.reshape(-1)
    for part in MARKS:
        record[f"marks_{part}"] = tracked.marks.get(part, np.nan)
    return record


def unpack(record: np.ndarray) -> Tracked:
    """The inverse of `pack`; arrays are views of `record`."""
    height, width = (int(n) for n in record["preview_size"])
    marks = {part: record[f"marks_{part}"] for part in MARKS}
    return Tracked(
        state=unpack_state(record),
        sequence=int(record["sequence"]),
        dropped=int(record["dropped"]),
        stage_ns=record["stage_ns"],
        preview=record["preview"][: height * width * 3].reshape(height, width, 3),
        marks={part: points for part, points in marks.items() if np.isfinite(points).all()},
    )


class TrackedReader:
    """Reads a tracking process's mailbox. Every reader takes every frame that it is in time for."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._taken = 0

    def newest(self) -> Tracked | None:
        """The newest tracked frame, if there is one that was not taken yet."""
        taken = self._mailbox.take(after=self._taken)
        if taken is None:
            return None
        self._taken, record = taken
        return unpack(record)


def marks_of(observation: Observation) -> dict[str, Float[np.ndarray, "n 2"]]:
    """Landmarks of an observation, 0 to 1 across the picture."""
    size = np.array([observation.intrinsics.width, observation.intrinsics.height], np.float32)
    pixels = {
        "body": observation.body_pixels,
        "left_hand": observation.left_hand and observation.left_hand.pixels,
        "right_hand": observation.right_hand and observation.right_hand.pixels,
        "face": observation.face and observation.face.pixels,
    }
    return {part: np.asarray(points, np.float32) / size for part, points in pixels.items() if points is not None}


def preview_of(frame: CameraFrame) -> UInt8[np.ndarray, "h w 3"]:
    """Every k-th pixel of every k-th row, with the smallest k that fits the preview."""
    height, width = frame.image.shape[:2]
    step = max(-(-height // PREVIEW_HEIGHT), -(-width // PREVIEW_WIDTH))
    return np.ascontiguousarray(frame.image[::step, ::step])
