"""Movies: H.264 with AAC in MP4; VP9, with alpha if asked for, with Opus in WebM. Complete or not there at all.

The same pictures and sound give the same bytes: the encoders run in one thread, and the muxers write no dates and no
random numbers.
"""

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from jaxtyping import UInt8

from inperson.app.writers.soundtrack import SoundStream, Soundtrack
from inperson.app.writers.whole import part_of, unwritable
from inperson.errors import BadInputError, OutputError

if TYPE_CHECKING:
    from av.video.stream import VideoStream

CLOCK = Fraction(1, 90_000)
"""MP4's customary clock: presentation times are rounded to it."""


@dataclass(frozen=True, slots=True)
class _Codecs:
    """What a movie is made of, in FFmpeg's words."""

    container: str
    container_options: dict[str, str]
    video: str
    pixels: str
    video_options: dict[str, object]
    sound: str
    about: str


class _MovieWriter:
    """Each frame has its own time, so that a late frame plays late instead of drifting.

    Args:
        path: the file to write; its folder must exist.
        width, height: pixels, both even (a colour for every 2 x 2 of them).
        fps: the nominal rate, a hint to the encoder's rate control.
        soundtrack: what is heard.
        channels: of a picture: 3, or 4 with alpha.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        *,
        fps: float,
        codecs: _Codecs,
        soundtrack: Soundtrack | None,
        channels: int = 3,
    ) -> None:
        import av  # not for those who write pictures

        if width % 2 or height % 2:
            raise BadInputError(f"video size {width}x{height}", f"{codecs.about} needs an even width and height")
        self._path = path
        self._part = part_of(path)
        if path.is_dir():
            raise OutputError(f"cannot write {path}", "it is a folder: name a file in it")
        try:
            self._part.touch()
        except OSError as error:
            raise unwritable(path, error) from error
        self._frame_type = av.VideoFrame
        self._format = {3: "rgb24", 4: "rgba"}[channels]
        self._container = av.open(str(self._part), "w", format=codecs.container, options=codecs.container_options)
        rate = Fraction(fps).limit_denominator(1000)
        self._stream: VideoStream = self._container.add_stream(codecs.video, rate=rate)  # type: ignore[assignment]
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, codecs.pixels
        self._stream.codec_context.time_base = CLOCK
        self._stream.codec_context.thread_count = 1
        self._stream.options = codecs.video_options
        self._sound = None if soundtrack is None else SoundStream(self._container, codecs.sound, soundtrack)
        self._last_tick = -1

    def write(self, image: UInt8[np.ndarray, "H W C"], time_s: float) -> None:
        """Encode one picture; times that round to the same tick are moved one tick on."""
        frame = self._frame_type.from_ndarray(np.ascontiguousarray(image), format=self._format)
        self._last_tick = max(round(time_s / CLOCK), self._last_tick + 1)
        frame.pts, frame.time_base = self._last_tick, CLOCK
        try:
            if self._sound is not None:
                self._sound.write_until(time_s)
            self._container.mux(self._stream.encode(frame))
        except OSError as error:
            raise unwritable(self._path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
        except OSError as failed:
            raise unwritable(self._path, failed) from failed
        finally:
            self._container.close()
            self._part.unlink(missing_ok=True)

    def _finish(self) -> None:
        if self._last_tick < 0:
            raise OutputError(f"cannot write {self._path}", "not one picture was made: check the input")
        self._container.mux(self._stream.encode())
        if self._sound is not None:
            self._sound.finish()
        self._container.close()
        os.replace(self._part, self._path)


class Mp4Writer(_MovieWriter):
    """H.264, yuv420p; AAC.

    Args:
        path: the file to write; its folder must exist.
        width, height: pixels, both even (yuv420p).
        fps: the nominal rate, a hint to the encoder's rate control.
        effort: x264's preset; `ultrafast` for live sessions.
        soundtrack: what is heard.

    Raises:
        OutputError: when the file cannot be written.
        BadInputError: when the size is odd.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        *,
        fps: float,
        effort: str = "veryfast",
        soundtrack: Soundtrack | None = None,
    ) -> None:
        codecs = _Codecs(
            container="mp4",
            container_options={},
            video="libx264",
            pixels="yuv420p",
            video_options={"preset": effort, "crf": "18", "bf": "0"},
            sound="aac",
            about="H.264",
        )
        super().__init__(path, width, height, fps=fps, codecs=codecs, soundtrack=soundtrack)


class WebmWriter(_MovieWriter):
    """VP9, yuv420p or yuva420p; Opus.

    Args:
        path: the file to write; its folder must exist.
        width, height: pixels, both even.
        fps: the nominal rate, a hint to the encoder's rate control.
        alpha: pictures are RGBA, not premultiplied; alpha is a second VP9 picture beside each (BlockAdditional).
        soundtrack: what is heard.

    Raises:
        OutputError: when the file cannot be written.
        BadInputError: when the size is odd.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        *,
        fps: float,
        alpha: bool = False,
        soundtrack: Soundtrack | None = None,
    ) -> None:
        codecs = _Codecs(
            container="webm",
            container_options={"fflags": "+bitexact"},  # otherwise the track's number is a random one
            video="libvpx-vp9",
            pixels="yuva420p" if alpha else "yuv420p",
            video_options={
                "crf": "20",
                "b": "0",
                "deadline": "good",
                "cpu-used": "5",
                "auto-alt-ref": "0",  # libvpx has none with alpha
                "lag-in-frames": "0",
            },
            sound="libopus",
            about="VP9",
        )
        super().__init__(
            path, width, height, fps=fps, codecs=codecs, soundtrack=soundtrack, channels=4 if alpha else 3
        )
