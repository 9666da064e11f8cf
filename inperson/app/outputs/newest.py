"""A thread that does something with the newest of what it is handed, and a hand-over that never waits."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class NewestOnly(Generic[T]):
    """One slot and a thread: what is put in replaces what was not taken yet.

    Args:
        work: called on the thread with the newest item.
        name: of the thread.
    """

    def __init__(self, work: Callable[[T], None], name: str) -> None:
        self._work = work
        self._changed = threading.Condition()
        self._slot: list[T] = []
        self._stop = False
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._running = self._executor.submit(self._run)
        self.done = 0
        """Items worked on."""
        self.replaced = 0
        """Items that a newer one replaced before their turn."""

    def put(self, item: T) -> None:
        """Hand an item over.

        Raises:
            Whatever `work` raised.
        """
        if self._running.done():
            self._running.result()
        with self._changed:
            self.replaced += len(self._slot)
            self._slot = [item]
            self._changed.notify()

    def close(self) -> None:
        """Finish the newest item and end the thread. Raises whatever `work` raised."""
        with self._changed:
            self._stop = True
            self._changed.notify()
        self._executor.shutdown(wait=True)
        self._running.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._slot or self._stop)
                if not self._slot:
                    return
                (item,), self._slot = self._slot, []
            self._work(item)
            self.done += 1
