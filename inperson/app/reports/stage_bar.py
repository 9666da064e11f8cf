"""The progress bar of long work: what it does now, how far it is, for how long."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn


class StageBar:
    """One bar; a context manager. What it says is plain text: files may be called anything.

    Args:
        console: where to.
        text: said at the start.
        total: how much there is to do, in any unit.
    """

    def __init__(self, console: Console, text: str, total: float) -> None:
        says = TextColumn("{task.description}", markup=False)
        self._progress = Progress(says, BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=console)
        self._task = self._progress.add_task(text, total=total)

    def show(self, completed: float, text: str) -> None:
        """So much is done, and this is done now."""
        self._progress.update(self._task, completed=completed, description=text)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._progress.stop()
