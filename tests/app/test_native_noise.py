"""Native chatter is held back, and let out when a bug ends the block."""

import os

import pytest

from inperson.app.native_noise import native_stderr_kept
from inperson.errors import DeviceError


def chatter() -> None:
    os.write(2, b"INFO: created a delegate\n")


def test_chatter_is_held_back_and_the_terminal_comes_back(capfd):
    with native_stderr_kept():
        chatter()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_a_users_error_stays_one_line(capfd):
    with pytest.raises(DeviceError), native_stderr_kept():  # noqa: PT012
        chatter()
        raise DeviceError("camera", "plug it in")
    assert capfd.readouterr().err == ""


def test_a_bug_lets_it_out(capfd):
    with pytest.raises(ZeroDivisionError), native_stderr_kept():  # noqa: PT012
        chatter()
        raise ZeroDivisionError
    assert capfd.readouterr().err == "INFO: created a delegate\n"


def test_descriptors_are_given_back(capfd):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with native_stderr_kept():
            chatter()
    assert len(os.listdir("/proc/self/fd")) == before
