"""Finding the person of a photo and cutting them out in a process of its own, while this one loads torch and more.

Loading MediaPipe and searching take about as long as loading torch and the body: on two cores they run side by side.
This module loads nothing heavy, so that the other process begins first of all.
"""

import multiprocessing
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from inperson.app.processes.child_process import ChildProcess
from inperson.errors import InPersonError

if TYPE_CHECKING:
    from inperson.reconstruct.stages import Matte, Photo
    from inperson.tracking.observation import Observation

PATIENCE_S = 300.0
"""Model files may have to be fetched first."""


class PersonSearch:
    """`find_person` and `Matter`; a context manager. It loads what they need from when it is made.

    Give it a photo (`begin`), then ask it once each, in this order: `found`, `cut_out`.
    """

    def __init__(self) -> None:
        self._child = ChildProcess("search", multiprocessing.get_context("spawn"), _search, ())

    def begin(self, photo: "Photo", number: int | None) -> None:
        """Look in this photo.

        Args:
            photo: where to look.
            number: which of several people.
        """
        self._child.send((photo, number))

    def found(self) -> "Observation":
        """Wait for the person.

        Raises:
            InPersonError: as `find_person`, or the process crashed.
        """
        return cast("Observation", self._next())

    def cut_out(self) -> "Matte":
        """Wait for the cut-out of that person.

        Raises:
            InPersonError: as `Matter`, or the process crashed.
        """
        return cast("Matte", self._next())

    def _next(self) -> object:
        answer = self._child.receive(PATIENCE_S)
        if answer is None:
            raise InPersonError(f"nothing was found in {PATIENCE_S:.0f} s", "look what else this computer is doing")
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.close(patience_s=0.0)  # it has nothing to put away


def _search(connection: Connection) -> None:
    from inperson.reconstruct.photo.matte import Matter
    from inperson.reconstruct.photo.person import find_person

    photo, number = connection.recv()
    observation = find_person(photo, number)
    connection.send(observation)
    connection.send(Matter().cut_out(photo.image, observation))
