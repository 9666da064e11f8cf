"""A motion at any moment: at a frame it is that frame, between two it is on the way, at the end it begins again."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.app.motion.played import PlayedMotion, between
from inperson.avatar.body import load_body
from inperson.avatar.state import BodyState, Source
from inperson.tracking.motion_file import MotionClip, clip_of_states, save_motion

TIMES_NS = (7_000_000_000, 7_040_000_000, 7_120_000_000, 7_160_000_000)
"""Of a clip's own clock, with a frame missing."""


@pytest.fixture(scope="module")
def body():
    return load_body("neutral")


@pytest.fixture(scope="module")
def motion(body) -> MotionClip:
    generator = np.random.default_rng(4)
    rest = BodyState.rest(body.num_betas, body.num_expression)
    states = [
        replace(
            rest.with_full_pose(generator.normal(0, 0.4, (55, 3))),
            transl=generator.normal(size=3).astype(np.float32),
            expression=generator.uniform(size=body.num_expression).astype(np.float32),
            confidence=generator.uniform(size=5).astype(np.float32),
            source=(Source.CAMERA if k < 2 else Source.HELD,) * 5,
            time_ns=time_ns,
        )
        for k, time_ns in enumerate(TIMES_NS)
    ]
    return clip_of_states(
        states, framerate=25.0, expr_names=body.expr_names, body_name=body.name, body_sha256=body.sha256
    )


@pytest.fixture(scope="module")
def played(motion, body):
    return PlayedMotion(motion, body, body, motion.betas)


def assert_same(one: BodyState, other: BodyState, atol: float = 1e-5) -> None:
    turned = Rotation.from_rotvec(one.full_pose).inv() * Rotation.from_rotvec(other.full_pose)
    assert turned.magnitude() == pytest.approx(np.zeros(55), abs=atol)
    for name in ("transl", "expression", "confidence"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=atol)


@pytest.mark.parametrize("frame", range(4))
def test_at_a_frames_time_it_is_the_frame(played, frame):
    seconds = (TIMES_NS[frame] - TIMES_NS[0]) / 1e9
    state = played.state_at(seconds, time_ns=123)
    assert_same(state, played.state(frame))
    assert state.time_ns == 123


def test_between_frames_it_is_on_the_way_by_the_clips_own_times(played):
    """0.10 s lies three quarters of the way from the frame at 0.04 s to the one at 0.12 s."""
    state = played.state_at(0.10, 0)
    first, second = played.state(1), played.state(2)
    np.testing.assert_allclose(state.transl, 0.25 * first.transl + 0.75 * second.transl, atol=1e-5)
    a, b = (Rotation.from_rotvec(s.full_pose) for s in (first, second))
    whole, part = (a.inv() * b).magnitude(), (a.inv() * Rotation.from_rotvec(state.full_pose)).magnitude()
    assert part == pytest.approx(0.75 * whole, abs=1e-5)
    assert state.source == second.source


def test_it_plays_again(played):
    assert played.seconds == pytest.approx(0.20)
    assert_same(played.state_at(0.18, 0), played.state(3))  # the last frame lasts
    assert_same(played.state_at(0.20 * 3 + 0.05, 0), played.state_at(0.05, 0), atol=1e-4)


@given(share=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
def test_backwards_the_other_share_is_the_same(share, seed):
    generator = np.random.default_rng(seed)
    first, second = (
        replace(
            BodyState.rest(2, 3).with_full_pose(generator.normal(0, 0.5, (55, 3))),
            transl=generator.normal(size=3).astype(np.float32),
            expression=generator.uniform(size=3).astype(np.float32),
        )
        for _ in range(2)
    )
    assert_same(between(first, second, share, 5), between(second, first, 1.0 - share, 5))


def test_another_body_plays_it_with_its_neck_in_the_same_place(motion, body, tmp_path):
    save_motion(motion, tmp_path / "m.npz")
    other = load_body("female")
    mine, theirs = (PlayedMotion.open(tmp_path / "m.npz", b, np.zeros(b.num_betas)) for b in (body, other))
    for frame in range(4):
        necks = [p.joints(replace(p.state(frame), expression=np.zeros(0, np.float32)))[12] for p in (mine, theirs)]
        assert necks[0] == pytest.approx(necks[1], abs=1e-5)
