"""Show 6, and every other way to lose a headset: the session goes on, the headset comes back, nothing is left behind.

The headset process is the product's own, with the whole avatar; the service is killed, stopped and started under it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from inperson.app.headset import process
from inperson.app.headset.plan import HeadsetPlan
from inperson.app.headset.process import HeadsetProcess
from inperson.app.headset.status import HeadsetFigures
from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar
from inperson.errors import InPersonError
from inperson.paths import assets_dir
from tests.vr.monado import MonadoService
from tests.vr.raw_client import RawClient

CYCLES = 100
MOST_GROWTH_MB = 20.0
RECOVERY_S = 3.0
PATIENCE_S = 20.0
"""For what has no limit of its own; far more than it takes."""
AVATAR = "ada"
MOTION = str(assets_dir() / "performer" / "performer.npz")


@dataclass(frozen=True)
class Holdings:
    """What a process holds of the machine."""

    resident_mb: float
    descriptors: int
    threads: int

    @staticmethod
    def settled(pid: int) -> "Holdings":
        """The least of half a second: what a call in flight holds for a moment does not count."""
        samples = []
        for _ in range(10):
            samples.append(Holdings.of(pid))
            time.sleep(0.05)
        return Holdings(
            min(sample.resident_mb for sample in samples),
            min(sample.descriptors for sample in samples),
            min(sample.threads for sample in samples),
        )

    @staticmethod
    def of(pid: int) -> "Holdings":
        """What it holds now."""
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return Holdings(
            resident_mb=int(status["VmRSS"].split()[0]) / 1024,
            descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
            threads=int(status["Threads"]),
        )


class Session:
    """What `live` is to a headset: it polls, shows the newest state in its window, and never waits for it."""

    def __init__(self, headset: HeadsetProcess) -> None:
        self.headset = headset

    @property
    def pid(self) -> int:
        """Of the headset's process now."""
        assert self.headset._child is not None
        pid = self.headset._child.process.pid
        assert pid is not None
        return pid

    def until(self, reached: Callable[[], object], patience_s: float = PATIENCE_S) -> float:
        """Poll until something is so; the seconds it took."""
        begin = time.monotonic()
        while not reached():
            took = time.monotonic() - begin
            assert took < patience_s, f"not within {patience_s} s: {self.headset.status}"
            self.headset.poll()
            time.sleep(0.003)
        return time.monotonic() - begin

    def until_drawn(self, patience_s: float = PATIENCE_S) -> float:
        """Poll until a frame that was begun from now on is submitted: the one after it is being drawn."""
        shown: set[int] = set()
        now = time.monotonic_ns()

        def drawn() -> bool:
            state = self.headset.newest_state()
            # A state is of its display time, which lies up to two refreshes ahead.
            if state is not None and state.time_ns > now + 100_000_000:
                shown.add(state.time_ns)
            return len(shown) == 2

        return self.until(drawn, patience_s)

    def shows_nothing(self) -> bool:
        """Whether the mirror window has no state of the headset to show, and goes back to the webcam's."""
        return self.headset.newest_state() is None

    def finish(self) -> HeadsetFigures:
        figures = self.headset.stop()
        assert figures is not None
        return figures


def start() -> HeadsetProcess:
    body = load_body(load_avatar(AVATAR).body_name)
    return HeadsetProcess(HeadsetPlan(avatar=AVATAR, mirrored=True), None, body.num_betas, body.num_expression)


@contextmanager
def shown() -> Iterator[Session]:
    """A headset that draws."""
    with start() as headset:
        headset.wait_ready()
        headset.go(time.monotonic_ns())
        session = Session(headset)
        session.until_drawn()
        yield session


@pytest.fixture(scope="module")
def service(monado_runtime: None) -> Iterator[MonadoService]:
    with MonadoService() as service, service.activate():
        yield service


def test_a_session_ends_while_the_runtime_is_away(service: MonadoService):
    with shown() as session:
        service.kill()
        session.until(lambda: "runtime went away" in session.headset.status.notice)
        figures = session.finish()
    assert (figures.restarts, figures.reconnects) == (0, 0)
    service.start()


def test_a_service_that_hangs_for_good_does_not_keep_the_session(
    service: MonadoService, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(process, "STOP_PATIENCE_S", 1.0)
    with shown() as session:
        pid = session.pid
        service.suspend()
        session.until(session.shows_nothing)
        begin = time.monotonic()
        with pytest.raises(InPersonError, match="did not stop when told to"):
            session.headset.stop()
    assert time.monotonic() - begin < 10.0
    assert not Path(f"/proc/{pid}").exists()
    service.restart()


@pytest.fixture(scope="module")
def shared(service: MonadoService) -> Iterator[Session]:
    """One headset for every loss that it survives: starting one takes longer than most losses."""
    with shown() as session:
        yield session


@pytest.fixture
def session(shared: Session, service: MonadoService) -> Session:
    """The shared headset, drawing."""
    if not service.running:
        service.start()
    shared.until_drawn()
    return shared


def test_a_runtime_that_stays_away_is_waited_for(session: Session, service: MonadoService):
    service.kill()
    session.until(session.shows_nothing)
    session.until(lambda: "runtime went away" in session.headset.status.notice)
    assert session.headset.status.state == "waiting for the runtime"
    time.sleep(1.5)
    assert not session.headset.ended
    service.start()
    session.until_drawn(RECOVERY_S)
    session.until(lambda: session.headset.status.state == "focused")
    assert session.headset.status.notice == ""


def test_a_service_that_hangs_is_sat_out(session: Session, service: MonadoService):
    service.suspend()
    session.until(session.shows_nothing)
    time.sleep(1.0)
    assert not session.headset.ended
    service.resume()
    session.until_drawn(RECOVERY_S)


def test_after_the_machine_slept_the_headset_comes_back(session: Session, service: MonadoService):
    everything = (*service.pids, session.pid)
    for pid in everything:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(1.5)
    for pid in everything:
        os.kill(pid, signal.SIGCONT)
    session.until_drawn(RECOVERY_S)


def test_a_headset_behind_another_application_draws_nothing_until_it_is_in_front_again(
    session: Session, service: MonadoService
):
    other = RawClient()
    other.connect()
    other.frame()
    session.until(lambda: session.headset.status.state == "synchronized")
    session.until(session.shows_nothing)
    other.close()
    session.until_drawn(RECOVERY_S)
    session.until(lambda: session.headset.status.state == "focused")


def test_a_crashed_headset_process_is_started_again_and_waits_for_a_service_that_appears_later(
    session: Session, service: MonadoService
):
    crashed = session.pid
    service.kill()
    os.kill(crashed, signal.SIGKILL)
    session.until(lambda: session.headset.status.state == "starting again")
    session.until(lambda: session.headset.status.state == "waiting for the runtime", patience_s=120.0)
    assert session.pid != crashed
    service.start()
    session.until_drawn(RECOVERY_S)


def test_killing_and_restarting_the_service_a_hundred_times(session: Session, service: MonadoService):
    pid = session.pid
    before, ours_before = Holdings.settled(pid), Holdings.settled(os.getpid())
    gaps, middle = [], before
    for cycle in range(CYCLES):
        if cycle == CYCLES // 2:
            middle = Holdings.settled(pid)
        killed = time.monotonic()
        service.restart()
        session.until_drawn(RECOVERY_S)
        gaps.append(time.monotonic() - killed)
    after, ours_after = Holdings.settled(pid), Holdings.settled(os.getpid())
    assert session.pid == pid, "it crashed and was started again"
    assert list(service.clients()) == ["InPerson"]
    assert after.resident_mb - before.resident_mb < MOST_GROWTH_MB
    assert after.resident_mb - middle.resident_mb < MOST_GROWTH_MB / 2, "it grows with every loss"
    assert ours_after.resident_mb - ours_before.resident_mb < MOST_GROWTH_MB
    assert (after.descriptors, after.threads) == (before.descriptors, before.threads)
    assert (ours_after.descriptors, ours_after.threads) == (ours_before.descriptors, ours_before.threads)
    figures = session.finish()
    assert figures.reconnects >= CYCLES
    assert 0.0 < figures.longest_gap_s <= max(gaps) + 0.01, "what it measured itself"
    assert figures.states[-1] == "EXITING"


def test_without_a_runtime_at_the_start_one_line_says_the_mend(service: MonadoService):
    env = service.env | {"XR_RUNTIME_JSON": "/nowhere/runtime.json"}
    command = [sys.executable, "-m", "inperson", "live", "--view", "headset", "--input", MOTION]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 3
    assert "no OpenXR runtime is active: install one" in done.stderr
    assert len(done.stderr.splitlines()) == 1
