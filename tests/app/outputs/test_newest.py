"""The hand-over that never waits: the newest item only, faults not hidden."""

import threading

import pytest

from inperson.app.outputs.newest import NewestOnly


def test_only_the_newest_is_worked_on_and_nobody_waits() -> None:
    done: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def work(item: int) -> None:
        begun.set()
        go_on.wait(20)
        done.append(item)

    thread = NewestOnly(work, "test")
    thread.put(0)
    assert begun.wait(20)
    for item in range(1, 100):  # the thread is busy all the while
        thread.put(item)
    go_on.set()
    thread.close()
    assert done == [0, 99]
    assert (thread.done, thread.replaced) == (2, 98)


def test_closing_works_on_what_is_left() -> None:
    done: list[str] = []
    with NewestOnly(done.append, "test") as thread:
        thread.put("last")
    assert done == ["last"]


def test_a_fault_comes_back_to_who_puts() -> None:
    def work(item: int) -> None:
        raise ZeroDivisionError

    thread = NewestOnly(work, "test")
    thread.put(1)
    with pytest.raises(ZeroDivisionError):
        thread.close()
    with pytest.raises(ZeroDivisionError):
        thread.put(2)
