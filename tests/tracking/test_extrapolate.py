"""Prediction to display time: right for what moves steadily, no further than it should for what stops or shakes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.avatar.state import BodyState
from inperson.tracking.extrapolate import (
    DAMPING,
    ERRATIC,
    LARGEST_GAP,
    LONG,
    RESTING,
    RUN_ON,
    SHORT,
    STEADY,
    Predictor,
    braking_seconds,
    effective_seconds,
    spread,
    unevenness,
)

SHOULDER, WRIST = 16, 20
Motion = Callable[[float], float]


def state_at(t: float, angle: float, place: float = 0.0) -> BodyState:
    """A shoulder turned by `angle`, a body moved sideways."""
    pose = np.zeros((55, 3), np.float32)
    pose[SHOULDER, 2] = angle
    state = BodyState.rest(10, 0, round(t * 1e9)).with_full_pose(pose)
    return replace(state, transl=np.array([place, 0, -1.5], np.float32))


def fed(motion: Motion, times: np.ndarray) -> Predictor:
    predictor = Predictor()
    for t in times:
        predictor.add(state_at(t, motion(t), 0.3 * motion(t)))
    return predictor


def ahead_of(predictor: Predictor, seconds: float) -> BodyState:
    assert predictor.last is not None
    return predictor.at(predictor.last.time_ns + round(seconds * 1e9))


def damped(previous: float, last: float, dt: float, ahead: float) -> float:
    """What was predicted before: the newest velocity, dying out with 60 ms, for at most 100 ms."""
    return last + (last - previous) / dt * 0.06 * (1 - np.exp(-min(ahead, 0.1) / 0.06))


@given(
    rate=st.sampled_from([15.0, 20.0, 30.0, 60.0]),
    ahead=st.floats(0.03, 0.12),
    axis=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda a: np.linalg.norm(a) > 0.1),
    speed=st.floats(0.2, 6.0),
    turned=st.floats(0, 1.5),
    jitter=st.integers(0, 1000),
)
def test_constant_velocity_is_predicted_within_a_tenth_of_the_lag(
    rate: float, ahead: float, axis: tuple[float, ...], speed: float, turned: float, jitter: int
) -> None:
    """About any axis, from any pose, at a camera's rate and a camera's uneven clock."""
    turn = Rotation.from_rotvec(speed * np.array(axis) / np.linalg.norm(axis))
    start = Rotation.from_rotvec([turned, -0.2, 0.4])
    times = np.arange(8) / rate + np.random.default_rng(jitter).uniform(0, 0.3 / rate, 8)
    walk = np.array([0.5, -0.1, 0.3])

    def state(t: float) -> BodyState:
        pose = np.zeros((55, 3), np.float32)
        pose[WRIST] = (start * turn**t).as_rotvec()
        made = BodyState.rest(10, 0, round(t * 1e9)).with_full_pose(pose)
        return replace(made, transl=(walk * t).astype(np.float32))

    predictor = Predictor()
    for t in times:
        predictor.add(state(t))
    predicted, now = ahead_of(predictor, ahead), state(times[-1])
    true = start * turn ** (times[-1] + ahead)
    error = (true.inv() * Rotation.from_rotvec(predicted.full_pose[WRIST])).magnitude()
    lag = (true.inv() * Rotation.from_rotvec(now.full_pose[WRIST])).magnitude()
    assert error < 0.1 * lag
    np.testing.assert_allclose(predicted.transl - now.transl, walk * ahead, atol=0.1 * ahead * np.linalg.norm(walk))
    assert predicted.time_ns == now.time_ns + round(ahead * 1e9)


def test_beyond_its_time_even_a_steady_motion_dies_out() -> None:
    predictor = fed(lambda t: 1.5 * t, np.arange(8) / 30)
    angle_now = ahead_of(predictor, 0.0).full_pose[SHOULDER, 2]
    travelled = [ahead_of(predictor, s).full_pose[SHOULDER, 2] - angle_now for s in (RUN_ON, 1.0, 10.0)]
    assert travelled[0] == pytest.approx(1.5 * RUN_ON, rel=1e-3)
    assert travelled[1] == pytest.approx(1.5 * (RUN_ON + DAMPING), rel=1e-3)
    assert travelled[2] == pytest.approx(travelled[1], rel=1e-4)


def reach(seconds: float) -> Motion:
    """One radian there, as arms do it (minimum jerk: Flash and Hogan 1985)."""

    def angle(t: float) -> float:
        x = float(np.clip(t / seconds, 0, 1))
        return 10 * x**3 - 15 * x**4 + 6 * x**5

    return angle


def wave(seconds: float) -> Motion:
    return lambda t: 0.5 - 0.5 * float(np.cos(2 * np.pi * t / seconds))


@pytest.mark.parametrize("rate", [20.0, 30.0])
@pytest.mark.parametrize("ahead", [0.033, 0.066, 0.1])
@pytest.mark.parametrize("motion", [reach(0.4), reach(0.6), reach(0.9), wave(1.0), wave(2.0)])
def test_stops_and_reversals_are_overshot_no_more_than_by_plain_damping(
    motion: Motion, ahead: float, rate: float
) -> None:
    """Both motions end, or turn back, at one radian; whatever the phase of the camera."""
    beyond, beyond_damped = 0.0, 0.0
    for phase in np.linspace(0, 1 / rate, 4, endpoint=False):
        times = np.arange(-8, 60) / rate + phase
        predictor = Predictor()
        for n, t in enumerate(times):
            predictor.add(state_at(t, motion(max(t, 0.0))))
            if n >= LONG:
                beyond = max(beyond, ahead_of(predictor, ahead).full_pose[SHOULDER, 2] - 1)
                before = damped(motion(max(times[n - 1], 0.0)), motion(max(t, 0.0)), 1 / rate, ahead)
                beyond_damped = max(beyond_damped, before - 1)
    assert beyond <= beyond_damped + 0.002


@pytest.mark.parametrize("ahead", [0.033, 0.066, 0.1, 0.12])
def test_noise_is_not_amplified(ahead: float) -> None:
    """A body that stands still, as the tracker's filters leave it: what is shown shakes little more than what was
    seen, and much less than plain damping makes it shake."""
    rng = np.random.default_rng(0)
    smooth = np.convolve(rng.normal(0, 0.002, 330), np.ones(3) / 3, "valid")
    predictor = Predictor()
    shown, plain, seen = [], [], []
    for n, angle in enumerate(smooth):
        predictor.add(state_at(n / 30, angle))
        if n > LONG:
            shown.append(ahead_of(predictor, ahead).full_pose[SHOULDER, 2])
            plain.append(damped(smooth[n - 1], angle, 1 / 30, ahead))
            seen.append(angle)
    assert np.std(shown) < 1.1 * np.std(seen)
    assert np.std(shown) < 0.95 * np.std(plain)


def plain_seconds(ahead: float, velocities: np.ndarray, times: np.ndarray) -> float:
    """`effective_seconds` of one joint, written as it is described."""

    mean = sum(velocities) / len(velocities)
    variance = sum(float((v - mean) @ (v - mean)) for v in velocities) / len(velocities)
    steady = np.interp(np.sqrt(variance) / np.linalg.norm(mean), STEADY, [1, 0])
    a, b, c = velocities[-3:]
    sizes = [float(np.linalg.norm(v)) for v in (a, b, c)]
    believed = np.interp(np.linalg.norm((a - b) - (b - c)) / (sum(sizes) + sizes[1]), ERRATIC, [1, 0])
    believed *= np.interp(sum(sizes) / 3, RESTING, [0, 1])

    dies_out = DAMPING * (1 - np.exp(-ahead / DAMPING))
    runs_on = ahead if ahead <= RUN_ON else RUN_ON + DAMPING * (1 - np.exp(-(ahead - RUN_ON) / DAMPING))
    seconds = believed * (steady * runs_on + (1 - steady) * dies_out)
    speed = np.linalg.norm(velocities[-1])
    deceleration = (velocities[-SHORT] @ velocities[-1] / speed - speed) / (times[-1] - times[-SHORT])
    if deceleration > 0:
        moving = min(ahead, speed / deceleration)
        seconds = min(seconds, (speed * moving - deceleration * moving**2 / 2) / speed)
    return seconds


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000), ahead=st.floats(0.0, 0.3), noise=st.sampled_from([0.0, 0.02, 0.1, 0.3, 1.0]))
def test_agrees_with_the_plain_description(seed: int, ahead: float, noise: float) -> None:
    rng = np.random.default_rng(seed)
    mean = rng.uniform(0, 1, (1, 6, 1)) * rng.normal(size=(1, 6, 3))
    slowing = np.linspace(1.0, rng.uniform(0.3, 1.2), LONG)[:, None, None]
    velocities = mean * slowing + noise * rng.normal(size=(LONG, 6, 3))
    times = np.cumsum(rng.uniform(0.02, 0.06, LONG))
    plain = [plain_seconds(ahead, velocities[:, j], times) for j in range(6)]
    np.testing.assert_allclose(effective_seconds(ahead, velocities, times), plain, atol=1e-9)


@given(seed=st.integers(0, 1000), ahead=st.floats(0.001, 1.0))
def test_nothing_moves_further_than_it_would_undamped_nor_back(seed: int, ahead: float) -> None:
    rng = np.random.default_rng(seed)
    velocities, times = rng.normal(size=(LONG, 10, 3)), np.cumsum(rng.uniform(0.02, 0.06, LONG))
    seconds = effective_seconds(ahead, velocities, times)
    assert (seconds >= 0).all()
    assert (seconds <= ahead + 1e-12).all()


def test_what_rests_has_no_steady_velocity() -> None:
    still = np.zeros((LONG, 2, 3))
    assert np.isinf(spread(still)).all()
    np.testing.assert_array_equal(effective_seconds(0.1, still, np.arange(LONG) / 30), 0.0)


def test_even_changes_are_no_unevenness_and_shaking_is() -> None:
    across, along = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
    turning = np.array([along, along + 0.3 * across, along + 0.6 * across])
    shaking = np.array([along, -along, along])
    both = np.stack([turning, shaking], axis=1)
    np.testing.assert_allclose(unevenness(both), [0.0, 1.0], atol=1e-12)


def test_what_slows_down_comes_to_rest_and_stays() -> None:
    """From 1 rad/s, losing 5 rad/s a second: at rest after 0.2 s, having gone 0.1 rad."""
    velocities = np.array([1.5, 1.25, 1.0])[:, None, None] * np.array([[[0.0, 0.0, 1.0]]])
    times = np.array([0.0, 0.05, 0.1])
    np.testing.assert_allclose([braking_seconds(s, velocities, times)[0] for s in (0.2, 0.5)], 0.1, rtol=1e-9)
    assert braking_seconds(0.1, velocities, times)[0] == pytest.approx(0.1 - 5 * 0.1**2 / 2)
    assert braking_seconds(0.1, velocities[::-1], times)[0] == 0.1


def test_joints_are_predicted_apart() -> None:
    """An arm that turns steadily runs on while a leg that shakes stays."""
    predictor = Predictor()
    for n in range(8):
        pose = np.zeros((55, 3), np.float32)
        pose[SHOULDER, 2], pose[4, 0] = 0.05 * n, 0.1 * (-1) ** n
        predictor.add(BodyState.rest(10, 0, round(n / 30 * 1e9)).with_full_pose(pose))
    last, later = ahead_of(predictor, 0.0).full_pose, ahead_of(predictor, 0.1).full_pose
    assert later[SHOULDER, 2] - last[SHOULDER, 2] == pytest.approx(0.15, rel=1e-3)
    assert later[4, 0] == pytest.approx(last[4, 0], abs=1e-4)


def test_without_a_usable_past_the_last_state_is_shown() -> None:
    predictor = Predictor()
    with pytest.raises(ValueError, match="add one first"):
        predictor.at(0)
    for n in range(SHORT):
        predictor.add(state_at(n / 30, 0.05 * n))
        np.testing.assert_array_equal(ahead_of(predictor, 0.1).full_pose, state_at(0, 0.05 * n).full_pose)
    assert predictor.at(123).time_ns == 123


@pytest.mark.parametrize("jump", [LARGEST_GAP + 0.01, 60.0, -60.0])
def test_a_gap_or_another_clock_starts_anew(jump: float) -> None:
    predictor = fed(lambda t: 1.5 * t, np.arange(8) / 30)
    predictor.add(state_at(7 / 30 + jump, 0.9))
    np.testing.assert_array_equal(ahead_of(predictor, 0.1).full_pose, state_at(0, 0.9).full_pose)


def test_a_state_that_is_not_newer_changes_nothing() -> None:
    predictor = fed(lambda t: 1.5 * t, np.arange(8) / 30)
    before = ahead_of(predictor, 0.1).full_pose
    predictor.add(state_at(7 / 30, 3.0))
    predictor.add(state_at(6 / 30, 3.0))
    np.testing.assert_array_equal(ahead_of(predictor, 0.1).full_pose, before)
