"""A process whose teardown hangs ends all the same, with its own exit code and with what it has printed."""

import subprocess
import sys

import pytest

from inperson.render.exit_watchdog import ExitWatchdog

PROGRAM = """
import ctypes, sys, time
from inperson.render.exit_watchdog import ExitWatchdog

watchdog = ExitWatchdog(seconds=0.3)
print("done")
watchdog.arm(7)
{teardown}
"""
HANGS_IN_C = "ctypes.CDLL(None).sleep(600)"
HANGS_IN_PYTHON = "while True: pass"
HANGS_IN_THREAD_AT_EXIT = "import threading; threading.Thread(target=time.sleep, args=(600,)).start()"
RETURNS = "watchdog.disarm(); time.sleep(0.6); sys.exit(3)"


def run(teardown: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(teardown=teardown)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("teardown", [HANGS_IN_C, HANGS_IN_PYTHON, HANGS_IN_THREAD_AT_EXIT])
def test_a_hanging_teardown_is_ended_with_the_code_already_decided(teardown):
    ended = run(teardown)
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "done\n", "")


def test_a_teardown_that_returns_is_left_alone():
    ended = run(RETURNS)
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "done\n", "")


def test_an_exit_code_is_decided_once():
    watchdog = ExitWatchdog(seconds=60.0, end=lambda code: None)
    watchdog.arm(0)
    with pytest.raises(RuntimeError):
        watchdog.arm(1)
    watchdog.disarm()
