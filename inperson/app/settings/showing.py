"""What counts, for people: every option as TOML, and where its value comes from."""

from collections.abc import Iterator, Mapping

import tomlkit

from inperson.app.settings.catalogue import Section
from inperson.app.settings.layers import Setting
from inperson.app.settings.values import to_toml


def shown_lines(sections: Mapping[str, Section], settings: Mapping[tuple[str, str], Setting]) -> Iterator[str]:
    """Lines of TOML, values that are not set commented out."""
    for section in sections.values():
        yield f"[{section.name}]"
        for key, option in section.options.items():
            setting = settings.get((section.name, key))
            value = to_toml(option.default if setting is None else setting.value)
            if value is None:
                yield f"# {key} is not set"
            else:
                yield f"{key} = {tomlkit.item(value).as_string()}  # {_origin(setting)}"
        yield ""


def _origin(setting: Setting | None) -> str:
    if setting is None:
        return "default"
    return f"line {setting.line}" + ("" if setting.profile is None else f", profile {setting.profile}")
