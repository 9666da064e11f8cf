"""Files that appear whole or not at all."""

import contextlib
import os
import tempfile
from pathlib import Path

from inperson.errors import OutputError


def write_atomically(path: Path, data: bytes) -> None:
    """Write under a temporary name beside `path`, then rename. An older file stays until the new one is complete.

    Raises:
        OutputError: the folder is missing or not writable, or the disk is full; nothing is left behind.
    """
    temporary: str | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror})", "choose a folder you may write to, with room in it"
        ) from error
    finally:  # also when interrupted; after the renaming there is nothing of that name
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
