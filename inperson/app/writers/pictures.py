"""PNGs: one, or a numbered folder of them."""

import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from inperson.app.writers.whole import part_of, unwritable
from inperson.errors import OutputError

PNG_EFFORT = 2
"""Of zlib's 9: files a quarter larger than with its usual 6, in a third of the time."""


class PngFolderWriter:
    """Numbered PNGs (000000.png, ...) in a new folder; with alpha if the pictures have it, not premultiplied.

    Raises:
        OutputError: when the folder exists already and is not empty, or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = _begun(path)
        self._count = 0

    def write(self, image: UInt8[np.ndarray, "H W C"], time_s: float) -> None:
        """Save the next picture; `time_s` has no place in a PNG folder."""
        try:
            Image.fromarray(image).save(self._part / f"{self._count:06d}.png", compress_level=1)
        except OSError as error:
            raise unwritable(self._path, error) from error
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
            raise unwritable(self._path, failed) from failed
        finally:
            shutil.rmtree(self._part, ignore_errors=True)


def check_new_folder(path: Path) -> None:
    """Raise OutputError now if `PngFolderWriter` cannot write `path` later, leaving nothing behind."""
    _begun(path).rmdir()


def _begun(path: Path) -> Path:
    """An empty folder beside `path` that may take its place."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise OutputError(f"cannot write {path}", "it is there already: name a new or empty folder")
    part = part_of(path)
    try:
        part.mkdir()
    except OSError as error:
        raise unwritable(path, error) from error
    return part


def write_png(path: Path, image: UInt8[np.ndarray, "H W 3"]) -> None:
    """Write one picture in one step (temporary name, then rename)."""
    part = part_of(path)
    try:
        Image.fromarray(image).save(part, format="PNG", compress_level=PNG_EFFORT)
        os.replace(part, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:  # also when interrupted
        part.unlink(missing_ok=True)
