"""Every record between processes, in order: a ring drained by one reader. Never waits; counts what did not fit."""

import multiprocessing.context

import numpy as np

from inperson.app.processes.mailbox import fence


class RecordRing:
    """Records in shared memory, one writer and one reader. Passes to a spawned process as an argument.

    Beside the mailbox, which keeps only the newest: what has to be complete goes through here. Nobody waits for
    anybody, and nobody can leave a lock behind by being killed: the writer fills the next free slot and only then
    counts it, the reader copies and only then frees it. Another writer goes on where one was killed.

    Args:
        context: the multiprocessing context the processes come from.
        dtype: a structured dtype; `put` and `take` move one such record.
        slots: records that the reader may be late by.
    """

    def __init__(self, context: multiprocessing.context.BaseContext, dtype: np.dtype, slots: int) -> None:
        self.dtype, self._slots = dtype, slots
        self._bytes = context.RawArray("b", slots * dtype.itemsize)
        self._put = context.RawValue("q", 0)
        self._taken = context.RawValue("q", 0)
        self._overflow = context.RawValue("q", 0)

    @property
    def overflow(self) -> int:
        """Records that found no free slot, since the start."""
        return int(self._overflow.value)

    def put(self, record: np.ndarray) -> bool:
        """Append a record (shape (), this ring's dtype). False: there was no room, and it is counted as lost."""
        put = int(self._put.value)
        if put - int(self._taken.value) >= self._slots:
            self.lose()
            return False
        fence()
        self._at(put)[...] = record
        fence()
        self._put.value = put + 1
        return True

    def lose(self) -> None:
        """Count a record as lost that the writer has to give up before it is one."""
        self._overflow.value += 1

    def take(self) -> np.ndarray | None:
        """A copy of the oldest record that was not taken yet; None when all were."""
        taken = int(self._taken.value)
        if taken == int(self._put.value):
            return None
        fence()
        record = self._at(taken).copy()
        fence()
        self._taken.value = taken + 1
        return record

    def _at(self, count: int) -> np.ndarray:
        records = np.frombuffer(self._bytes, self.dtype, count=self._slots)
        return records[count % self._slots : count % self._slots + 1].reshape(())
