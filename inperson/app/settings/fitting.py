"""Settings that do not apply to the view a command was asked for: left out, and said."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from inperson.app.commands.unfit import Unfit
from inperson.app.settings.catalogue import options_of
from inperson.app.settings.layers import Setting


@runtime_checkable
class HasViews(Protocol):
    """A command some of whose options are for some of its views."""

    def unfit(self) -> Iterable[Unfit]:
        """Those that are given and do not apply."""
        ...


@dataclass(frozen=True, slots=True)
class Idle:
    """A setting that does nothing in this session."""

    where: tuple[str, str]
    """Section and key."""
    option: Unfit
    line: int


def idle_settings(name: str, command: object, settings: Mapping[tuple[str, str], Setting]) -> Iterator[Idle]:
    """The settings behind a command's unfit options. An option may be on the command line as well: a command that is
    read again without these settings has it still.

    Args:
        name: of the command.
        command: with the settings in it.
    """
    if not isinstance(command, HasViews):
        return
    at = {option.path: (option.section, option.key) for option in options_of(name, type(command))}
    for option in command.unfit():
        where = at.get(option.path)
        if where is not None and where in settings:
            yield Idle(where, option, settings[where].line)


def notices(idle: Iterable[Idle], command: HasViews) -> Iterator[str]:
    """One line about each setting that was left out.

    Args:
        command: as it is without them; what it has still was on the command line.
    """
    given = {option.path for option in command.unfit()}
    for setting in idle:
        if setting.option.path not in given:
            yield f"settings, line {setting.line}: {setting.option.what}; left out of this session"
