"""Session files opened for reading: what a disk says goes wrong is one error that names the file."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from inperson.app.recording.scan import MEND
from inperson.errors import BadInputError


def opened(path: Path) -> BinaryIO:
    """A session's bytes. Reading them raises BadInputError, too, where the disk fails.

    Raises:
        BadInputError: no such file, or it cannot be opened.
    """
    if not path.is_file():
        raise BadInputError(f"session {path} not found", MEND)
    try:
        return io.BufferedReader(_Disk(path))
    except OSError as error:
        raise BadInputError(f"session {path} cannot be opened ({error.strerror})", MEND) from error


class _Disk(io.FileIO):
    """What is asked of it goes through `readinto` and `seek`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb")
        self._path = path

    def readinto(self, buffer: object) -> int:
        with self._named():
            return super().readinto(buffer)  # type: ignore[arg-type]

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with self._named():
            return super().seek(offset, whence)

    def readall(self) -> bytes:
        pieces = []
        buffer = bytearray(io.DEFAULT_BUFFER_SIZE)
        while count := self.readinto(buffer):
            pieces.append(bytes(buffer[:count]))
        return b"".join(pieces)

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = f"session {self._path} cannot be read ({error.strerror})"
            raise BadInputError(what, "copy it to a disk that is well, then `inperson session check` it") from error
