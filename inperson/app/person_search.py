"""Finding the person of a photo and cutting them out in a process of its own, while this one loads torch and more.

Loading MediaPipe and searching take about as long as loading torch and the body: on two cores they run side by side.
"""

import multiprocessing
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self, cast

from inperson.app.child_process import ChildProcess
from inperson.errors import InPersonError
from inperson.reconstruct.stages import Matte, Photo
from inperson.tracking.observation import Observation

PATIENCE_S = 300.0
"""Model files may have to be fetched first."""


class PersonSearch:
    """`find_person` and `Matter`, begun when this is made; a context manager. Ask it once, in this order.

    Args:
        photo: where to look.
        number: which of several people.
    """

    def __init__(self, photo: Photo, number: int | None) -> None:
        self._child = ChildProcess("search", multiprocessing.get_context("spawn"), _search, (photo, number))

    def found(self) -> Observation:
        """Wait for the person.

        Raises:
            InPersonError: as `find_person`, or the process crashed.
        """
        return cast(Observation, self._next())

    def cut_out(self) -> Matte:
        """Wait for the cut-out of that person.

        Raises:
            InPersonError: as `Matter`, or the process crashed.
        """
        return cast(Matte, self._next())

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
        self._child.close()


def _search(photo: Photo, number: int | None, connection: Connection) -> None:
    from inperson.reconstruct.photo.matte import Matter
    from inperson.reconstruct.photo.person import find_person

    observation = find_person(photo, number)
    connection.send(observation)
    connection.send(Matter().cut_out(photo.image, observation))
