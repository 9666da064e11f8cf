"""Options that do not apply to the view that a command was asked for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from inperson.errors import BadInputError

HEADSET_VIEWS = ("headset", "headset+mirror")


@dataclass(frozen=True, slots=True)
class Unfit:
    """One option. Refused on a command line; one that stands in the settings file is for other sessions."""

    path: tuple[str, ...]
    """Names of fields, from the command's dataclass down."""
    what: str
    mend: str
    """For the command line."""


def headset_only(scene: str | None, *, passthrough: bool) -> Iterator[Unfit]:
    """What of a headset's options is given where there is none."""
    mend = "add --view headset or --view headset+mirror"
    if scene is not None:
        yield Unfit(("scene",), f"--scene {scene} is for a headset", mend)
    if passthrough:
        yield Unfit(("passthrough",), "--passthrough is for a headset", mend)


def refuse(unfit: Iterable[Unfit]) -> None:
    """Raise a `BadInputError` about the first, if there is one."""
    for option in unfit:
        raise BadInputError(option.what, option.mend)
