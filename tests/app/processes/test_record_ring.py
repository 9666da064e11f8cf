"""The ring across real processes: every record once, whole and in order; what does not fit is counted."""

import multiprocessing
import time

import numpy as np
import pytest

from inperson.app.processes.record_ring import RecordRing

DTYPE = np.dtype([("number", np.int64), ("payload", np.int64, 500)])
LAST = 3000


def record_of(number: int) -> np.ndarray:
    record = np.zeros((), DTYPE)
    record["number"] = record["payload"] = number
    return record


def write_all(ring: RecordRing, first: int = 0) -> None:
    for number in range(first, LAST):
        while not ring.put(record_of(number)):
            time.sleep(0.0005)


@pytest.fixture
def context():
    return multiprocessing.get_context("spawn")


def drained(ring: RecordRing) -> list[int]:
    numbers = []
    while (record := ring.take()) is not None:
        assert (record["payload"] == record["number"]).all()
        numbers.append(int(record["number"]))
    return numbers


def test_records_come_out_in_the_order_they_went_in(context):
    ring = RecordRing(context, DTYPE, slots=4)
    assert ring.take() is None
    for turn in range(5):  # around its end
        for number in range(3):
            assert ring.put(record_of(10 * turn + number))
        assert drained(ring) == [10 * turn, 10 * turn + 1, 10 * turn + 2]
    assert ring.overflow == 0


def test_what_does_not_fit_is_counted_and_what_was_there_stays(context):
    ring = RecordRing(context, DTYPE, slots=4)
    assert [ring.put(record_of(number)) for number in range(7)] == [True] * 4 + [False] * 3
    assert ring.overflow == 3
    assert drained(ring) == [0, 1, 2, 3]
    ring.lose()
    assert ring.put(record_of(9))
    assert drained(ring) == [9]
    assert ring.overflow == 4


def test_a_taken_record_is_the_readers_own(context):
    ring = RecordRing(context, DTYPE, slots=2)
    ring.put(record_of(1))
    record = ring.take()
    for number in (2, 3):
        ring.put(record_of(number))
    assert int(record["number"]) == 1


def test_every_record_of_another_process_arrives_once(context):
    ring = RecordRing(context, DTYPE, slots=8)
    writer = context.Process(target=write_all, args=(ring,))
    writer.start()
    seen: list[int] = []
    while len(seen) < LAST:
        seen += drained(ring)
    writer.join()
    assert seen == list(range(LAST))
    assert ring.take() is None


def test_a_writer_killed_in_the_middle_leaves_only_whole_records_and_another_goes_on(context):
    ring = RecordRing(context, DTYPE, slots=16)
    writer = context.Process(target=write_all, args=(ring,))
    writer.start()
    seen: list[int] = []
    while len(seen) < LAST // 3:
        seen += drained(ring)
    writer.kill()
    writer.join()
    seen += drained(ring)
    ring._at(len(seen))["payload"][:100] = -1  # as far as it may have come with the next one
    another = context.Process(target=write_all, args=(ring, len(seen)))
    another.start()
    while len(seen) < LAST:
        seen += drained(ring)
    another.join()
    assert seen == list(range(LAST))
