"""Recording programs that are killed lose less than a second; what they leave opens and can be mended."""

from pathlib import Path

from tests.app.recording.killed_recordings import run


def test_twenty_killed_recordings_hold_all_but_the_last_second(tmp_path: Path) -> None:
    """`look` has compared every state that is there, bit for bit, and mended every file. What a busy machine adds by
    not running the program at all is not the recorder's."""
    outcomes = run(tmp_path, kills=20, seed=1, longest_s=1.6)
    assert len(outcomes) == 20
    assert max(outcome.lost_s - outcome.stalled_s for outcome in outcomes) < 1.0
    assert sum(outcome.kept > 0 for outcome in outcomes) >= 10  # else nothing was recorded before the kill
    assert sum(outcome.kept < outcome.handed for outcome in outcomes) >= 10  # else they were not killed at work
