"""The tracking process: newest states come out, and every way of ending is told in one line."""

import os
import signal
import time

import numpy as np
import pytest

from inperson.app.motion.pipeline import TrackingPlan
from inperson.app.motion.tracking_process import TrackingProcess
from inperson.avatar.body import load_body
from inperson.errors import DeviceError, InPersonError, MissingModelError
from tests.app import tracking_doubles as doubles

PLAN = TrackingPlan(source="test", body="neutral")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("inperson.app.processes.child_process.cache_dir", lambda: tmp_path)


def start(pipeline) -> TrackingProcess:
    body = load_body(PLAN.body)
    return TrackingProcess(PLAN, body.num_betas, body.num_expression, open_tracking=pipeline)


def run_to_the_end(tracking: TrackingProcess) -> list:
    """Go, and collect every state that was seen until the end."""
    seen = []
    tracking.go()
    deadline = time.monotonic() + 20
    ended = False
    while not ended and time.monotonic() < deadline:
        ended = tracking.ended()
        tracked = tracking.newest()
        if tracked is not None:
            seen.append(tracked)
        time.sleep(0.001)
    return seen


def test_a_clip_is_tracked_to_its_end(tmp_path):
    with start(doubles.ScriptedPipeline) as tracking:
        ready = tracking.wait_ready()
        assert (ready.source, ready.clip_seconds) == ("a script of test", 0.12)
        assert tracking.newest() is None  # nothing runs before go
        seen = run_to_the_end(tracking)
        summary = tracking.stop()
    numbers = [float(t.state.transl[0]) for t in seen]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == doubles.FRAME_COUNT
    last = seen[-1]
    assert last.preview.shape == (48, 64, 3)
    assert (last.preview == doubles.FRAME_COUNT).all()
    np.testing.assert_allclose(last.marks["body"], np.full((33, 2), (24 / 64, 0.5)))
    assert summary.rate.count == summary.seen == doubles.FRAME_COUNT
    assert summary.dropped == last.dropped == doubles.FRAME_COUNT // 3
    assert summary.stages.keys() == {"capture", "landmarks", "fit"}
    assert all(row["count"] == doubles.FRAME_COUNT for row in summary.stages.values())
    assert list(tmp_path.iterdir()) == []


def test_an_endless_source_stops_when_told_to():
    with start(doubles.EndlessPipeline) as tracking:
        tracking.wait_ready()
        tracking.go()
        while tracking.newest() is None:
            assert not tracking.ended()
        summary = tracking.stop()
    assert summary.rate.count >= 1
    assert not tracking._child.process.is_alive()


def test_leaving_ends_the_process_even_before_go():
    with start(doubles.EndlessPipeline) as tracking:
        tracking.wait_ready()
    assert not tracking._child.process.is_alive()


def test_frames_without_a_person_are_counted():
    with start(doubles.NobodyPipeline) as tracking:
        tracking.wait_ready()
        run_to_the_end(tracking)
        assert tracking.stop().seen == 0


def test_an_unplugged_camera_is_the_users_error():
    with start(doubles.UnpluggedPipeline) as tracking:
        tracking.wait_ready()
        with pytest.raises(DeviceError, match="stopped sending pictures: plug it in again") as error:
            run_to_the_end(tracking)
    assert error.value.exit_code == 3


def test_what_keeps_it_from_starting_is_the_users_error():
    with start(doubles.no_models) as tracking, pytest.raises(MissingModelError, match="models fetch"):
        tracking.wait_ready()


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        (doubles.BuggyPipeline, "tracking crashed: ZeroDivisionError: a bug in the fit"),
        (doubles.SegfaultPipeline, "tracking was killed by SIGSEGV: native: heap corrupted"),
    ],
)
def test_a_crash_is_one_line_and_keeps_its_log(tmp_path, pipeline, said):
    with start(pipeline) as tracking:
        tracking.wait_ready()
        with pytest.raises(InPersonError) as error:
            run_to_the_end(tracking)
    assert str(error.value).startswith(said)
    (log,) = tmp_path.iterdir()
    assert str(log) in error.value.mend
    assert said.split(": ")[-1] in log.read_text()


def test_a_killed_process_is_noticed():
    with start(doubles.EndlessPipeline) as tracking:
        tracking.wait_ready()
        os.kill(tracking._child.process.pid, signal.SIGKILL)
        with pytest.raises(InPersonError, match="killed by SIGKILL"):
            run_to_the_end(tracking)


def test_ctrl_c_in_the_terminal_leaves_the_end_to_the_session():
    with start(doubles.EndlessPipeline) as tracking:
        tracking.wait_ready()
        tracking.go()
        os.kill(tracking._child.process.pid, signal.SIGINT)
        assert tracking.stop().rate.count >= 0


def test_native_chatter_stays_out_of_the_terminal(tmp_path, capfd):
    with start(doubles.ChattyPipeline) as tracking:
        tracking.wait_ready()
        run_to_the_end(tracking)
        tracking.stop()
    assert capfd.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []
