"""Settings as defaults of commands: what a flag need not say any more."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from typing import Any

import tyro

from inperson.app.settings.catalogue import options_of
from inperson.app.settings.layers import Setting


def with_settings(name: str, command: type, settings: Mapping[tuple[str, str], Setting]) -> Any:
    """A command's dataclass with the settings in it; what must be given on the command line is still missing."""
    instance = _bare(command)
    for option in options_of(name, command):
        setting = settings.get((option.section, option.key))
        if setting is not None:
            instance = _put(instance, option.path, setting.value)
    return instance


def _bare(command: type) -> Any:
    values = {
        field.name: tyro.MISSING
        for field in fields(command)
        if field.default is MISSING and field.default_factory is MISSING
    }
    return command(**values)


def _put(instance: Any, path: tuple[str, ...], value: Any) -> Any:
    first, *rest = path
    return replace(instance, **{first: _put(getattr(instance, first), tuple(rest), value) if rest else value})
