"""The switch tells view from pose, whoever moves; and jumps are told from motion."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.render.views import EyeView
from inperson.shader_model.conditions.change import LONGEST_PAUSE_NS, RigidMotion, is_jump, modality_switch
from tests.shader_model.conditions.scenes import eye

small = st.floats(-0.05, 0.05)
vector = st.tuples(small, small, small)
FRAME_NS = 33_000_000


def body(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=[0.2, 0.5, 0.1], size=(300, 3))


def moved(points: np.ndarray, turn: tuple, step: tuple) -> np.ndarray:
    return Rotation.from_rotvec(turn).apply(points) + step


def moved_eye(view: EyeView, turn: tuple, step: tuple) -> EyeView:
    T = view.T_world_from_eye.copy()
    R = Rotation.from_rotvec(turn).as_matrix()
    T[:3, :3], T[:3, 3] = R @ T[:3, :3], R @ T[:3, 3] + step
    return replace(view, T_world_from_eye=T)


@settings(max_examples=50, deadline=None)
@given(turn=vector, step=vector)
def test_the_rigid_motion_of_a_rigid_body_is_found(turn: tuple, step: tuple) -> None:
    points = body()
    motion = RigidMotion.of(points, moved(points, turn, step))
    np.testing.assert_allclose(motion.turn, Rotation.from_rotvec(turn).as_matrix(), atol=1e-9)
    np.testing.assert_allclose(motion.to_middle, moved(motion.from_middle, turn, step), atol=1e-9)
    assert motion.rest == pytest.approx(0, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(turn=vector, step=vector)
def test_moving_everything_together_changes_nothing(turn: tuple, step: tuple) -> None:
    points, view = body(), eye((0.3, 0.1, 1.5))
    motion = RigidMotion.of(points, moved(points, turn, step))
    np.testing.assert_allclose(modality_switch(motion, [view], [moved_eye(view, turn, step)]), 0, atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(turn=vector, step=vector)
def test_a_person_who_turns_is_an_eye_that_goes_round_them(turn: tuple, step: tuple) -> None:
    points, view = body(), eye((0.3, 0.1, 1.5))
    person = modality_switch(RigidMotion.of(points, moved(points, turn, step)), [view], [view])
    back = Rotation.from_rotvec(turn).inv()
    round_them = moved_eye(view, tuple(back.as_rotvec()), tuple(-back.apply(step)))
    still = RigidMotion.of(points, points)
    np.testing.assert_allclose(modality_switch(still, [view], [round_them]), person, atol=1e-5)


def test_a_view_or_a_pose_alone_moves_its_own_number() -> None:
    points, view = body(), eye((0.0, 0.0, 1.5))
    orbit = modality_switch(RigidMotion.of(points, points), [view], [moved_eye(view, (0, 0.05, 0), (0, 0, 0))])
    assert orbit[0, 0] == pytest.approx(1 - np.exp(-0.05 / 0.03), abs=0.02)
    assert orbit[0, 1] < 1e-6
    bent = points + 0.02 * np.sin(50 * points[:, [1, 2, 0]])
    pose = modality_switch(RigidMotion.of(points, bent), [view], [view])
    assert pose[0, 1] > 0.5
    assert pose[0, 0] < 0.2


def test_an_eye_that_only_turns_sees_nothing_new() -> None:
    points, view = body(), eye((0.0, 0.0, 1.5))
    T = moved_eye(view, (0.03, 0.05, 0.1), (0, 0, 0)).T_world_from_eye
    T[:3, 3] = view.T_world_from_eye[:3, 3]
    switch = modality_switch(RigidMotion.of(points, points), [view], [replace(view, T_world_from_eye=T)])
    np.testing.assert_allclose(switch, 0, atol=1e-6)


@pytest.mark.parametrize(
    ("turn", "step", "eye_turn", "eye_step", "elapsed", "jump"),
    [
        ((0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), FRAME_NS, False),
        ((0, 0.3, 0), (0.1, 0, 0), (0, 0.2, 0), (0.1, 0, 0), FRAME_NS, False),
        ((0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), 0, False),  # a paused clip
        ((0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), -1, True),  # a clip that begins again
        ((0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), LONGEST_PAUSE_NS + 1, True),
        ((0, 0, 0), (0.6, 0, 0), (0, 0, 0), (0, 0, 0), FRAME_NS, True),
        ((0, 1.0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), FRAME_NS, True),
        ((0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0.6, 0), FRAME_NS, True),
        ((0, 0, 0), (0, 0, 0), (0, 0, 1.0), (0, 0, 0), FRAME_NS, True),
    ],
)
def test_jumps(turn: tuple, step: tuple, eye_turn: tuple, eye_step: tuple, elapsed: int, jump: bool) -> None:
    points, view = body(), eye((0.0, 0.0, 0.4))
    motion = RigidMotion.of(points, moved(points, turn, step))
    assert is_jump(motion, [view], [moved_eye(view, eye_turn, eye_step)], elapsed) is jump


def test_another_pose_at_once_is_a_jump() -> None:
    points, view = body(), eye()
    assert is_jump(RigidMotion.of(points, body(1)), [view], [view], FRAME_NS)
