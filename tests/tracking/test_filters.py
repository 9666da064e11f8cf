"""Filters, holding of parts, offline smoothing and face retargeting, each on its own."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.avatar.state import BodyState
from inperson.tracking.face_retarget import (
    MEDIAPIPE_BLENDSHAPES,
    FaceRetargeter,
    NeutralFace,
    relative_scores,
)
from inperson.tracking.filters import FilterTuning, RotationFilter, VectorFilter
from inperson.tracking.fit.so3 import exp_all, log_all
from inperson.tracking.lookahead import smooth_states
from inperson.tracking.parts import HoldTiming, Part, PartKeeper
from tests.tracking.fit_cases import body

DT = 1 / 30


def lag_seconds(filtered: np.ndarray, truth: np.ndarray) -> float:
    """Delay at which the truth correlates best with the filtered signal."""
    shifts = np.arange(0.0, 0.2, 0.005)
    t = np.arange(len(truth)) * DT
    scores = [np.corrcoef(filtered[20:], np.interp(t - s, t, truth)[20:])[0, 1] for s in shifts]
    return float(shifts[int(np.argmax(scores))])


def test_rotation_filter_steadies_noise_and_hardly_lags():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01, (200, 1, 3))
    still = RotationFilter(np.array([1.2]), np.array([2.0]))
    out = np.array([log_all(still(exp_all(n), DT))[0] for n in noise])
    assert (
        np.linalg.norm(np.diff(out[20:], axis=0), axis=1).mean()
        < 0.25 * np.linalg.norm(np.diff(noise[20:, 0], axis=0), axis=1).mean()
    )
    angle = 0.8 * np.sin(2 * np.pi * 0.8 * np.arange(120) * DT)
    moving = RotationFilter(np.array([1.2]), np.array([2.0]))
    followed = np.array([log_all(moving(exp_all(np.array([[a, 0.0, 0.0]])), DT))[0, 0] for a in angle])
    assert lag_seconds(followed, angle) <= 0.030
    assert np.abs(followed[30:]).max() > 0.9 * 0.8


@settings(max_examples=20)
@given(st.lists(st.floats(-2.0, 2.0), min_size=3, max_size=3))
def test_rotation_filter_does_not_depend_on_the_frame(w: list[float]):
    """Filtering and turning the whole sequence commute."""
    rng = np.random.default_rng(3)
    turn = exp_all(np.array([w]))[0]
    sequence = [exp_all(x) for x in np.cumsum(rng.normal(0, 0.05, (15, 2, 3)), axis=0)]
    plain, turned = (RotationFilter(np.full(2, 1.0), np.full(2, 1.0)) for _ in range(2))
    for R in sequence:
        a, b = plain(R, DT), turned(turn @ R, DT)
        np.testing.assert_allclose(turn @ a, b, atol=1e-9)


def test_vector_filter_first_value_passes_and_reset_forgets():
    f = VectorFilter(FilterTuning(1.0, 0.1))
    np.testing.assert_array_equal(f(np.array([3.0, -1.0]), DT), [3.0, -1.0])
    assert 3.0 < f(np.array([4.0, -1.0]), DT)[0] < 4.0
    f.reset()
    np.testing.assert_array_equal(f(np.array([9.0, 9.0]), DT), [9.0, 9.0])


@settings(max_examples=30)
@given(st.lists(st.booleans(), min_size=5, max_size=80), st.integers(0, 1000))
def test_a_part_never_jumps(seen: list[bool], seed: int):
    """Whatever comes and goes, after its first sight a part moves at most as fast as blending and easing allow."""
    rng = np.random.default_rng(seed)
    target = exp_all(rng.normal(0, 0.5, (3, 3)))
    keeper = PartKeeper(np.tile(np.eye(3), (3, 1, 1)), np.zeros(0), HoldTiming())
    farthest = np.linalg.norm(log_all(target), axis=1).max()
    shown = None
    for visible in seen:
        previous = shown
        shown = keeper.update((target, np.zeros(0)) if visible else None, DT)[0].copy()
        first_sight = visible and keeper.presence == 1.0 and previous is None
        if previous is not None and any(seen[: seen.index(visible) + 1]) and not first_sight:
            step = np.linalg.norm(log_all(np.ascontiguousarray(np.swapaxes(previous, 1, 2) @ shown)), axis=1).max()
            ever_before = not np.allclose(previous, np.eye(3))
            if ever_before:
                assert step <= farthest * 1.5 * DT / HoldTiming().blend + 1e-6


def test_presence_falls_while_lost():
    keeper = PartKeeper(np.tile(np.eye(3), (1, 1, 1)), np.zeros(0), HoldTiming(hold=0.2, ease=0.2))
    assert keeper.presence == 0.0
    keeper.update((np.tile(np.eye(3), (1, 1, 1)), np.zeros(0)), DT)
    assert keeper.presence == 1.0
    levels = []
    for _ in range(15):
        keeper.update(None, DT)
        levels.append(keeper.presence)
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] == 0.0


def moving_states(count: int, speed: float = 1.5) -> list[BodyState]:
    states = []
    for t in range(count):
        pose = np.zeros((55, 3), np.float32)
        pose[16, 2] = speed * t * DT
        state = BodyState.rest(10, 0, round(t * DT * 1e9)).with_full_pose(pose)
        states.append(replace(state, transl=np.array([0.3 * t * DT, 0, -1.5], np.float32)))
    return states


def test_lookahead_bridges_gaps_and_does_not_lag():
    truth = moving_states(40)
    rng = np.random.default_rng(0)
    seen = {part: np.ones(40, bool) for part in Part}
    seen[Part.LEFT_ARM][15:22] = False
    noisy = []
    for t, state in enumerate(truth):
        pose = state.full_pose + rng.normal(0, 0.02, (55, 3))
        if not seen[Part.LEFT_ARM][t]:
            pose[16] = truth[14].full_pose[16]
        noisy.append(state.with_full_pose(pose))
    smooth = smooth_states(noisy, seen)
    angle = np.array([s.full_pose[16, 2] for s in smooth])
    true_angle = np.array([s.full_pose[16, 2] for s in truth])
    raw_error = np.abs(np.array([s.full_pose[16, 2] for s in noisy]) - true_angle)
    assert np.abs(angle - true_angle)[3:-3].max() < 0.05
    assert np.abs(angle - true_angle)[3:-3].mean() < 0.5 * raw_error[3:-3].mean()


def test_scores_reach_the_expressions_of_their_name():
    names = body().expr_names
    assert names is not None
    retarget = FaceRetargeter(body())
    for name in ("jawOpen", "mouthSmileRight", "eyeBlinkLeft"):
        scores = np.zeros(52)
        scores[MEDIAPIPE_BLENDSHAPES.index(name)] = 0.5
        pose = retarget(scores, np.zeros(52))
        assert 0.5 <= pose.expression[names.index(name)] <= 0.7
        assert np.count_nonzero(pose.expression) == 1
        np.testing.assert_array_equal(pose.jaw_pose, 0.0)


def test_a_shut_eye_shuts_and_does_not_look_down():
    names = body().expr_names
    assert names is not None
    scores = np.zeros(52)
    scores[MEDIAPIPE_BLENDSHAPES.index("eyeBlinkLeft")] = 0.76
    scores[MEDIAPIPE_BLENDSHAPES.index("eyeLookDownLeft")] = 0.8
    pose = FaceRetargeter(body())(scores, np.zeros(52))
    assert pose.expression[names.index("eyeBlinkLeft")] == pytest.approx(1.0, abs=0.03)
    assert abs(pose.leye_pose[0]) < 0.02


def test_unnamed_expressions_stay_zero_and_the_jaw_opens():
    licensed = replace(body(), expr_names=None)
    scores = np.zeros(52)
    scores[MEDIAPIPE_BLENDSHAPES.index("jawOpen")] = 1.0
    pose = FaceRetargeter(licensed)(scores, np.zeros(52))
    np.testing.assert_array_equal(pose.expression, 0.0)
    assert pose.jaw_pose[0] > 0.2


def test_both_eyes_look_to_the_persons_left():
    """Looking left: the left eye turns out, the right eye in, both about +y."""
    scores = np.zeros(52)
    scores[MEDIAPIPE_BLENDSHAPES.index("eyeLookOutLeft")] = 0.6
    scores[MEDIAPIPE_BLENDSHAPES.index("eyeLookInRight")] = 0.6
    pose = FaceRetargeter(body())(scores, np.zeros(52))
    assert pose.leye_pose[1] == pytest.approx(pose.reye_pose[1])
    assert pose.leye_pose[1] > 0.2


@given(st.floats(0.0, 1.0), st.floats(0.0, 0.6))
def test_relative_scores_keep_order_and_range(score: float, neutral: float):
    out = relative_scores(np.full(52, score), np.full(52, neutral))
    assert ((out >= 0) & (out <= 1)).all()
    if score <= neutral:
        np.testing.assert_array_equal(out, 0.0)
    np.testing.assert_allclose(relative_scores(np.ones(52), np.full(52, neutral)), 1.0)


def test_mouth_close_never_exceeds_jaw_open():
    scores = np.zeros(52)
    close, jaw = MEDIAPIPE_BLENDSHAPES.index("mouthClose"), MEDIAPIPE_BLENDSHAPES.index("jawOpen")
    scores[close], scores[jaw] = 0.5, 0.1
    assert relative_scores(scores, np.zeros(52))[close] == pytest.approx(0.1)


def test_neutral_face_finds_a_low_quantile():
    rng = np.random.default_rng(0)
    neutral = NeutralFace()
    for _ in range(600):
        talking = rng.random() < 0.4
        neutral.add(np.full(52, 0.15 + 0.02 * rng.normal() + (0.5 if talking else 0.0)))
    assert neutral.value.mean() == pytest.approx(0.15, abs=0.05)
