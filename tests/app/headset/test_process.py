"""The headset process: figures and states come out, commands go in, and no way of ending takes the session along."""

import os
import signal
import time
from collections.abc import Callable

import numpy as np
import pytest

from inperson.app.headset import process
from inperson.app.headset.plan import HeadsetPlan
from inperson.app.headset.process import HeadsetProcess
from inperson.app.headset.status import Recentred
from inperson.app.motion.pipeline import TrackingPlan
from inperson.app.motion.tracking_process import TrackingProcess
from inperson.avatar.body import load_body
from inperson.avatar.state import Source
from inperson.errors import DeviceError, InPersonError
from tests.app import headset_doubles, tracking_doubles

PLAN = HeadsetPlan(avatar="ada")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("inperson.app.processes.child_process.cache_dir", lambda: tmp_path)
    monkeypatch.setattr(process, "RESTART_AFTER_S", 0.05)


def start(double, tracked=None) -> HeadsetProcess:
    body = load_body("neutral")
    return HeadsetProcess(PLAN, tracked, body.num_betas, body.num_expression, open_headset=double)


def poll_until(headset: HeadsetProcess, reached: Callable[[], object]) -> list[Recentred]:
    """Poll until something is so; how the play space moved meanwhile."""
    recentred: list[Recentred] = []
    deadline = time.monotonic() + 30
    while not reached():
        recentred += headset.poll()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return recentred + headset.poll()


def test_it_shows_until_it_is_told_to_stop(tmp_path):
    with start(headset_doubles.ScriptedHeadset) as headset:
        assert headset.status.state == "starting"
        assert headset.wait_ready().runtime == "Scripted 1.0"
        assert headset.newest_state() is None  # nothing runs before go
        headset.go(0)
        poll_until(headset, lambda: headset.newest_state() is not None)
        assert headset.newest_state().source == (Source.HEADSET,) * 5
        poll_until(headset, lambda: headset.status.state == "focused")
        assert headset.status.frames.stages["draw"].p99 == 5.0
        assert not headset.ended
        figures = headset.stop()
        assert headset.stop() == figures
    assert figures.frames.frames > 0
    assert figures.restarts == 0
    assert headset._child.process.exitcode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_state_is_not_fresh_for_long():
    with start(headset_doubles.ScriptedHeadset) as headset:
        headset.wait_ready()
        headset.go(0)
        poll_until(headset, lambda: headset.newest_state() is not None)
        headset.stop()
        poll_until(headset, lambda: headset.newest_state() is None)


def test_commands_arrive_and_recentring_is_answered():
    with start(headset_doubles.ScriptedHeadset) as headset:
        headset.wait_ready()
        headset.go(0)
        headset.recenter()
        headset.show_avatar("bea")

        def told():
            state = headset.newest_state()
            return state is not None and state.transl.tolist() == [1.0, 1.0, 1.0]

        (recentred,) = poll_until(headset, told)
        assert np.array_equal(recentred.T_new_from_old, headset_doubles.T_NEW_FROM_OLD)
        assert 0 < recentred.time_ns <= time.monotonic_ns()
        assert not headset.poll()  # told once


def test_when_the_wearer_leaves_it_has_ended():
    with start(headset_doubles.LeavingHeadset) as headset:
        headset.wait_ready()
        headset.go(0)
        poll_until(headset, lambda: headset.ended)
        assert headset.stop().frames.frames == 20
        assert headset.status.state == "ended"


def test_no_runtime_is_the_users_error():
    with start(headset_doubles.no_runtime) as headset, pytest.raises(DeviceError, match="no OpenXR runtime") as error:
        headset.wait_ready()
    assert error.value.exit_code == 3


def test_a_crashed_runtime_is_told_and_started_again(tmp_path):
    with start(headset_doubles.CrashingHeadset) as headset:
        headset.wait_ready()
        headset.go(0)
        poll_until(headset, lambda: headset.status.state == "starting again")
        assert "killed by SIGSEGV: libopenxr: double free" in headset.status.notice
        poll_until(headset, lambda: headset.status.state == "focused")
        figures = headset.stop()
    assert figures.restarts == 1
    (log,) = tmp_path.iterdir()
    assert "double free" in log.read_text()


def test_a_fault_that_stays_is_an_error_in_the_end():
    with start(headset_doubles.HopelessHeadset) as headset:
        headset.wait_ready()
        headset.go(0)
        with pytest.raises(InPersonError, match="headset crashed: ZeroDivisionError: a bug in the frame loop"):
            poll_until(headset, lambda: False)
        assert headset.stop() is None


def test_a_killed_process_comes_back():
    with start(headset_doubles.ScriptedHeadset) as headset:
        headset.wait_ready()
        headset.go(0)
        poll_until(headset, lambda: headset.status.state == "focused")
        os.kill(headset._child.process.pid, signal.SIGKILL)
        poll_until(headset, lambda: headset.status.state == "starting again")
        poll_until(headset, lambda: headset.status.state == "focused")


def test_a_teardown_that_hangs_is_cut_off(monkeypatch):
    monkeypatch.setattr(process, "STOP_PATIENCE_S", 0.2)
    monkeypatch.setattr("inperson.app.processes.child_process.JOIN_PATIENCE_S", 0.2)
    with start(headset_doubles.StuckHeadset) as headset:
        headset.wait_ready()
        headset.go(0)
        with pytest.raises(InPersonError, match="did not stop when told to"):
            headset.stop()
    assert headset._child.process.exitcode == -signal.SIGKILL


def test_leaving_ends_the_process_even_before_go():
    with start(headset_doubles.ScriptedHeadset) as headset:
        headset.wait_ready()
        assert headset.stop() is None
    assert headset._child.process.exitcode == 0


def test_ctrl_c_in_the_terminal_leaves_the_end_to_the_session():
    with start(headset_doubles.ScriptedHeadset) as headset:
        headset.wait_ready()
        headset.go(0)
        os.kill(headset._child.process.pid, signal.SIGINT)
        assert headset.stop().frames.frames >= 0


def test_it_reads_the_tracking_mailbox_beside_the_session():
    body = load_body("neutral")
    dimensions = body.num_betas, body.num_expression
    plan = TrackingPlan(source="test", body="neutral", niceness=5)
    with TrackingProcess(plan, *dimensions, tracking_doubles.EndlessPipeline) as tracking:
        tracking.wait_ready()
        with start(headset_doubles.MailboxHeadset, tracking.mailbox) as headset:
            headset.wait_ready()
            tracking.go()
            headset.go(0)
            poll_until(headset, lambda: headset.ended)
            assert headset.stop().frames.frames == 10
            assert os.getpriority(os.PRIO_PROCESS, tracking._child.process.pid) == os.getpriority(0, 0) + 5
            assert tracking.newest() is not None


def test_a_runtime_that_does_not_return_is_told(monkeypatch):
    monkeypatch.setattr(process, "SILENCE_S", 0.3)
    with start(headset_doubles.ScriptedHeadset) as headset:
        headset.wait_ready()
        headset.go(0)
        poll_until(headset, lambda: headset.status.state == "focused")
        os.kill(headset._child.process.pid, signal.SIGSTOP)
        poll_until(headset, lambda: headset.status.notice == "the runtime does not answer")
        os.kill(headset._child.process.pid, signal.SIGCONT)
        poll_until(headset, lambda: headset.status.state == "focused")
