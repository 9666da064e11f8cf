"""A settings file as it is: its tables, and on which line each key stands."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import platformdirs

from inperson.errors import BadInputError
from inperson.paths import APP_NAME

LARGEST_FILE = 1 << 20
"""Bytes. Settings are a few thousand."""

Path_ = tuple[str, ...]


def settings_path() -> Path:
    """Where this user's settings are; the file need not exist."""
    return Path(platformdirs.user_config_dir(APP_NAME)) / "settings.toml"


@dataclass(frozen=True, slots=True)
class Document:
    """A settings file that is TOML."""

    path: Path
    text: str
    tables: Mapping[str, Any]

    def line_of(self, key: Path_) -> int:
        """The line, from 1, on which a key or a table begins."""
        return lines_of(self.text)[key]

    def wrong(self, key: Path_, what: str, mend: str) -> BadInputError:
        """The error of a key, which names its line."""
        return BadInputError(f"settings {self.path}, line {self.line_of(key)}: {what}", mend)


def read_document(path: Path) -> Document | None:
    """The settings at a path; None where there are none.

    Raises:
        BadInputError: the file cannot be read, or is not TOML; the error names the line.
    """
    try:
        if not path.exists():
            return None
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise BadInputError(f"settings {path} cannot be read ({error.strerror})", "check its permissions") from error
    if len(data) > LARGEST_FILE:
        raise BadInputError(f"settings {path} are larger than {LARGEST_FILE} bytes", "is it the right file?")
    try:
        text = data.decode("utf-8")
        return Document(path, text, tomllib.loads(text))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadInputError(f"settings {path}, line {line}: not UTF-8", "save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(
            f"settings {path} are not TOML: {error}", "write NAME = VALUE, texts in quotes"
        ) from error


@lru_cache(maxsize=1)
def lines_of(text: str) -> Mapping[Path_, int]:
    """On which line, from 1, every key and table of a TOML text begins.

    Asks TOML's own parser line by line what is there so far, so that it holds for everything TOML may look like.
    """
    out: dict[Path_, int] = {}
    lines = text.splitlines(keepends=True)
    begins = None
    """Where a value of several lines began."""
    for number in range(1, len(lines) + 1):
        if begins is None and not lines[number - 1].partition("#")[0].strip():
            continue
        begins = begins or number
        try:
            tables = tomllib.loads("".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue  # goes on on the next line
        for path in _paths(tables, ()):
            out.setdefault(path, begins)
        begins = None
    return out


def _paths(table: Mapping[str, Any], above: Path_) -> Iterator[Path_]:
    for key, value in table.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))
