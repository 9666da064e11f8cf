"""The `inperson` command: parses the options, runs one command, turns every user's error into one line."""

import sys
from collections.abc import Sequence
from typing import Annotated, Any, Union

import tyro
from rich.console import Console

from inperson.app.commands.avatar import Avatar
from inperson.app.commands.bench import Bench
from inperson.app.commands.calibrate import Calibrate
from inperson.app.commands.devices import Devices
from inperson.app.commands.doctor import Doctor
from inperson.app.commands.evaluate import Evaluate
from inperson.app.commands.export import Export
from inperson.app.commands.live import Live
from inperson.app.commands.models import Models
from inperson.app.commands.render import Render
from inperson.app.commands.replay import Replay
from inperson.app.commands.session import Session
from inperson.app.commands.settings import Settings
from inperson.app.commands.track import Track
from inperson.app.settings.defaults import with_settings
from inperson.app.settings.document import read_document, settings_path
from inperson.app.settings.fitting import Idle, idle_settings, notices
from inperson.app.settings.known import SETTABLE, known_sections
from inperson.app.settings.layers import Settings as LaidOver
from inperson.app.settings.layers import read_settings
from inperson.app.settings.profile_choice import ProfileChoice, choose_profile
from inperson.errors import InPersonError

COMMANDS: dict[str, type] = {
    "live": Live,
    "calibrate": Calibrate,
    "track": Track,
    "render": Render,
    "avatar": Avatar,
    "replay": Replay,
    "export": Export,
    "session": Session,
    "settings": Settings,
    "models": Models,
    "devices": Devices,
    "doctor": Doctor,
    "bench": Bench,
    "evaluate": Evaluate,
}

EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit status.

    `InPersonError` ends as `error: what: mend` on stderr with its own exit code. Anything else is a bug in
    InPerson and keeps its traceback.
    """
    try:
        choice = choose_profile(sys.argv[1:] if argv is None else argv)
        console, settings = Console(), _settings(choice)
        command = _read(choice, settings)
        if idle := _idle(choice, settings, command):
            command = _read(choice, settings.without({setting.where for setting in idle}))
            for notice in notices(idle, command):
                console.print(notice, soft_wrap=True, highlight=False, markup=False)
        command.run(console)
    except InPersonError as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return EXIT_INTERRUPTED
    return 0


def _settings(choice: ProfileChoice) -> LaidOver:
    """What the settings file says, if there is one.

    Raises:
        BadInputError: something in it is wrong; `inperson settings` itself still works.
    """
    if choice.arguments[:1] != ["settings"] and (document := read_document(settings_path())) is not None:
        return read_settings(document, known_sections())
    return LaidOver()


def _read(choice: ProfileChoice, settings: LaidOver) -> Any:
    """The command on the command line; the defaults of all are those of the settings."""
    kinds = []
    for name, command in COMMANDS.items():
        chosen = choice.settings_for(name, settings) if name in SETTABLE else {}
        defaults = {"default": with_settings(name, command, chosen)} if chosen else {}
        kinds.append(Annotated[command, tyro.conf.subcommand(name, **defaults)])
    one_of_them: Any = Union[tuple(kinds)]  # noqa: UP007 (a union of as many as there are)
    return tyro.cli(
        one_of_them,
        prog="inperson",
        description="A camera in, your avatar in the mirror or in a headset. --profile NAME, before any command, "
        "lays that profile of the settings over its defaults.",
        args=choice.arguments,
        config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone),
    )


def _idle(choice: ProfileChoice, settings: LaidOver, command: object) -> list[Idle]:
    """The settings that do not apply to what the command was asked for."""
    name = next((name for name, kind in SETTABLE.items() if isinstance(command, kind)), None)
    return [] if name is None else list(idle_settings(name, command, choice.settings_for(name, settings)))
