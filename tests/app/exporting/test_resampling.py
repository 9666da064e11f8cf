"""Motions at a steady rate: frames that are there stay as they are, what lies between is on the arc."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.app.exporting.resampling import resampled
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.tracking.motion_file import MotionClip, clip_of_states


def spin(times_s: np.ndarray) -> MotionClip:
    """A pelvis that turns about y at 1 rad/s and moves along x at 1 m/s."""
    states = []
    for k, t in enumerate(times_s):
        rest = BodyState.rest(2, 1, round(float(t) * 1e9) + 7)
        pose = rest.full_pose.copy()
        pose[0] = [0.0, t, 0.0]
        states.append(
            replace(
                rest.with_full_pose(pose),
                transl=np.array([t, 0.0, 0.0], np.float32),
                expression=np.array([t / 10], np.float32),
                confidence=np.full(5, k / len(times_s), np.float32),
            )
        )
    return clip_of_states(states, framerate=10.0)


def test_frames_that_are_there_stay_to_the_bit():
    motion = spin(np.arange(20) / 10)
    again = resampled(motion, 10.0)
    for name in ("poses", "trans", "expression", "times_ns", "confidence", "source"):
        np.testing.assert_array_equal(getattr(again, name), getattr(motion, name))


@settings(max_examples=30)
@given(st.lists(st.floats(0.01, 0.5), min_size=1, max_size=12), st.sampled_from([7.0, 24.0, 30.0, 90.0]))
def test_between_frames_it_is_on_the_arc(gaps, fps):
    motion = spin(np.concatenate([[0.0], np.cumsum(gaps)]))
    steady = resampled(motion, fps)
    seconds = (steady.times_ns - steady.times_ns[0]) / 1e9
    np.testing.assert_allclose(seconds, np.arange(len(seconds)) / fps, atol=1e-9)
    assert seconds[-1] <= sum(gaps) + 1e-3 / fps < seconds[-1] + 1.01 / fps
    turned = Rotation.from_rotvec(steady.poses[:, :3]).apply([0.0, 0.0, 1.0])
    np.testing.assert_allclose(turned, np.stack([np.sin(seconds), 0 * seconds, np.cos(seconds)], 1), atol=1e-4)
    np.testing.assert_allclose(steady.trans[:, 0], seconds, atol=1e-5)
    np.testing.assert_allclose(steady.expression[:, 0], seconds / 10, atol=1e-5)


def test_confidence_is_that_of_the_frame_before():
    steady = resampled(spin(np.array([0.0, 0.1, 0.2, 0.3])), 20.0)
    assert steady.confidence[:, 0] == pytest.approx([0, 0, 0.25, 0.25, 0.5, 0.5, 0.75])


def test_one_frame_is_one_frame():
    assert len(resampled(spin(np.array([0.0])), 30.0)) == 1


def test_absurdly_many_frames_are_refused():
    with pytest.raises(BadInputError, match="too many frames"):
        resampled(spin(np.array([0.0, 1e6])), 100.0)
