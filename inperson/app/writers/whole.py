"""Whole or not at all: temporary names, errors of places that cannot be written, small texts."""

import os
from pathlib import Path

from inperson.errors import OutputError


def check_writable(path: Path) -> None:
    """Raise OutputError now if `path` cannot be written later, leaving nothing behind."""
    if path.is_dir():
        raise OutputError(f"cannot write {path}", "it is a folder: name a file in it")
    part = part_of(path)
    try:
        part.touch()
        part.unlink()
    except OSError as error:
        raise unwritable(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write a small text file in one step (temporary name, then rename)."""
    part = part_of(path)
    try:
        part.write_text(text)
        os.replace(part, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:  # also when interrupted
        part.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """The temporary name beside a file, of this process."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def unwritable(path: Path, error: OSError) -> OutputError:
    """The error of a file that could not be written."""
    return OutputError(f"cannot write {path} ({error.strerror or error})", "choose a place that exists and is yours")
