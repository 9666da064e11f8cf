"""Batches made by threads while the network works on earlier ones."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from types import TracebackType
from typing import Generic, TypeVar

Raw = TypeVar("Raw")
Made = TypeVar("Made")


class Prefetched(Generic[Raw, Made]):
    """`map(make, source)`, in order, a few items ahead. A context manager.

    Args:
        make: makes one item; threads call it side by side.
        source: what from; read by the caller's thread alone, as far ahead as there are threads.
        workers: threads; 0 makes each item when it is asked for.
    """

    def __init__(self, make: Callable[[Raw], Made], source: Iterator[Raw], workers: int) -> None:
        self._make, self._source, self._workers = make, source, workers
        self._pool = ThreadPoolExecutor(workers) if workers else None
        self._waiting: deque[Future[Made]] = deque()

    def __enter__(self) -> "Prefetched[Raw, Made]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[Made]:
        return self

    def __next__(self) -> Made:
        if self._pool is None:
            return self._make(next(self._source))
        for raw in islice(self._source, self._workers + 1 - len(self._waiting)):
            self._waiting.append(self._pool.submit(self._make, raw))
        if not self._waiting:
            raise StopIteration
        return self._waiting.popleft().result()
