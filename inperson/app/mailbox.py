"""One slot between two processes: the writer replaces what is there, the reader takes the newest. Never a queue."""

import multiprocessing.context

import numpy as np

LOCK_PATIENCE_S = 1.0


class Mailbox:
    """A record in shared memory, one writer and one reader. Passes to a spawned process as an argument.

    Args:
        context: the multiprocessing context the processes come from.
        dtype: a structured dtype; `put` and `take` move one such record.
    """

    def __init__(self, context: multiprocessing.context.BaseContext, dtype: np.dtype) -> None:
        self._dtype = dtype
        self._bytes = context.RawArray("b", dtype.itemsize)
        self._count = context.RawValue("q", 0)
        self._lock = context.Lock()

    @property
    def count(self) -> int:
        """How many records were put so far."""
        return int(self._count.value)

    def put(self, record: np.ndarray) -> None:
        """Replace the record (shape (), this mailbox's dtype)."""
        self._acquire()
        try:
            self._slot()[...] = record
            self._count.value += 1
        finally:
            self._lock.release()

    def take(self, after: int = 0) -> tuple[int, np.ndarray] | None:
        """A copy of the newest record with its count, or None when no more than `after` were put."""
        if self.count <= after:
            return None
        self._acquire()
        try:
            return self.count, self._slot().copy()
        finally:
            self._lock.release()

    def _slot(self) -> np.ndarray:
        return np.frombuffer(self._bytes, self._dtype).reshape(())

    def _acquire(self) -> None:
        # Copies take microseconds: whoever holds the lock this long was killed in the middle of one.
        if not self._lock.acquire(timeout=LOCK_PATIENCE_S):
            raise TimeoutError("the process on the other side of the mailbox was killed")
