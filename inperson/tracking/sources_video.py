"""Video files of any kind ffmpeg reads, decoded by PyAV."""

from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import numpy as np

from inperson.conventions import Intrinsics
from inperson.errors import BadInputError
from inperson.tracking.observation import CameraFrame
from inperson.tracking.sources_base import ClipClock, ClosesOnExit, FirstSizeFitter

_ASSUMED_FPS = 30.0
_MEND = "give another video, or re-encode this one"


class VideoFileSource(ClosesOnExit):
    """Every frame of a video file, turned upright; `live` paces it to its own (also variable) time stamps."""

    def __init__(self, path: Path, *, live: bool = False, intrinsics: Intrinsics | None = None) -> None:
        self._path = path
        self._live = live
        try:
            self._container = av.open(str(path))
        except (av.error.FFmpegError, OSError) as error:
            raise BadInputError(f"{path} is not a readable video ({_reason(error)})", _MEND) from error
        if not self._container.streams.video:
            self._container.close()
            raise BadInputError(f"{path} has no video track (cut short, or only sound)", _MEND)
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._frames: Iterator[av.VideoFrame] = self._container.decode(self._stream)
        self._fitter = FirstSizeFitter(path.name, intrinsics)
        self._clock = ClipClock(live)
        self._count = 0
        self._last_ns = -1

    @property
    def fps(self) -> float:
        return float(self._stream.average_rate or self._stream.guessed_rate or _ASSUMED_FPS)

    @property
    def live(self) -> bool:
        return self._live

    @property
    def frame_count(self) -> int | None:
        """How many frames the file holds, as far as it says so."""
        if self._stream.frames:
            return self._stream.frames
        if self._container.duration:
            return round(self._container.duration / av.time_base * self.fps)
        return None

    def describe(self) -> str:
        return f"{self._path.name}, {self._stream.width}x{self._stream.height} at {self.fps:.3g} frames/s"

    def read(self) -> CameraFrame | None:
        try:
            decoded = next(self._frames, None)
        except av.error.FFmpegError as error:
            raise BadInputError(
                f"{self._path} is damaged after frame {self._count} ({_reason(error)})", _MEND
            ) from error
        if decoded is None:
            if not self._count:
                raise BadInputError(f"{self._path} is empty (no picture in it)", _MEND)
            return None
        clip_ns = self._clip_ns(decoded)
        self._count += 1
        upright = np.rot90(decoded.to_ndarray(format="rgb24"), round(decoded.rotation / 90))
        return self._fitter.frame(upright, self._clock.stamp(clip_ns))

    def close(self) -> None:
        self._container.close()

    def _clip_ns(self, frame: av.VideoFrame) -> int:
        """The frame's time stamp, strictly increasing; counted at the nominal rate where the file has none."""
        seconds = frame.time if frame.time is not None else self._count / self.fps
        self._last_ns = max(round(seconds * 1e9), self._last_ns + 1)
        return self._last_ns


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
