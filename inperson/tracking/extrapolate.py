"""Where a tracked body will be at display time: damped extrapolation from its last two states."""

from dataclasses import replace

import numpy as np

from inperson.avatar.state import BodyState
from inperson.tracking.fit.so3 import exp_all, log_all

DAMPING = 0.06
"""Seconds in which a motion is taken to die out: the prediction never runs further than this at constant speed."""
LONGEST = 0.1
"""Seconds beyond the last state for which anything is predicted."""
_LARGEST_GAP = 0.25
"""Seconds between the two states above which they say nothing about speed."""


def predict(previous: BodyState, last: BodyState, t_ns: int) -> BodyState:
    """The state at `t_ns`, from two states of one tracker.

    Rotations and translation run on with the velocity between the states, decaying with time constant
    `DAMPING`: x(t) = x + v tau (1 - exp(-t / tau)). Before `last`, and without a usable velocity, `last`
    itself with its time changed.

    Args:
        previous: the older state.
        last: the newer state.
        t_ns: display time, monotonic nanoseconds.
    """
    dt = (last.time_ns - previous.time_ns) * 1e-9
    ahead = min((t_ns - last.time_ns) * 1e-9, LONGEST)
    if ahead <= 0.0 or not 0.0 < dt < _LARGEST_GAP:
        return replace(last, time_ns=t_ns)
    gain = DAMPING * (1.0 - np.exp(-ahead / DAMPING)) / dt
    old, new = exp_all(previous.full_pose.astype(np.float64)), exp_all(last.full_pose.astype(np.float64))
    turned = log_all(np.swapaxes(old, 1, 2) @ new)
    pose = log_all(new @ exp_all(gain * turned))
    moved = last.transl + gain * (last.transl - previous.transl)
    return replace(last.with_full_pose(pose), transl=moved.astype(np.float32), time_ns=t_ns)
