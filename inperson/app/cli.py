"""The `inperson` command: parses the options, runs one command, turns every user's error into one line."""

import sys
from collections.abc import Sequence
from typing import Annotated

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
from inperson.app.commands.track import Track
from inperson.errors import InPersonError

Command = (
    Annotated[Live, tyro.conf.subcommand("live")]
    | Annotated[Calibrate, tyro.conf.subcommand("calibrate")]
    | Annotated[Track, tyro.conf.subcommand("track")]
    | Annotated[Render, tyro.conf.subcommand("render")]
    | Annotated[Avatar, tyro.conf.subcommand("avatar")]
    | Annotated[Replay, tyro.conf.subcommand("replay")]
    | Annotated[Export, tyro.conf.subcommand("export")]
    | Annotated[Session, tyro.conf.subcommand("session")]
    | Annotated[Models, tyro.conf.subcommand("models")]
    | Annotated[Devices, tyro.conf.subcommand("devices")]
    | Annotated[Doctor, tyro.conf.subcommand("doctor")]
    | Annotated[Bench, tyro.conf.subcommand("bench")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
)

EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit status.

    `InPersonError` ends as `error: what: mend` on stderr with its own exit code. Anything else is a bug in
    InPerson and keeps its traceback.
    """
    command = tyro.cli(
        Command,
        prog="inperson",
        description="A camera in, your avatar in the mirror or in a headset.",
        args=argv,
        config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone),
    )
    try:
        command.run(Console())
    except InPersonError as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return EXIT_INTERRUPTED
    return 0
