"""Threads that share a kernel: every index once, errors come through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.workers import Workers


@given(threads=st.integers(1, 5), total=st.integers(0, 40))
def test_ranges_cover_every_index_once(threads: int, total: int) -> None:
    seen = np.zeros(total, np.int64)

    def kernel(start: int, stop: int, out: np.ndarray) -> None:
        out[start:stop] += 1

    workers = Workers(threads)
    workers.run_ranges(kernel, total, seen)
    workers.close()
    assert (seen == 1).all()


@pytest.mark.parametrize("where", [0, 1])
def test_an_error_on_any_thread_reaches_the_caller(where: int) -> None:
    def kernel(start: int, stop: int) -> None:
        if start == where:
            raise ValueError(f"in {start}..{stop}")

    workers = Workers(2)
    with pytest.raises(ValueError, match="in"):
        workers.run_ranges(kernel, 2)
    workers.close()
