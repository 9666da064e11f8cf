"""Opens damaged session files, many of them, and reads everything out of those that open.

`python -m tests.app.recording.fuzz_sessions --cases 100000 --seed 7` tries more than the test does. Runs in a process
of its own, with a ceiling on its memory and on the time that one file may take. It ends with a traceback at the first
file that does anything but open or raise a `BadInputError`; that file is left in the folder.
"""

import argparse
import json
import resource
import signal
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import BodyRecord
from inperson.app.recording.repair import SessionReport, check
from inperson.app.recording.report import damage_lines, show_lines
from inperson.avatar.plain_text import is_plain
from inperson.errors import BadInputError
from tests.app.recording.damaged_sessions import Parts, damaged
from tests.app.recording.made_up import made_up_avatar_record, made_up_messages, write_session

MEMORY = 256 << 20
"""Bytes that the process may hold beyond what it holds before the first damaged file."""
SECONDS = 5
"""One file may take, on a busy machine."""
READ_TWICE = 4
"""Every so many-th case is also opened by the reader that replays, not only checked."""


def whole_files(folder: Path) -> list[bytes]:
    """Small ones: closed, with an avatar; and not closed."""
    messages = made_up_messages(states=4)
    closed = write_session(folder / "closed.mcap", [made_up_avatar_record(), *messages], chunk=8)
    killed = write_session(folder / "killed.mcap", messages, chunk=8, closed=False)
    return [closed.read_bytes(), killed.read_bytes()]


def try_check(path: Path) -> str:
    """Check a file, all of it, and print what was found."""
    try:
        report = check(path)
    except BadInputError as error:
        check_words(str(error))
        return "refused"
    check_report(report)
    return "whole" if report.whole else "damaged"


def try_read(path: Path) -> str:
    """Read all there is as a replay would."""
    try:
        with SessionReader(path) as session:
            for record in session.records():
                assert record.time_ns >= 0
            for key in session.participants():
                if session.count(BodyRecord, key):
                    motion = session.motion(key)
                    assert motion.poses.shape == (len(motion.times_ns), 165)
            for sha256 in session.avatars:
                session.avatar(sha256)
    except BadInputError as error:
        check_words(str(error))
        return "not read"
    return "read"


def check_words(text: str) -> None:
    """One line that does not steer the terminal it is shown on."""
    assert is_plain(text, 3000), repr(text)


def check_report(report: SessionReport) -> None:
    """What is said of a file is sane, whatever is in it."""
    assert 0 <= report.torn <= report.size
    assert report.begin_ns <= report.end_ns
    for line in (*damage_lines(report), *show_lines(report, {})):
        check_words(line)


def run(folder: Path, count: int, seed: int) -> dict[str, float]:
    """How many files came to what, and the most memory that was held, in bytes."""
    wholes = [Parts.of(data) for data in whole_files(folder)]
    path = folder / "damaged.mcap"
    for whole in wholes:
        path.write_bytes(whole.data)
        assert try_check(path) in ("whole", "damaged")
        assert try_read(path) == "read"
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    outcomes: Counter[str] = Counter()
    with path.open("r+b") as file:  # never emptied: many file systems flush a file that is emptied and written again
        for number in range(count):
            rng = Random(f"{seed} {number}")
            data = damaged(rng.choice(wholes), rng)
            file.seek(0)
            file.write(data)
            file.truncate(len(data))
            file.flush()
            signal.alarm(SECONDS)
            outcomes[try_check(path)] += 1
            if number % READ_TWICE == 0:
                outcomes[try_read(path)] += 1
    signal.alarm(0)
    return {**outcomes, "most_bytes": most_bytes()}


def most_bytes() -> int:
    """The most memory this program ever held."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=None, help="where files lie while they are tried")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="damaged-"))
    print(json.dumps(run(folder, options.cases, options.seed)))  # noqa: T201


if __name__ == "__main__":
    main()
