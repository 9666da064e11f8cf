"""A session that is killed leaves a recording that opens, without damage, and lacks no more than its last second."""

from tests.app.live.recording.killed_sessions import run

LATE_S = 1.0


def test_a_killed_session_loses_no_more_than_a_second(tmp_path):
    (outcome,) = run(tmp_path, kills=1, seed=3, longest_s=2.5)
    assert outcome.kept > 0
    assert outcome.packets > 0
    assert outcome.lost_s < LATE_S
