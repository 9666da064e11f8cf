"""Kills whole recorded sessions at random moments and looks at what they leave.

`python -m tests.app.live.recording.killed_sessions --kills 40 --seed 7` kills more than the test does.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import numpy as np

from inperson.app.audio.opus import SAMPLE_RATE
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import MicrophoneRecord
from inperson.app.recording.repair import check
from inperson.avatar.body import load_body
from inperson.avatar.file import save_avatar
from tests.app.audio.sound_doubles import write_sound
from tests.app.drawing_doubles import tiny_avatar

ROOT = Path(__file__).parents[4]
AT_ONCE = 2
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one kill left."""

    tracked: int
    """States that were tracked before the kill."""
    kept: int
    """States in the file: the first so many."""
    packets: int
    lost_s: float
    """How long before the kill the oldest lost state was tracked."""


def kill_one(folder: Path, after_s: float) -> Outcome:
    """Start a session, kill it `after_s` after its first state, look at the file."""
    folder.mkdir()
    save_avatar(tiny_avatar(load_body("neutral")), folder / "tiny.avatar")
    rng = np.random.default_rng(0)
    write_sound(
        folder / "voice.wav", rng.normal(0, 0.1, 60 * SAMPLE_RATE).clip(-1, 1).astype(np.float32), SAMPLE_RATE
    )
    environment = {name: value for name, value in os.environ.items() if "DISPLAY" not in name}
    command = [sys.executable, "-m", "tests.app.live.recording.session_program", str(folder)]
    program = subprocess.Popen(command, cwd=ROOT, env=environment)
    witness = folder / "tracked.txt"
    deadline = time.monotonic() + PATIENCE_S
    while not witness.exists():
        assert program.poll() is None, "it ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(after_s)
    killed_ns = time.monotonic_ns()
    program.send_signal(signal.SIGKILL)
    program.wait()
    tracked = [int(line) for line in witness.read_text().splitlines() if line]
    tracked = [time_ns for time_ns in tracked if time_ns < killed_ns]
    path = folder / "s.mcap"
    with SessionReader(path) as session:
        assert not session.closed
        kept = [state.time_ns for state in session.states("me")]
        packets = session.count(MicrophoneRecord, "me")
    assert check(path).damages == ()
    assert kept == tracked[: len(kept)]
    lost = tracked[len(kept) :]
    return Outcome(len(tracked), len(kept), packets, (killed_ns - lost[0]) / 1e9 if lost else 0.0)


def run(folder: Path, kills: int, seed: int, longest_s: float) -> list[Outcome]:
    """Kill so many, a few at a time."""
    rng = Random(seed)
    moments = [rng.uniform(1.0, longest_s) for _ in range(kills)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(kill_one, [folder / f"killed-{number}" for number in range(kills)], moments))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=4.0, help="seconds until the last kill")
    options = parser.parse_args()
    outcomes = run(Path(tempfile.mkdtemp(prefix="killed-")), options.kills, options.seed, options.longest)
    worst = max(outcomes, key=lambda outcome: outcome.lost_s)
    kept = sum(outcome.kept for outcome in outcomes)
    print(json.dumps({"kills": len(outcomes), "kept": kept, "worst": asdict(worst)}))  # noqa: T201


if __name__ == "__main__":
    main()
