"""The interface of every frame source, and what their implementations share."""

import logging
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Protocol, Self

import cv2
import numpy as np
from jaxtyping import UInt8

from inperson.conventions import DEFAULT_HORIZONTAL_FOV, Intrinsics
from inperson.tracking.observation import CameraFrame

_log = logging.getLogger(__name__)

Image = UInt8[np.ndarray, "H W 3"]


class FrameSource(Protocol):
    """A stream of camera frames. Use as a context manager, or call `close`."""

    @property
    def fps(self) -> float:
        """Nominal frames a second."""

    @property
    def live(self) -> bool:
        """True when frames arrive at the pace of a clock whether or not anyone reads them."""

    def describe(self) -> str:
        """One short line for people: what this is, its size and rate."""

    def read(self) -> CameraFrame | None:
        """The next frame; None at the end of a file or folder.

        A live source blocks until the frame is due and stamps it with monotonic time. An offline one
        returns every frame at once, stamped with its place on the clip's own clock.

        Raises:
            DeviceError: a camera stopped sending pictures.
            BadInputError: a file is damaged.
        """

    def close(self) -> None:
        """Let go of the device or file; reading afterwards is an error."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class ClosesOnExit(ABC):
    """The context-manager half of a source."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the device or file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def assumed_intrinsics(width: int, height: int) -> Intrinsics:
    """A typical webcam's field of view along the picture's longer side, square pixels, centred."""
    focal = 0.5 * max(width, height) / np.tan(0.5 * DEFAULT_HORIZONTAL_FOV)
    return Intrinsics(float(focal), float(focal), width / 2, height / 2, width, height)


class FirstSizeFitter:
    """Turns images into frames that all have the first one's size, and numbers them.

    Args:
        name: what the source is called in the notice about a changed size.
        intrinsics: of the calibrated camera; assumed from the first frame's size if None. One for another
            size of the same picture is scaled.
    """

    def __init__(self, name: str, intrinsics: Intrinsics | None = None) -> None:
        self._name = name
        self._intrinsics = intrinsics
        self._size: tuple[int, int] | None = None
        self._warned = False
        self._sequence = -1

    def frame(self, image: Image, time_ns: int) -> CameraFrame:
        """The next frame, from RGB of any size."""
        height, width = image.shape[:2]
        if self._size is None:
            self._size = width, height
            self._intrinsics = _scaled(self._intrinsics or assumed_intrinsics(width, height), width, height)
        elif (width, height) != self._size:
            self._warn(width, height)
            image = letterbox(image, *self._size)
        self._sequence += 1
        assert self._intrinsics is not None
        return CameraFrame(np.ascontiguousarray(image), time_ns, self._sequence, self._intrinsics)

    def _warn(self, width: int, height: int) -> None:
        if not self._warned:
            first = "x".join(map(str, self._size or ()))
            _log.warning(
                "%s changed its picture from %s to %dx%d: fitted into the first size; start again to use the new one",
                *(self._name, first, width, height),
            )
        self._warned = True


def letterbox(image: Image, width: int, height: int) -> Image:
    """`image` scaled to fit width x height, keeping its shape, centred on black."""
    scale = min(width / image.shape[1], height / image.shape[0])
    w, h = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    out = np.zeros((height, width, 3), np.uint8)
    x, y = (width - w) // 2, (height - h) // 2
    out[y : y + h, x : x + w] = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)
    return out


class ClipClock:
    """Paces a file to its own clock when live, and stamps its frames."""

    def __init__(self, live: bool) -> None:
        self._live = live
        self._start_ns: int | None = None

    def stamp(self, clip_ns: int) -> int:
        """The frame's `time_ns`; when live, returns only once the frame is due.

        Args:
            clip_ns: the frame's place on the clip's own clock, nanoseconds.
        """
        if not self._live:
            return clip_ns
        if self._start_ns is None:
            self._start_ns = time.monotonic_ns() - clip_ns
        due = self._start_ns + clip_ns
        wait = due - time.monotonic_ns()
        if wait > 0:
            time.sleep(wait * 1e-9)
        return due


def _scaled(intrinsics: Intrinsics, width: int, height: int) -> Intrinsics:
    sx, sy = width / intrinsics.width, height / intrinsics.height
    return Intrinsics(intrinsics.fx * sx, intrinsics.fy * sy, intrinsics.cx * sx, intrinsics.cy * sy, width, height)
