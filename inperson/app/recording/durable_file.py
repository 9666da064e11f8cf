"""A growing file whose end is always the end of something whole."""

import contextlib
import io
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from inperson.errors import OutputError


class DurableFile:
    """Appends pieces, each whole or not at all, each on the disk before `append` returns.

    Args:
        file: open for writing, unbuffered, empty.
        path: its name, for errors.
    """

    def __init__(self, file: io.FileIO, path: Path) -> None:
        self._file, self.path = file, path
        self.size = 0
        """Bytes that are safe."""

    @staticmethod
    def create(path: Path) -> "DurableFile":
        """A new file. A recording never replaces another one.

        Raises:
            OutputError: there is one of that name, or the place cannot be written.
        """
        try:
            return DurableFile(io.FileIO(path, "xb"), path)
        except FileExistsError as error:
            raise OutputError(f"{path} is there already", "name a new file: recordings are not replaced") from error
        except OSError as error:
            raise OutputError(
                f"{path} cannot be written ({error.strerror})", "choose a folder you may write to"
            ) from error

    def append(self, data: bytes) -> None:
        """Write `data` and wait until it is on the disk (fsync). What did not fit whole is cut off again.

        Raises:
            OutputError: the disk is full, gone or failing. The file ends where it ended before.
        """
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):  # a disk that is gone; a reader cuts off what is not whole, too
                self._file.truncate(self.size)
                self._file.seek(self.size)
            raise OutputError(
                f"{self.path} cannot be written ({error.strerror})", "make room on the disk, or choose another one"
            ) from error
        self.size += len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # everything that counts was synced before
            self._file.close()
