"""The header of a `.avatar` file: format, version, and the fields of a `GaussianAvatar` that are no arrays.

It is untrusted: names end up on a terminal, and a body's name is looked up.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inperson.avatar.file_columns import EncodingError, require
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.plain_text import is_plain

FORMAT = "inperson-avatar"
VERSION = 4
"""The newest that this module knows."""
LONGEST_NAME = 200
MAX_ENTRIES, LONGEST_KEY, LONGEST_ENTRY = 256, 100, 100_000
"""Of the provenance: its entries, and the characters of one."""
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_FIELDS = ("name", "body_name", "body_sha256", "provenance")


@dataclass(frozen=True, slots=True)
class Header:
    """A checked header."""

    version: int
    fields: dict[str, Any]
    """Of `GaussianAvatar`."""


def encode_header(avatar: GaussianAvatar, version: int) -> dict[str, str]:
    """The metadata of an avatar's file."""
    return {
        "format": FORMAT,
        "version": str(version),
        "name": avatar.name,
        "body_name": avatar.body_name,
        "body_sha256": avatar.body_sha256,
        "provenance": json.dumps(avatar.provenance, sort_keys=True),
    }


def decode_header(metadata: Mapping[str, str] | None) -> Header:
    """Check and read a file's metadata. Entries it does not know are left alone: a version may add some.

    Raises:
        EncodingError: another format, a newer version, missing, overlong or unprintable fields.
    """
    metadata = metadata or {}
    require(metadata.get("format") == FORMAT, f"its header does not say format = {FORMAT}")
    version = _version(metadata.get("version", ""))
    missing = set(_FIELDS) - metadata.keys()
    require(not missing, f"its header lacks {', '.join(sorted(missing))}")
    for name in ("name", "body_name"):
        require(is_plain(metadata[name], LONGEST_NAME), f"its {name} is too long or is not one line of plain text")
    # the body is looked up by this name: it must not lead to a folder, a drive or a server
    require(
        not re.search(r"[/\\:]|^[.~]", metadata["body_name"]), "its body_name is a path where a body's name belongs"
    )
    require(_SHA256.match(metadata["body_sha256"]), "its body_sha256 is no sha256")
    fields: dict[str, Any] = {name: metadata[name] for name in _FIELDS}
    return Header(version, fields | {"provenance": _provenance(metadata["provenance"])})


def _version(text: str) -> int:
    number = text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= 1
    require(number, "its header's version is not a positive number")
    if int(text) > VERSION:
        message = f"its format version {int(text)} is newer than {VERSION}, the newest known here"
        raise EncodingError(message, mend="update InPerson")
    return int(text)


def _provenance(text: str) -> dict[str, str]:
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EncodingError("its provenance is not JSON") from error
    require(
        isinstance(table, dict) and all(isinstance(v, str) for v in table.values()),
        "its provenance is not a table of strings",
    )
    require(len(table) <= MAX_ENTRIES, f"its provenance has {len(table)} entries ({MAX_ENTRIES} are allowed)")
    require(
        all(is_plain(k, LONGEST_KEY) and is_plain(v, LONGEST_ENTRY) for k, v in table.items()),
        "its provenance holds entries that are too long or are not plain text",
    )
    return table
