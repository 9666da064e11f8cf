"""Prefetching keeps the order, stays only a little ahead and hands errors on."""

import threading

import pytest

from inperson.reconstruct.training.prefetch import Prefetched


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_everything_comes_in_order(workers: int) -> None:
    with Prefetched(lambda n: n * n, iter(range(20)), workers) as squares:
        assert list(squares) == [n * n for n in range(20)]


def test_reads_no_further_ahead_than_there_are_workers() -> None:
    read: list[int] = []

    def source():
        for n in range(100):
            read.append(n)
            yield n

    with Prefetched(lambda n: n, source(), 2) as items:
        for wanted in range(5):
            assert next(items) == wanted
            assert len(read) <= wanted + 3


def test_items_are_made_side_by_side() -> None:
    """Each of two items waits for the other: one thread alone would never finish."""
    both = threading.Barrier(2, timeout=20)

    def make(n: int) -> int:
        both.wait()
        return n

    with Prefetched(make, iter(range(4)), 2) as items:
        assert [next(items) for _ in range(2)] == [0, 1]


def test_errors_reach_the_reader() -> None:
    with Prefetched(lambda n: 1 // n, iter([1, 0]), 1) as items:
        assert next(items) == 1
        with pytest.raises(ZeroDivisionError):
            next(items)
