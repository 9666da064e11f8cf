"""Where an evaluation's numbers go: `--json` prints them, `--json FILE` writes them, and tables show them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from inperson.errors import BadInputError

JsonPlace = tuple[Path, ...] | None
"""None for tables alone; empty for JSON alone; a file gets the JSON and the screen the tables."""


def check_place(place: JsonPlace) -> None:
    """Before anything is evaluated.

    Raises:
        BadInputError: several files.
    """
    if place is not None and len(place) > 1:
        raise BadInputError(f"--json names {len(place)} files", "name one, or none to print it")


def progress_console(console: Console, place: JsonPlace) -> Console:
    """Where progress is shown: not among JSON."""
    return Console(stderr=True) if place == () else console


def write_result(console: Console, place: JsonPlace, whole: dict[str, Any], tables: Iterable[Table]) -> None:
    """Show and write what was measured.

    Raises:
        OutputError: the file cannot be written.
    """
    from inperson.avatar.atomic_file import write_atomically

    if place == ():
        console.print(json.dumps(whole), soft_wrap=True, highlight=False, markup=False)
        return
    if place:
        write_atomically(place[0], (json.dumps(whole, indent=1) + "\n").encode())
    for table in tables:
        console.print(table)
