"""Files that commands write: H.264 MP4 or a folder of PNGs, complete or not there at all.

Both writers put everything under a temporary name beside the target and rename it into place at the end, so a
reader never sees half a file. They find out that a place cannot be written when they are made: before any work.
"""

import os
import shutil
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from inperson.errors import BadInputError, OutputError

CLOCK = Fraction(1, 90_000)
"""MP4's customary clock: presentation times are rounded to it."""

PNG_EFFORT = 2
"""Of zlib's 9: files a quarter larger than with its usual 6, in a third of the time."""


class FrameWriter(Protocol):
    """Something that takes pictures with their times; a context manager that keeps or discards the whole."""

    def write(self, image: UInt8[np.ndarray, "H W 3"], time_s: float) -> None:
        """Add a picture, sRGB-encoded RGB, shown from `time_s` on (seconds from the start, increasing)."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Put the finished file in its place, or remove every trace of it after an error."""
        ...


def open_output(path: Path, width: int, height: int, *, fps: float, effort: str = "veryfast") -> FrameWriter:
    """A writer for `path`: an MP4 when it ends in .mp4, otherwise a folder of numbered PNGs."""
    if path.suffix.lower() == ".mp4":
        return Mp4Writer(path, width, height, fps=fps, effort=effort)
    if path.suffix:
        raise BadInputError(f"output {path}", "name a file ending in .mp4, or a folder")
    return PngFolderWriter(path)


class Mp4Writer:
    """H.264, yuv420p, each frame with its own time, so that a late frame plays late instead of drifting.

    Args:
        path: the file to write; its folder must exist.
        width, height: pixels, both even (yuv420p).
        fps: the nominal rate, a hint to the encoder's rate control.
        effort: x264's preset; `ultrafast` for live sessions.

    Raises:
        OutputError: when the file cannot be written.
        BadInputError: when the size is odd.
    """

    def __init__(self, path: Path, width: int, height: int, *, fps: float, effort: str = "veryfast") -> None:
        import av  # not for those who write pictures

        if width % 2 or height % 2:
            raise BadInputError(f"video size {width}x{height}", "H.264 needs an even width and height")
        self._path = path
        self._part = _part_of(path)
        if path.is_dir():
            raise OutputError(f"cannot write {path}", "it is a folder: name a file in it")
        try:
            self._part.touch()
        except OSError as error:
            raise _unwritable(path, error) from error
        self._frame_type = av.VideoFrame
        self._container = av.open(str(self._part), "w", format="mp4")
        self._stream = self._container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        self._stream.codec_context.time_base = CLOCK
        self._stream.codec_context.thread_count = 1
        self._stream.options = {"preset": effort, "crf": "18", "bf": "0"}
        self._last_tick = -1

    def write(self, image: UInt8[np.ndarray, "H W 3"], time_s: float) -> None:
        """Encode one picture; times that round to the same tick are moved one tick on."""
        frame = self._frame_type.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        self._last_tick = max(round(time_s / CLOCK), self._last_tick + 1)
        frame.pts, frame.time_base = self._last_tick, CLOCK
        try:
            self._container.mux(self._stream.encode(frame))
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
        except OSError as failed:
            raise _unwritable(self._path, failed) from failed
        finally:
            self._container.close()
            self._part.unlink(missing_ok=True)

    def _finish(self) -> None:
        if self._last_tick < 0:
            raise OutputError(f"cannot write {self._path}", "not one picture was made: check the input")
        self._container.mux(self._stream.encode())
        self._container.close()
        os.replace(self._part, self._path)


class PngFolderWriter:
    """Numbered PNGs (000000.png, ...) in a new folder.

    Raises:
        OutputError: when the folder exists already and is not empty, or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = _part_of(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise OutputError(f"cannot write {path}", "it is there already: name a new or empty folder")
        try:
            self._part.mkdir()
        except OSError as error:
            raise _unwritable(path, error) from error
        self._count = 0

    def write(self, image: UInt8[np.ndarray, "H W 3"], time_s: float) -> None:
        """Save the next picture; `time_s` has no place in a PNG folder."""
        try:
            Image.fromarray(image).save(self._part / f"{self._count:06d}.png", compress_level=1)
        except OSError as error:
            raise _unwritable(self._path, error) from error
        self._count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            if error is None:
                os.replace(self._part, self._path)
        except OSError as failed:
            raise _unwritable(self._path, failed) from failed
        finally:
            shutil.rmtree(self._part, ignore_errors=True)


def check_writable(path: Path) -> None:
    """Raise OutputError now if `path` cannot be written later, leaving nothing behind."""
    if path.is_dir():
        raise OutputError(f"cannot write {path}", "it is a folder: name a file in it")
    part = _part_of(path)
    try:
        part.touch()
        part.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def write_png(path: Path, image: UInt8[np.ndarray, "H W 3"]) -> None:
    """Write one picture in one step (temporary name, then rename)."""
    part = _part_of(path)
    try:
        Image.fromarray(image).save(part, format="PNG", compress_level=PNG_EFFORT)
        os.replace(part, path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:  # also when interrupted
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a small text file in one step (temporary name, then rename)."""
    part = _part_of(path)
    try:
        part.write_text(text)
        os.replace(part, path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:  # also when interrupted
        part.unlink(missing_ok=True)


def _part_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write {path} ({error.strerror or error})", "choose a place that exists and is yours")
