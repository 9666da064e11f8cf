"""Kills recording programs at random moments and looks at what they leave.

`python -m tests.app.recording.killed_recordings --kills 200 --seed 7` kills more than the test does. The killed
program records a state every few milliseconds, and after each says on its output when it handed it over. What
counts is the handing over: everything that was handed over a second before the kill must be in the file.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import BodyRecord
from inperson.app.recording.repair import check, repair, repaired_path
from tests.app.recording.made_up import bits
from tests.app.recording.recording_program import state_of

ROOT = Path(__file__).parents[3]
AT_ONCE = 4
"""Programs that run at the same time: they mostly sleep."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one kill left."""

    handed: int
    """States that were handed over."""
    kept: int
    """States in the file: the first so many."""
    lost_s: float
    """How long before the kill the oldest lost state was handed over."""
    stalled_s: float
    """The longest that the machine let the program wait between two states: it hands one over every 10 ms."""
    torn: int
    """Bytes at the file's end that were not whole."""


def kill_one(path: Path, after_s: float) -> Outcome:
    """Start a recording, kill it `after_s` after its first state, look at the file."""
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.app.recording.recording_program", str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert program.stdout is not None
    first = program.stdout.readline()
    time.sleep(after_s)
    killed_ns = time.monotonic_ns()
    program.send_signal(signal.SIGKILL)
    lines = [first, *program.stdout.read().splitlines(keepends=True)]
    program.wait()
    handed = [tuple(map(int, line.split())) for line in lines if line.endswith(b"\n")]
    return look(path, handed, killed_ns)


def look(path: Path, handed: list[tuple[int, ...]], killed_ns: int) -> Outcome:
    """Open the file and a repaired one; compare every state that is there with what was handed over."""
    with SessionReader(path) as session:
        assert not session.closed
        kept = list(session.states("me"))
    for number, state in enumerate(kept):
        assert bits(state) == bits(state_of(number))
    report = check(path)
    assert report.damages == ()
    mended = repair(path, repaired_path(path))
    assert mended.whole
    assert mended.counts.get(("me", BodyRecord), 0) == len(kept)
    assert len(kept) >= max((safe for _, _, safe in handed), default=0), "it said more was on the disk"
    moments = [*(moment for _, moment, _ in handed), killed_ns]
    lost = [moment for number, moment, _ in handed if number >= len(kept)]
    return Outcome(
        handed=len(handed),
        kept=len(kept),
        lost_s=(killed_ns - min(lost)) / 1e9 if lost else 0.0,
        stalled_s=max(after - before for before, after in pairwise(moments)) / 1e9,
        torn=report.torn,
    )


def run(folder: Path, kills: int, seed: int, longest_s: float) -> list[Outcome]:
    """Kill so many, a few at a time."""
    rng = Random(seed)
    moments = [rng.uniform(0.0, longest_s) for _ in range(kills)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        paths = [folder / f"killed-{number}.mcap" for number in range(kills)]
        return list(threads.map(kill_one, paths, moments))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=3.0, help="seconds until the last kill")
    options = parser.parse_args()
    outcomes = run(Path(tempfile.mkdtemp(prefix="killed-")), options.kills, options.seed, options.longest)
    worst = max(outcomes, key=lambda outcome: outcome.lost_s)
    kept = sum(outcome.kept for outcome in outcomes)
    torn = sum(outcome.torn > 0 for outcome in outcomes)
    print(json.dumps({"kills": len(outcomes), "kept": kept, "torn": torn, "worst": asdict(worst)}))  # noqa: T201


if __name__ == "__main__":
    main()
