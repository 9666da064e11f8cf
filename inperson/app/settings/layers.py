"""What is set: the settings file, and a profile of it laid over, every value checked and known by its line."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from inperson.app.settings.catalogue import Option, Section
from inperson.app.settings.document import Document, Path_
from inperson.app.settings.values import WrongValue, convert

PROFILES = "profiles"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that the file sets."""

    value: Any
    line: int
    profile: str | None = None
    """Whose it is; None of everybody's."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the file sets, by section and key."""

    base: Mapping[tuple[str, str], Setting] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[tuple[str, str], Setting]] = field(default_factory=dict)

    def chosen(self, profile: str | None) -> dict[tuple[str, str], Setting]:
        """What counts with a profile laid over; one that the file does not know changes nothing."""
        return dict(self.base) | dict(self.profiles.get(profile or "", {}))

    def without(self, left_out: Set[tuple[str, str]]) -> "Settings":
        """The same but for some sections' keys."""

        def kept(settings: Mapping[tuple[str, str], Setting]) -> dict[tuple[str, str], Setting]:
            return {where: setting for where, setting in settings.items() if where not in left_out}

        return Settings(kept(self.base), {name: kept(settings) for name, settings in self.profiles.items()})


def read_settings(document: Document, sections: Mapping[str, Section]) -> Settings:
    """Check a whole file, profiles included.

    Raises:
        BadInputError: an unknown name or a wrong value; names the line, what is allowed, and the nearest known name.
    """
    tables = dict(document.tables)
    profiles = tables.pop(PROFILES, {})
    if not isinstance(profiles, dict):
        raise document.wrong((PROFILES,), "profiles is no table", "write [profiles.NAME.live]")
    base = dict(_settings(document, tables, (), sections, None))
    laid_over = {}
    for name, table in profiles.items():
        if not isinstance(table, dict):
            raise document.wrong((PROFILES, name), f"profile {name} is no table", f"write [profiles.{name}.live]")
        laid_over[name] = dict(_settings(document, table, (PROFILES, name), sections, name))
    return Settings(base, laid_over)


def _settings(
    document: Document, tables: Mapping[str, Any], above: Path_, sections: Mapping[str, Section], profile: str | None
) -> Iterator[tuple[tuple[str, str], Setting]]:
    """The values in some tables.

    Args:
        above: of the tables, in the file.
    """
    depth = len(above) - (2 if profile is not None else 0)
    for key, value in tables.items():
        path = (*above, key)
        name = ".".join(path[len(path) - depth - 1 :])
        is_group = any(known.startswith(f"{name}.") for known in sections)
        if name not in sections and not is_group:
            raise document.wrong(path, f"unknown section [{name}]", _nearest(name, sections, "sections are"))
        if not isinstance(value, dict):
            raise document.wrong(path, f"{name} is a section", f"write [{'.'.join(path)}]")
        if name not in sections:
            yield from _settings(document, value, path, sections, profile)
            continue
        for option_key, option_value in value.items():
            option = sections[name].options.get(option_key)
            where = (*path, option_key)
            if option is None or (profile is not None and option.key == "profile"):
                mend = _nearest(option_key, sections[name].options, f"[{name}] has")
                raise document.wrong(where, f"unknown option {option_key} in [{name}]", mend)
            setting = _convert(document, where, option, option_value)
            yield (name, option_key), Setting(setting, document.line_of(where), profile)


def _convert(document: Document, where: Path_, option: Option, value: object) -> Any:
    try:
        return convert(value, option.annotation)
    except WrongValue as error:
        said = value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
        what = f"[{option.section}] {option.key} = {said}"
        raise document.wrong(where, what, str(error)) from error


def _nearest(name: str, known: Mapping[str, Any], listed: str) -> str:
    near = get_close_matches(name, known, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"{meant}{listed} {', '.join(known)}"
