"""Small JSON files that remember one user each, by name, in the per-user settings."""

import os
import re
import tempfile
from pathlib import Path

import msgspec

from inperson.errors import BadInputError, OutputError
from inperson.paths import config_dir

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}")


def user_file(kind: str, name: str) -> Path:
    """Where the file of a name lives. A value with a path separator or `.json` is taken as a path.

    Args:
        kind: what it holds, one word: `profile`.
        name: the user's.

    Raises:
        BadInputError: a name that cannot be a file's.
    """
    if name.endswith(".json") or os.sep in name:
        return Path(name).expanduser()
    if not _NAME.fullmatch(name):
        raise BadInputError(f"{kind} name '{name}'", "use letters, digits, spaces, dots, dashes and underscores")
    return config_dir() / f"{kind}s" / f"{name}.json"


def write_user_file(kind: str, content: msgspec.Struct, path: Path) -> None:
    """Writes a file whole or not at all.

    Raises:
        OutputError: the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(content)))
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{kind} {path} cannot be written ({error.strerror})", "choose a writable place") from error
