"""The rings of a recorded session, and their records: tracked frames, headset frames, camera pictures."""

import multiprocessing
from dataclasses import dataclass

import numpy as np

from inperson.app.motion.state_record import state_dtype
from inperson.app.motion.tracked import STAGES
from inperson.app.processes.record_ring import RecordRing

TRACKED_SLOTS = 512
"""States that a session may be late by: ten seconds of a fast camera. 0.7 MB."""
HEADSET_SLOTS = 1024
"""Eight seconds of 120 frames. 2.5 MB."""
PICTURE_SLOTS = 16
LARGEST_PICTURE = 512 << 10
"""Bytes of a JPEG: a full-HD picture at this quality takes half. 8 MB in all."""
EYES = ("T_play_from_left_eye", "T_play_from_right_eye")
TRANSFORMS = ("T_play_from_head", *EYES, "T_play_from_left_grip", "T_play_from_right_grip", "T_play_from_gaze")
"""As `HeadsetRecord` names them; not a number where there is none."""
HEADSET_STAGES = ("wait", "input", "pose", "draw", "conditions", "shade", "submit")

PICTURE_DTYPE = np.dtype(
    [
        ("time_ns", np.int64),
        ("sequence", np.int64),
        ("size", np.int64, 2),
        ("length", np.int64),
        ("jpeg", np.uint8, LARGEST_PICTURE),
    ]
)


def tracked_frame_dtype(num_betas: int, num_expression: int) -> np.dtype:
    """A tracked state with what its frame took and the camera it is of."""
    return np.dtype(
        [
            *_fields(state_dtype(num_betas, num_expression)),
            ("done_ns", np.int64),
            ("stage_ns", np.float64, len(STAGES)),
            ("camera", np.float64, 4),
            ("image_size", np.int64, 2),
        ]
    )


def headset_frame_dtype(num_betas: int, num_expression: int) -> np.dtype:
    """What a headset knew for a frame, the state that was drawn, and what the frame took."""
    return np.dtype(
        [
            *_fields(state_dtype(num_betas, num_expression)),
            ("has_pose", np.bool_),
            ("has_state", np.bool_),
            ("frame_ns", np.int64),
            ("transforms", np.float32, (len(TRANSFORMS), 4, 4)),
            ("fovs", np.float32, (2, 4)),
            ("done_ns", np.int64),
            ("stage_ms", np.float64, len(HEADSET_STAGES)),
            ("nominal_fps", np.float64),
        ]
    )


@dataclass(frozen=True, slots=True)
class TrackingRings:
    """What a tracking process fills. Passes to it as an argument."""

    frames: RecordRing
    pictures: RecordRing | None
    """None unless the camera's pictures are wanted."""


@dataclass(frozen=True, slots=True)
class LiveRings:
    """All of a session's."""

    tracking: TrackingRings | None
    headset: RecordRing | None

    @staticmethod
    def make(num_betas: int, num_expression: int, *, tracking: bool, pictures: bool, headset: bool) -> "LiveRings":
        """Rings for the processes that there will be.

        Args:
            num_betas, num_expression: of the states' body.
            tracking, headset: whether there will be such a process.
            pictures: whether the camera's pictures are wanted.
        """
        context = multiprocessing.get_context("spawn")
        frames = seen = worn = None
        if tracking:
            frames = RecordRing(context, tracked_frame_dtype(num_betas, num_expression), TRACKED_SLOTS)
        if tracking and pictures:
            seen = RecordRing(context, PICTURE_DTYPE, PICTURE_SLOTS)
        if headset:
            worn = RecordRing(context, headset_frame_dtype(num_betas, num_expression), HEADSET_SLOTS)
        return LiveRings(None if frames is None else TrackingRings(frames, seen), worn)


def _fields(dtype: np.dtype) -> list[tuple[str, np.dtype]]:
    return [(name, dtype[name]) for name in dtype.names or ()]
