"""Every option that the settings file may hold, read off the commands themselves.

A command's options stand in a section of its name, under the names of their flags (`-` written `_`). What several
commands share is a dataclass of its own within them, such as `outputs.vmc`, and stands once in a section so called.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import tyro

from inperson.app.settings.values import is_option

_POSITIONAL = get_args(tyro.conf.Positional[int])[1]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of one command."""

    section: str
    key: str
    """Of the settings file."""
    path: tuple[str, ...]
    """Names of fields, from the command's dataclass down."""
    annotation: Any
    default: Any
    help: str


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the settings file."""

    name: str
    about: str
    options: dict[str, Option]


def options_of(name: str, command: type) -> list[Option]:
    """The options of a command that the file may hold: none of a command that only groups others."""
    return list(_walk(command, name, (), shared=False))


def sections_of(commands: Mapping[str, type]) -> dict[str, Section]:
    """All sections by name: those of commands first, then what commands share."""
    own: dict[str, Section] = {}
    shared: dict[str, Section] = {}
    for name, command in commands.items():
        for option in options_of(name, command):
            where = own if option.section == name else shared
            about = command.__doc__ if option.section == name else _shared_class(command, option.path).__doc__
            section = where.setdefault(option.section, Section(option.section, _first_line(about or ""), {}))
            section.options.setdefault(option.key, option)
    return own | shared


def _walk(owner: type, section: str, path: tuple[str, ...], *, shared: bool) -> Iterator[Option]:
    hints, helps = get_type_hints(owner, include_extras=True), docstrings(owner)
    for field in fields(owner):
        annotation = hints[field.name]
        metadata = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
        inner = get_args(annotation)[0] if metadata else annotation
        flag = next((item.name for item in metadata if isinstance(getattr(item, "name", None), str)), None)
        here = (*path, field.name)
        if is_dataclass(inner) and isinstance(inner, type):
            flat = flag == ""
            yield from _walk(inner, section if flat else ".".join(here), here, shared=shared or not flat)
        elif _POSITIONAL not in metadata and is_option(annotation) and _has_default(field):
            key = field.name if shared or flag is None else flag.replace("-", "_")
            yield Option(section, key, here, annotation, _default(field), helps.get(field.name, ""))


@cache
def docstrings(owner: type) -> dict[str, str]:
    """What stands below each field of a dataclass, in one line each."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(definition, ast.ClassDef)
    out: dict[str, str] = {}
    for statement, below in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    out[statement.target.id] = " ".join(text.split())
    return out


def _shared_class(command: type, path: tuple[str, ...]) -> type:
    """The dataclass that holds the last field of a path."""
    for name in path[:-1]:
        hint = get_type_hints(command)[name]
        command = hint
    return command


def _first_line(text: str) -> str:
    return " ".join(text.strip().split("\n\n")[0].split())


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default
