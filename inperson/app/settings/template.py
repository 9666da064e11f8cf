"""A settings file for people: every option with its words and its default, commented out; their own lines stay."""

import re
import textwrap
from collections.abc import Iterable, Mapping

import tomlkit
from tomlkit.items import Table

from inperson.app.settings.catalogue import Option, Section
from inperson.app.settings.values import allowed, example, to_toml

WIDTH = 100
HEAD = """\
Settings of InPerson. Every line that begins with # is off and shows a default: take the # away to change it.
Flags of the command line count more than what is here. `inperson settings check` finds mistakes, and
`inperson settings show` prints what counts.
"""
PROFILES_EXAMPLE = """\
Profiles lie over all this when chosen by --profile NAME, the name under which your shape is remembered, too:
[profiles.studio.live]
view = "headset+mirror"
[profiles.studio.outputs.vmc]
address = "on"
"""


def completed(text: str, sections: Mapping[str, Section]) -> str:
    """A settings file with everything that it does not mention yet added to it; nothing in it changes.

    Args:
        text: of the file so far, which is TOML; empty for a new one.
    """
    document = tomlkit.parse(text)
    if not text.strip():
        _comment(document, HEAD.splitlines())
    for section in sections.values():
        *groups, last = section.name.split(".")
        table: tomlkit.TOMLDocument | Table = document
        for group in groups:
            if group not in table:
                table.append(group, tomlkit.table(is_super_table=True))
            table = table[group]
        if last in table:
            _complete(table[last], section)
        else:
            table.append(last, _new_table(section))
    out = document.as_string().rstrip("\n") + "\n"
    if not text.strip():
        out += "\n" + "".join(f"# {line}\n" for line in PROFILES_EXAMPLE.splitlines())
    return out


def _new_table(section: Section) -> Table:
    table = tomlkit.table()
    _comment(table, textwrap.wrap(section.about, WIDTH))
    for option in section.options.values():
        _add(table, option)
    table.add(tomlkit.nl())
    return table


def _complete(table: Table, section: Section) -> None:
    missing = [option for option in section.options.values() if not _mentions(table, option.key)]
    if not missing:
        return
    for option in missing:
        _add(table, option)
    table.add(tomlkit.nl())


def _mentions(table: Table, key: str) -> bool:
    return re.search(rf"^\s*#?\s*{re.escape(key)}\s*=", table.as_string(), re.MULTILINE) is not None


def _add(table: Table, option: Option) -> None:
    table.add(tomlkit.nl())
    value = to_toml(option.default)
    unset = " By default it is not set." if value is None else ""
    _comment(table, textwrap.wrap(f"{option.help} Takes {allowed(option.annotation)}.{unset}", WIDTH))
    shown = example(option.annotation) if value is None else value
    _comment(table, [f"{option.key} = {tomlkit.item(shown).as_string()}"])


def _comment(container: tomlkit.TOMLDocument | Table, lines: Iterable[str]) -> None:
    for line in lines:
        container.add(tomlkit.comment(line))
