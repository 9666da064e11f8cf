"""What the MediaPipe Tasks have in common here: model options, images, and a clock that never runs backwards."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mediapipe as mp
import numpy as np
from jaxtyping import UInt8
from mediapipe.tasks.python import BaseOptions

_NOMINAL_STEP_MS = 33
_LONGEST_STEP_MS = 1000


def model_options(path: Path) -> BaseOptions:
    """Options that load a model file on the CPU."""
    return BaseOptions(model_asset_path=str(path), delegate=BaseOptions.Delegate.CPU)


def task_image(image: UInt8[np.ndarray, "H W 3"]) -> mp.Image:
    """An RGB array as the Tasks want it."""
    return mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(image))


@contextmanager
def native_chatter_muted() -> Iterator[None]:
    """Keep what MediaPipe's C++ parts say while they start off the terminal; no option of theirs does.

    Errors are not lost: they come back as exceptions.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


class TaskClock:
    """Time stamps for a Task in VIDEO mode, which refuses any that do not increase.

    Follows the frames' own clock; where that jumps (a clip begins again, a camera was away) it goes on with
    one ordinary or at most one long step.
    """

    def __init__(self) -> None:
        self._frame_ns: int | None = None
        self._ms = 0

    def stamp_ms(self, time_ns: int) -> int:
        """The Task's time for a frame of that time, milliseconds."""
        if self._frame_ns is not None:
            step = (time_ns - self._frame_ns) // 1_000_000
            self._ms += min(int(step), _LONGEST_STEP_MS) if step > 0 else _NOMINAL_STEP_MS
        self._frame_ns = time_ns
        return self._ms

    def next_ms(self) -> int:
        """The Task's time for something that is not a frame."""
        self._ms += 1
        return self._ms
