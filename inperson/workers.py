"""A few threads that run one kernel together."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np


def available_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Runs kernels on `count` threads, the calling one among them.

    Plain threads rather than numba's own parallel loops: kernels release Python's lock, several instances can
    run at the same time, and nothing spins while it waits.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._others = ThreadPoolExecutor(count - 1, thread_name_prefix="worker") if count > 1 else None

    def run(self, kernel: Callable[..., None], *args: Any) -> None:
        """`kernel(counter, thread, *args)` on every thread; they take their jobs from the counter."""
        counter = np.zeros(1, np.int64)
        if self._others is None:
            kernel(counter, 0, *args)
            return
        running = [self._others.submit(kernel, counter, thread, *args) for thread in range(1, self.count)]
        kernel(counter, 0, *args)
        for future in running:
            if not future.cancel():  # one that the system let wait until all jobs were taken is not waited for
                future.result()

    def run_ranges(self, kernel: Callable[..., None], total: int, *args: Any) -> None:
        """`kernel(start, stop, *args)` on every thread, each with its own even share of `range(total)`."""
        edges = [total * k // self.count for k in range(self.count + 1)]
        shares = list(pairwise(edges))
        others = self._others
        running = [] if others is None else [others.submit(kernel, *share, *args) for share in shares[1:]]
        kernel(*shares[0], *args)
        for future in running:
            future.result()

    def close(self) -> None:
        """End the threads."""
        if self._others is not None:
            self._others.shutdown()
