"""`FrameWriter`, what takes a sequence of pictures, and which one a name asks for."""

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from jaxtyping import UInt8

from inperson.app.writers.movie import Mp4Writer
from inperson.app.writers.pictures import PngFolderWriter
from inperson.errors import BadInputError


class FrameWriter(Protocol):
    """Something that takes pictures with their times; a context manager that keeps or discards the whole."""

    def write(self, image: UInt8[np.ndarray, "H W C"], time_s: float) -> None:
        """Add a picture, sRGB-encoded RGB (or RGBA, not premultiplied, where the writer says so), shown from `time_s`
        on (seconds from the start, increasing)."""
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
