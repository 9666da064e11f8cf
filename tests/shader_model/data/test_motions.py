"""What moves in a window, and how wrong a tracker is about it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.shader_model.data.motions import sample_motion
from inperson.shader_model.data.recipe import MotionRecipe, TrackingErrorRecipe
from inperson.shader_model.data.tracking_error import tracked
from inperson.synthetic.dressing import DressedPerson
from tests.synthetic.people import undressed

FPS = 30.0
STILL = MotionRecipe(still_body=1.0, turning=0.0)
TURNING = MotionRecipe(still_body=0.0, turning=1.0)
GESTURES = MotionRecipe(still_body=0.0, turning=0.0)


@pytest.fixture(scope="module")
def person() -> DressedPerson:
    return undressed()


def joints(person: DressedPerson, states) -> np.ndarray:
    return np.stack([person.poser.joint_transforms(state)[1] for state in states])


@settings(max_examples=8)
@given(seed=st.integers(0, 2**31), how=st.sampled_from([STILL, TURNING, GESTURES]), frames=st.integers(2, 12))
def test_motion_is_steady_in_time_and_has_no_jumps(seed: int, how: MotionRecipe, frames: int) -> None:
    person = undressed()
    states = sample_motion(person, frames, FPS, how, np.random.default_rng(seed))
    assert [s.time_ns for s in states] == [round(n * 1e9 / FPS) for n in range(frames)]
    fastest = np.linalg.norm(np.diff(joints(person, states), axis=0), axis=-1).max() * FPS
    assert fastest < 8.0  # metres a second: a hand that is flung


def test_each_kind_moves_as_it_says(person: DressedPerson) -> None:
    rng = np.random.default_rng(3)
    still = sample_motion(person, 6, FPS, STILL, rng)
    assert all(np.array_equal(s.full_pose, still[0].full_pose) for s in still)
    turning = sample_motion(person, 6, FPS, TURNING, rng)
    assert all(np.array_equal(s.body_pose, turning[0].body_pose) for s in turning)
    heading = np.unwrap([s.global_orient[1] for s in turning])
    np.testing.assert_allclose(np.diff(heading), np.diff(heading)[0], rtol=1e-3)
    assert abs(heading[-1] - heading[0]) > 1e-3
    moved = np.ptp(joints(person, sample_motion(person, 6, FPS, GESTURES, rng)), axis=0)
    assert moved[20:22].max() > 0.005  # wrists
    assert moved[10:12].max() < 1e-6  # feet


def test_the_same_seed_gives_the_same_motion(person: DressedPerson) -> None:
    a, b = (sample_motion(person, 5, FPS, GESTURES, np.random.default_rng(7)) for _ in range(2))
    assert all(
        np.array_equal(x.full_pose, y.full_pose) and np.array_equal(x.expression, y.expression)
        for x, y in zip(a, b, strict=True)
    )


def test_tracking_errors_have_their_size_and_wander(person: DressedPerson) -> None:
    error = TrackingErrorRecipe(jitter=0.0, fastest=2.0)
    truth = (person.rest(),) * 60
    runs = [tracked(truth, error, FPS, np.random.default_rng(seed)) for seed in range(12)]
    off = np.array([[s.body_pose for s in states] for states in runs])
    assert off.std() == pytest.approx(error.body_pose, rel=0.15)
    assert np.array([[s.transl for s in states] for states in runs]).std() == pytest.approx(error.transl, rel=0.3)
    assert np.abs(np.diff(off, axis=1)).mean() < 0.3 * np.abs(off).mean()
    jittery = [tracked(truth, replace(error, jitter=1.0), FPS, np.random.default_rng(seed)) for seed in range(4)]
    white = np.array([[s.body_pose for s in states] for states in jittery])
    assert np.abs(np.diff(white, axis=1)).mean() > 1.2 * np.abs(white).mean()


def test_tracking_keeps_what_it_does_not_touch(person: DressedPerson) -> None:
    truth = sample_motion(person, 4, FPS, GESTURES, np.random.default_rng(1))
    told = tracked(truth, TrackingErrorRecipe(), FPS, np.random.default_rng(2))
    for a, b in zip(truth, told, strict=True):
        assert a.time_ns == b.time_ns
        np.testing.assert_array_equal(a.betas, b.betas)
        np.testing.assert_array_equal(a.leye_pose, b.leye_pose)
        assert b.expression.min() >= 0.0
        assert b.expression.max() <= 1.0
        assert b.full_pose.dtype == b.transl.dtype == np.float32
    none = TrackingErrorRecipe(body_pose=0.0, hand_pose=0.0, transl=0.0, jaw=0.0, expression=0.0)
    for a, b in zip(truth, tracked(truth, none, FPS, np.random.default_rng(2)), strict=True):
        np.testing.assert_array_equal(a.full_pose, b.full_pose)
