"""`--profile NAME`, read before everything else: what it chooses decides what the other options' defaults are."""

from collections.abc import Sequence
from dataclasses import dataclass

from inperson.app.settings.layers import Setting, Settings

FLAG = "--profile"
KEY = "profile"


@dataclass(frozen=True, slots=True)
class ProfileChoice:
    """What a command line says of profiles."""

    arguments: list[str]
    """The command line without a profile before the command, which is for whatever command follows."""
    named: str | None
    """The profile named before or after the command."""

    def settings_for(self, command: str, settings: Settings) -> dict[tuple[str, str], Setting]:
        """What counts for a command: the file, and the profile named here, or else by the command's own section."""
        own = settings.base.get((command, KEY))
        if self.named is None:
            return settings.chosen(None if own is None else str(own.value))
        return settings.chosen(self.named) | {(command, KEY): Setting(self.named, 0)}


def choose_profile(argv: Sequence[str]) -> ProfileChoice:
    """Look through a command line; a flag without a value is left for the command to refuse."""
    arguments, named, command_seen = list(argv), None, False
    at = 0
    while at < len(arguments) and arguments[at] != "--":
        word = arguments[at]
        if word == FLAG and at + 1 < len(arguments):
            named, length = arguments[at + 1], 2
        elif word.startswith(f"{FLAG}="):
            named, length = word.partition("=")[2], 1
        else:
            command_seen |= not word.startswith("-")
            at += 1
            continue
        if command_seen:
            at += length
        else:
            del arguments[at : at + length]
    return ProfileChoice(arguments, named)
