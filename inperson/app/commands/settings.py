"""`inperson settings`: where the settings are, what counts, a file to begin with, mistakes."""

from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console


@dataclass(frozen=True)
class PathOf:
    """Print where the settings file is, or would be."""

    def run(self, console: Console) -> None:
        """Print the path."""
        from inperson.app.settings.document import settings_path

        console.print(str(settings_path()), soft_wrap=True, highlight=False, markup=False)


@dataclass(frozen=True)
class Show:
    """Print every option's value and where it comes from: the default, a line of the file, a profile."""

    profile: str | None = None
    """With this profile laid over."""

    def run(self, console: Console) -> None:
        """Print as TOML, where each value comes from behind it."""
        from inperson.app.settings.document import read_document, settings_path
        from inperson.app.settings.known import known_sections
        from inperson.app.settings.layers import Settings, read_settings
        from inperson.app.settings.showing import shown_lines

        document, sections = read_document(settings_path()), known_sections()
        settings = Settings() if document is None else read_settings(document, sections)
        for line in shown_lines(sections, settings.chosen(self.profile)):
            console.print(line, soft_wrap=True, highlight=False, markup=False)


@dataclass(frozen=True)
class Init:
    """Write a settings file with every option in it, commented out. One that is there is completed: its own lines and
    comments stay."""

    def run(self, console: Console) -> None:
        """Write it whole or not at all."""
        from inperson.app.settings.document import read_document, settings_path
        from inperson.app.settings.known import known_sections
        from inperson.app.settings.template import completed
        from inperson.app.writers import write_text

        path = settings_path()
        document = read_document(path)
        text = "" if document is None else document.text
        whole = completed(text, known_sections())
        if whole != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, whole)
        done = "has everything already" if whole == text else "completed" if text else "written"
        console.print(f"{path}: {done}", soft_wrap=True, highlight=False, markup=False)


@dataclass(frozen=True)
class Check:
    """Find mistakes in the settings file. One ends with exit code 2, and its line."""

    def run(self, console: Console) -> None:
        """Read and check everything, profiles included."""
        from inperson.app.settings.document import read_document, settings_path
        from inperson.app.settings.known import known_sections
        from inperson.app.settings.layers import read_settings

        path = settings_path()
        document = read_document(path)
        if document is None:
            said = "there is none, so all is default (`inperson settings init` writes one)"
        else:
            settings = read_settings(document, known_sections())
            profiles = f", profiles {', '.join(settings.profiles)}" if settings.profiles else ""
            said = f"{len(settings.base)} options set{profiles}"
        console.print(f"{path}: {said}", soft_wrap=True, highlight=False, markup=False)


@dataclass(frozen=True)
class Settings:
    """The settings file: defaults of every option, and profiles."""

    action: (
        Annotated[PathOf, tyro.conf.subcommand("path")]
        | Annotated[Show, tyro.conf.subcommand("show")]
        | Annotated[Init, tyro.conf.subcommand("init")]
        | Annotated[Check, tyro.conf.subcommand("check")]
    )

    def run(self, console: Console) -> None:
        """Run the chosen action."""
        self.action.run(console)
