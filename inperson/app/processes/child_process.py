"""A process of a session's own: started with a pipe and a log, never left behind, its end always explained.

It ends when its work does, when it is told to through the pipe, when it fails, or when the process that started it is
gone (the pipe then ends for it). Ctrl-C never reaches it: the process that started it decides what that means.
"""

import contextlib
import multiprocessing
import multiprocessing.context
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from inperson.errors import InPersonError
from inperson.paths import cache_dir

JOIN_PATIENCE_S = 5.0
ORPHAN_PATIENCE_S = 10.0
"""For a process whose parent is gone to end by itself: it may hang in a native library."""


@dataclass(frozen=True, slots=True)
class _Failed:
    kind: type[InPersonError]
    what: str
    mend: str


class ChildProcess:
    """Starts at once; `close` it.

    Args:
        name: what errors call it, one word.
        context: the multiprocessing context; `spawn`.
        work: runs in the process as `work(*args, connection)`; a module-level function. An `InPersonError` that
            leaves it is raised by `receive` on this side.
        args: what it is given.
    """

    def __init__(
        self,
        name: str,
        context: multiprocessing.context.SpawnContext,
        work: Callable[..., None],
        args: tuple[Any, ...],
    ) -> None:
        self._name = name
        self.connection, theirs = context.Pipe()
        descriptor, log = tempfile.mkstemp(prefix=f"{name}-", suffix=".log", dir=cache_dir())
        os.close(descriptor)
        self._log, self._log_wanted = Path(log), False
        self.process = context.Process(
            target=_run, args=(work, args, theirs, log), name=f"inperson-{name}", daemon=True
        )
        with _interrupts_ignored():  # what is ignored stays ignored in the new process, from its first moment
            self.process.start()
        theirs.close()

    def send(self, message: object) -> None:
        """Tell it something; one that has just ended by itself does not hear it."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(message)

    def has_news(self) -> bool:
        """Whether it said something or ended, so that `receive` returns at once."""
        return self.connection.poll() or not self.process.is_alive()

    def receive(self, patience_s: float) -> object | None:
        """The next message; None when none came in time.

        Raises:
            InPersonError: it failed, or it ended without a word.
        """
        try:
            message = self.connection.recv() if self.connection.poll(patience_s) else None
        except (EOFError, ConnectionResetError):
            self.process.join(JOIN_PATIENCE_S)
            raise self.crashed(_how_it_ended(self.process.exitcode)) from None
        if isinstance(message, _Failed):
            raise message.kind(message.what, message.mend)
        return message

    def crashed(self, how: str) -> InPersonError:
        """The error that says `how` it ended, with the last line of its log, which is kept."""
        self._log_wanted = True
        said = self._log.read_text(errors="replace").strip().splitlines()
        last = f": {said[-1].strip()}" if said else ""
        return InPersonError(
            f"{self._name} {how}{last}", f"start again; if it stays, report it with the log {self._log}"
        )

    def close(self, patience_s: float = JOIN_PATIENCE_S) -> None:
        """End it if it still runs, first by closing its pipe, then, `patience_s` later, by force."""
        self.connection.close()
        self.process.join(patience_s)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        if not self._log_wanted:
            self._log.unlink(missing_ok=True)


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _how_it_ended(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"was killed by {signal.Signals(-exitcode).name}"
    return "crashed"


def _run(work: Callable[..., None], args: tuple[Any, ...], connection: Connection, log: str) -> None:
    """What runs in the process. A bug's traceback goes to the log, like all that native libraries say."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the one that started this decides
    os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND), 2)
    threading.Thread(target=_end_with_parent, name="orphan-watch", daemon=True).start()
    try:
        work(*args, connection)
    except InPersonError as error:
        connection.send(_Failed(type(error), error.what, error.mend))
    except (EOFError, BrokenPipeError):
        return  # the process that started this one is gone


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    time.sleep(ORPHAN_PATIENCE_S)
    os._exit(1)
