"""A session's options as the file keeps them: as TOML, and without folders."""

import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import tomlkit

from inperson.app.commands.live import Live
from inperson.app.recording.records import SettingsRecord
from inperson.avatar.plain_text import plain

LONGEST = 900


def settings_of(options: Live) -> SettingsRecord:
    """As of now, every option that has a value, as `live.OPTION`.

    Of a file only the name: recordings are passed on, and folders tell who somebody is.
    """
    values = {field.name: getattr(options, field.name) for field in fields(options)}
    return SettingsRecord(
        time.monotonic_ns(),
        {f"live.{name}": plain(_toml(value), LONGEST) for name, value in values.items() if value is not None},
    )


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        value = list(value)
    elif isinstance(value, Path) or (isinstance(value, str) and len(Path(value).parts) > 1):
        value = Path(value).name
    return tomlkit.item(value).as_string()
