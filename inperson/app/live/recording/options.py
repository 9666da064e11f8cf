"""A session's options as the file keeps them: as TOML, and without folders."""

import time
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import tomlkit

from inperson.app.commands.live import Live
from inperson.app.recording.records import SettingsRecord
from inperson.avatar.plain_text import plain

LONGEST = 900


def settings_of(options: Live) -> SettingsRecord:
    """As of now, every option that has a value, as `live.OPTION`; options of a group as `live.GROUP.OPTION`.

    Of a file only the name: recordings are passed on, and folders tell who somebody is.
    """
    values = {name: plain(_toml(value), LONGEST) for name, value in _named(options, "live")}
    return SettingsRecord(time.monotonic_ns(), values)


def _named(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for field in fields(group):
        name, value = f"{prefix}.{field.name}", getattr(group, field.name)
        if is_dataclass(value):
            yield from _named(value, name)
        elif value is not None:
            yield name, value


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        value = list(value)
    elif isinstance(value, Path) or (isinstance(value, str) and len(Path(value).parts) > 1):
        value = Path(value).name
    return tomlkit.item(value).as_string()
