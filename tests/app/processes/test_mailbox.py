"""The mailbox across real processes: the newest record, never a torn one, never an old one."""

import multiprocessing

import numpy as np
import pytest

from inperson.app.processes.mailbox import Mailbox

DTYPE = np.dtype([("number", np.int64), ("payload", np.int64, 20_000)])
LAST = 400


def write_all(mailbox: Mailbox) -> None:
    record = np.zeros((), DTYPE)
    for number in range(1, LAST + 1):
        record["number"] = number
        record["payload"] = number
        mailbox.put(record)


@pytest.fixture
def context():
    return multiprocessing.get_context("spawn")


def test_an_empty_mailbox_gives_nothing(context):
    assert Mailbox(context, DTYPE).take() is None


def test_the_newest_replaces_the_older(context):
    mailbox = Mailbox(context, DTYPE)
    write_all(mailbox)
    count, record = mailbox.take()
    assert (count, int(record["number"])) == (LAST, LAST)
    assert mailbox.take(after=count) is None


def test_a_taken_record_is_the_readers_own(context):
    mailbox = Mailbox(context, DTYPE)
    write_all(mailbox)
    _, record = mailbox.take()
    record["number"] = -1
    assert int(mailbox.take()[1]["number"]) == LAST


def test_records_from_another_process_are_whole_and_in_order(context):
    mailbox = Mailbox(context, DTYPE)
    writer = context.Process(target=write_all, args=(mailbox,))
    writer.start()
    seen, count = [], 0
    while count < LAST:
        taken = mailbox.take(after=count)
        if taken is not None:
            count, record = taken
            assert (record["payload"] == record["number"]).all()
            assert int(record["number"]) == count
            seen.append(count)
    writer.join()
    assert seen == sorted(set(seen))
    assert seen[-1] == LAST


def test_two_readers_take_the_same_records(context):
    mailbox = Mailbox(context, DTYPE)
    write_all(mailbox)
    assert mailbox.take()[1] == mailbox.take()[1]


def test_a_writer_killed_in_the_middle_leaves_the_last_whole_record(context):
    mailbox = Mailbox(context, DTYPE)
    write_all(mailbox)
    mailbox._slot(LAST + 1)["payload"][:100] = -1  # as far as it came with the next one
    count, record = mailbox.take()
    assert (count, int(record["number"])) == (LAST, LAST)
    assert (record["payload"] == LAST).all()


def test_a_reader_that_was_overtaken_takes_the_newest(context, monkeypatch):
    """While it copies, the writer comes around to its slot."""
    mailbox = Mailbox(context, DTYPE)
    record = np.zeros((), DTYPE)
    for number in (1, 2, 3):
        record["number"] = record["payload"] = number
        mailbox.put(record)
    slot, overtaken = mailbox._slot, []

    def slow_slot(count):
        if not overtaken:
            overtaken.append(count)
            for number in (4, 5):
                record["number"] = record["payload"] = number
                mailbox.put(record)
            slot(6)["payload"][:100] = -1  # and is in the middle of the sixth, where the third was
        return slot(count)

    monkeypatch.setattr(mailbox, "_slot", slow_slot)
    count, taken = mailbox.take()
    assert overtaken == [3]
    assert (count, int(taken["number"])) == (5, 5)
    assert (taken["payload"] == 5).all()
