"""The newest record between processes: the writer replaces what is there, readers take the newest. Never a queue."""

import multiprocessing.context
import threading

import numpy as np

SLOTS = 3


class Mailbox:
    """A record in shared memory, one writer and any number of readers. Passes to a spawned process as an argument.

    Nobody waits for anybody, and nobody can leave a lock behind by being killed: the writer fills the slot whose
    record is oldest and only then counts it as the newest. A reader that was overtaken while it copied tries again.

    Args:
        context: the multiprocessing context the processes come from.
        dtype: a structured dtype; `put` and `take` move one such record.
    """

    def __init__(self, context: multiprocessing.context.BaseContext, dtype: np.dtype) -> None:
        self._dtype = dtype
        self._bytes = context.RawArray("b", SLOTS * dtype.itemsize)
        self._count = context.RawValue("q", 0)

    @property
    def count(self) -> int:
        """How many records were put so far."""
        return int(self._count.value)

    def put(self, record: np.ndarray) -> None:
        """Make a record (shape (), this mailbox's dtype) the newest."""
        count = self.count + 1
        self._slot(count)[...] = record
        fence()
        self._count.value = count

    def take(self, after: int = 0) -> tuple[int, np.ndarray] | None:
        """A copy of the newest record with its count, or None when no more than `after` were put."""
        while (count := self.count) > after:
            fence()
            record = self._slot(count).copy()
            fence()
            if self.count - count < SLOTS - 1:  # from then on the writer may be in this slot
                return count, record
        return None

    def _slot(self, count: int) -> np.ndarray:
        return np.frombuffer(self._bytes, self._dtype, count=SLOTS)[count % SLOTS : count % SLOTS + 1].reshape(())


def fence() -> None:
    """Keep what is written or read before apart from what comes after, on processors that would mix them."""
    with threading.Lock():
        pass
