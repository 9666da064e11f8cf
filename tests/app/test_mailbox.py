"""The mailbox across real processes: the newest record, never a torn one, never an old one."""

import multiprocessing

import numpy as np
import pytest

from inperson.app.mailbox import Mailbox

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


def test_a_writer_killed_in_the_middle_is_noticed(context, monkeypatch):
    monkeypatch.setattr("inperson.app.mailbox.LOCK_PATIENCE_S", 0.01)
    mailbox = Mailbox(context, DTYPE)
    write_all(mailbox)
    mailbox._lock.acquire()
    with pytest.raises(TimeoutError, match="killed"):
        mailbox.take()
