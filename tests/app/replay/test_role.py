"""What a body does at any moment of a recording: its states, between them, gaps, other worlds, recentrings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inperson.app.cast import Performer
from inperson.app.motion.placing import PELVIS, moved
from inperson.app.motion.played import PlayedMotion
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import BodyRecord, EventKind, EventRecord
from inperson.app.replay.recorded import Recorded, read_recorded, shown_participant, state_times
from inperson.app.replay.role import HOLD_NS, Role
from inperson.avatar.body import load_body
from inperson.avatar.skinning import BodyPoser
from inperson.errors import BadInputError
from tests.app.drawing_doubles import tiny_avatar
from tests.app.recording.made_up import bits, made_up_messages, write_session
from tests.app.replay.sessions import BEGIN_NS, FRAME_NS, about, gestures, session_of

FRAMES = 12


@pytest.fixture(scope="session")
def performer(body) -> Performer:
    return Performer(tiny_avatar(body), body)


def recorded(path: Path, papers, states, further=()) -> Recorded:
    with SessionReader(session_of(path, papers, states, further)) as session:
        return read_recorded(session, papers.participant)


def role_of(told: Recorded, performer: Performer) -> Role:
    return Role(told, performer.body, performer.avatar.betas)


def joints(performer: Performer, state) -> np.ndarray:
    return BodyPoser(performer.body, performer.avatar.betas).joint_transforms(state)[1]


def test_the_motion_is_the_sessions(body, tmp_path):
    path = session_of(tmp_path / "s.mcap", about(body), gestures(body, FRAMES))
    with SessionReader(path) as session:
        whole = read_recorded(session, "me")
        (passage,) = whole.passages
        assert bits(passage.motion) == bits(session.motion("me"))
    assert (whole.whole.begin_ns, whole.whole.end_ns) == (BEGIN_NS, passage.motion.times_ns[-1])
    np.testing.assert_array_equal(state_times(whole.passages), passage.motion.times_ns)


def test_a_states_own_moment_is_that_state_and_others_lie_between(body, performer, tmp_path):
    told = recorded(tmp_path / "s.mcap", about(body), gestures(body, FRAMES))
    role = Role(told, performer.body, performer.avatar.betas)
    motion = told.passages[0].motion
    played = PlayedMotion(motion, body, body, performer.avatar.betas)
    for frame in range(FRAMES):
        at = int(motion.times_ns[frame])
        assert bits(role.state_at(at, at)) == bits(played.state(frame))
    assert role.state_at(BEGIN_NS - 1, 0) is None
    last = role.state_at(BEGIN_NS + 99 * FRAME_NS, 5)
    assert bits(last) == bits(replace(played.state(FRAMES - 1), time_ns=5))
    begin, end = (int(t) for t in motion.times_ns[3:5])
    for share in (0.25, 0.5, 0.9):
        x = role.state_at(round(begin + share * (end - begin)), 0).transl[0]
        ends = [played.state(frame).transl[0] for frame in (3, 4)]
        assert x == pytest.approx(ends[0] + share * (ends[1] - ends[0]), abs=1e-5)


def test_nobody_glides_through_a_gap(body, performer, tmp_path):
    late = gestures(body, 3, begin_ns=BEGIN_NS + 2 * HOLD_NS, x=1.0)
    role = role_of(recorded(tmp_path / "s.mcap", about(body), [*gestures(body, 3), *late]), performer)
    before, held = (role.state_at(BEGIN_NS + t, 0) for t in (3 * FRAME_NS, 2 * HOLD_NS - 1))
    np.testing.assert_array_equal(before.transl, held.transl)
    assert role.state_at(BEGIN_NS + 2 * HOLD_NS, 0).transl[0] > before.transl[0] + 0.5


def test_a_wearer_is_shown_as_a_mirror_shows_them(body, performer, tmp_path):
    """In a play space they look along -z; a mirror's eye stands at +z."""
    states = gestures(body, FRAMES)
    turn = np.diag([-1.0, 1.0, -1.0, 1.0])
    pelvis = BodyPoser(body, performer.avatar.betas).rest_joints[PELVIS].astype(float)
    worn = [moved(state, turn, pelvis) for state in states]
    facing = role_of(recorded(tmp_path / "camera.mcap", about(body), states), performer)
    mirrored = role_of(recorded(tmp_path / "play.mcap", about(body, world="play"), worn), performer)
    for state in states:
        same, shown = (joints(performer, role.state_at(state.time_ns, 0)) for role in (facing, mirrored))
        np.testing.assert_allclose(shown, same, atol=2e-3)  # the performer's own pelvis lies a little elsewhere
    here, there = (role.framing_at(BEGIN_NS).centre for role in (facing, mirrored))
    np.testing.assert_allclose(there, here, atol=2e-3)


@pytest.mark.parametrize("late_ns", [-100_000_000, 0, 60_000_000])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_recentring_does_not_make_the_body_jump(body, performer, tmp_path, late_ns, share):
    """The event comes a little before or after the first state in the new space."""
    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler("y", 70, degrees=True).as_matrix()
    T[:3, 3] = (0.8, 0.0, -0.4)
    states = gestures(body, 30)
    pelvis = BodyPoser(body, performer.avatar.betas).rest_joints[PELVIS].astype(float)
    switch = round(share * len(states))
    worn = [moved(state, T, pelvis) if k >= switch else state for k, state in enumerate(states)]
    event = EventRecord(worn[switch].time_ns + late_ns, EventKind.RECENTER, "me", T_new_from_old=T.astype(np.float32))
    role = role_of(recorded(tmp_path / "s.mcap", about(body, world="play"), worn, [event]), performer)
    shown = np.stack([joints(performer, role.state_at(state.time_ns, 0))[0] for state in states])
    steps = np.linalg.norm(np.diff(shown, axis=0), axis=1)
    own = np.linalg.norm(np.diff([state.transl for state in states], axis=0), axis=1)
    np.testing.assert_allclose(steps, own, atol=5e-3)
    # the space that was used longer is the one that is kept
    kept = worn[0] if share > 0.5 else worn[-1]
    plain = moved(kept, np.diag([-1.0, 1.0, -1.0, 1.0]), pelvis)
    at = joints(performer, role.state_at(kept.time_ns, 0))[0]
    np.testing.assert_allclose(at[[0, 2]], joints(performer, plain)[0, [0, 2]], atol=5e-3)


def test_another_body_in_the_same_session_is_another_passage(body, performer, tmp_path):
    other = load_body("neutral")
    second = about(other, time_ns=BEGIN_NS + 5 * FRAME_NS - 1)
    later = gestures(other, 4, begin_ns=BEGIN_NS + 5 * FRAME_NS, x=0.5)
    told = recorded(
        tmp_path / "s.mcap", about(body), gestures(body, 5), [second, *(BodyRecord("me", s) for s in later)]
    )
    assert [(len(p.motion), p.motion.body_name) for p in told.passages] == [(5, body.name), (4, "neutral")]
    role = role_of(told, performer)
    for state in (*gestures(body, 5), *later):
        assert role.state_at(state.time_ns, 0).transl[0] == pytest.approx(state.transl[0], abs=0.05)


def test_papers_that_do_not_fit_the_states(body, tmp_path):
    with pytest.raises(BadInputError, match="do not go together"):
        recorded(tmp_path / "s.mcap", about(body, expr_names=("a", "b")), gestures(body, 2))


def test_who_is_shown(tmp_path):
    with SessionReader(write_session(tmp_path / "s.mcap", made_up_messages(12))) as session:
        people = session.participants()
        assert shown_participant(session, people, None) == "me"
        assert shown_participant(session, people, "you-2") == "you-2"
        with pytest.raises(BadInputError, match="no participant 'him': it holds: me, you-2"):
            shown_participant(session, people, "him")
    silent = [record for record in made_up_messages(2) if not isinstance(record, BodyRecord)]
    with SessionReader(write_session(tmp_path / "t.mcap", silent)) as session:
        for wanted in (None, "me"):
            with pytest.raises(BadInputError, match=r"has no motion.* to play: record a session with somebody"):
                shown_participant(session, people, wanted)
