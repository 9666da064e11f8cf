"""What the tests of `inperson avatar create` share: a photo and its avatar, the command, its errors."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from inperson.app import cli
from inperson.reconstruct.create import Created
from inperson.reconstruct.photo.matte import Matter
from inperson.reconstruct.photo.person import find_person
from inperson.reconstruct.stages import Matte, Photo
from inperson.tracking.observation import Observation


@dataclass(frozen=True)
class Studio:
    """A photo, weights, and what came of them once."""

    photo: Path
    network: Path
    created: Created


class SearchHere:
    """`PersonSearch` without a process, when it is asked."""

    def begin(self, photo: Photo, number: int | None) -> None:
        self._asked = photo, number

    def found(self) -> Observation:
        return find_person(*self._asked)

    def cut_out(self) -> Matte:
        return Matter().cut_out(self._asked[0].image, self.found())

    def __enter__(self) -> "SearchHere":
        return self

    def __exit__(self, *error: object) -> None:
        """There is no process to end."""


def run(*arguments: object) -> int:
    return cli.main(["avatar", "create", *map(str, arguments)])


def one_error(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr."""
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    return err
