"""Where a tracked body will be at display time, from its last few states.

Each joint, and the body's place, has a velocity from every two states in a row. How well the last velocities agree
decides how long the newest is believed to last. What has moved steadily for a while runs on to the moment of display.
What moves as people mostly do dies out soon, and no later than it comes to rest if it goes on slowing down as it
does. What merely shakes stays where it was seen. The constants were chosen on tracked clips (docs/tracking.md).
"""

from collections import deque
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from inperson.avatar.state import BodyState
from inperson.tracking.fit.so3 import exp_all, log_all

LONG, SHORT = 5, 3
"""Velocities that show a steady motion, and those that show whether there is a motion at all."""
STEADY = (0.04, 0.1)
"""Spread of the last `LONG` velocities up to which a motion runs on undamped, and from which it dies out."""
ERRATIC = (0.4, 1.0)
"""Unevenness of the last `SHORT` velocities from which less is predicted, and from which nothing is."""
RESTING = (0.02, 0.1)
"""Mean speed (rad/s; m/s for the translation) up to which nothing is predicted, and from which all is: a tracker's
noise moves a resting body as fast, and what lags behind so slow a motion nobody sees."""
RUN_ON = 0.16
"""Seconds for which a steady motion runs on undamped: a webcam's age and a headset's lead together."""
DAMPING = 0.06
"""Time constant, in seconds, with which every other motion dies out, and a steady one after `RUN_ON`."""
LARGEST_GAP = 0.25
"""Seconds between two states above which they say nothing about speed."""


class Predictor:
    """Predicts one person's states; give it every tracked state as it comes.

    Rotations and translation are predicted; everything else is the newest state's.
    """

    def __init__(self) -> None:
        self._last: BodyState | None = None
        self._rotations: Float[np.ndarray, "55 3 3"] = np.empty((55, 3, 3))
        self._times: deque[float] = deque(maxlen=LONG)
        self._velocities: deque[Float[np.ndarray, "56 3"]] = deque(maxlen=LONG)
        """Of the joints (rad/s, in the turning joint's own frame) and of the translation (m/s), oldest first, and
        the middle of the interval each was seen over, in seconds."""

    @property
    def last(self) -> BodyState | None:
        """The newest state."""
        return self._last

    def add(self, state: BodyState) -> None:
        """Take a tracked state. One that is not newer than the last is passed over, unless its clock is another
        (`LARGEST_GAP` and more behind); then, and after a gap, the past is forgotten."""
        rotations = exp_all(state.full_pose.astype(np.float64))
        if self._last is not None:
            dt = (state.time_ns - self._last.time_ns) * 1e-9
            if -LARGEST_GAP < dt <= 0.0:
                return
            if 0.0 < dt < LARGEST_GAP:
                turned = log_all(np.swapaxes(self._rotations, 1, 2) @ rotations)
                moved = state.transl.astype(np.float64) - self._last.transl
                self._velocities.append(np.vstack([turned, moved]) / dt)
                self._times.append((state.time_ns + self._last.time_ns) * 0.5e-9)
            else:
                self._velocities.clear()
                self._times.clear()
        self._last, self._rotations = state, rotations

    def at(self, t_ns: int) -> BodyState:
        """The state at a moment, monotonic nanoseconds: the last state itself, with this time, for moments before it
        and until there are `SHORT` velocities.

        Raises:
            ValueError: no state was added yet.
        """
        if self._last is None:
            raise ValueError("a Predictor predicts from states: add one first")
        ahead = (t_ns - self._last.time_ns) * 1e-9
        if ahead <= 0.0 or len(self._velocities) < SHORT:
            return replace(self._last, time_ns=t_ns)
        velocities = np.stack(self._velocities)
        shift = effective_seconds(ahead, velocities, np.array(self._times))[:, None] * velocities[-1]
        pose = log_all(self._rotations @ exp_all(shift[:55]))
        transl = (self._last.transl + shift[55]).astype(np.float32)
        return replace(self._last.with_full_pose(pose), transl=transl, time_ns=t_ns)


def effective_seconds(
    ahead: float, velocities: Float[np.ndarray, "K J 3"], times: Float[np.ndarray, " K"]
) -> Float[np.ndarray, " J"]:
    """For how many seconds at its newest velocity each joint moves within the next `ahead` seconds.

    A motion that dies out with time constant tau goes on for tau (1 - exp(-ahead / tau)).

    Args:
        ahead: seconds.
        velocities: the last `SHORT` to `LONG`, oldest first.
        times: when each was measured, seconds.
    """
    dies_out = _dying(ahead)
    runs_on = min(ahead, RUN_ON) + _dying(max(ahead - RUN_ON, 0.0))
    steady = _falling(spread(velocities), STEADY) if len(velocities) == LONG else 0.0
    recent = velocities[-SHORT:]
    speed = np.linalg.norm(recent, axis=2).mean(axis=0)
    believed = _falling(unevenness(recent), ERRATIC) * (1.0 - _falling(speed, RESTING))
    seconds = believed * (dies_out + steady * (runs_on - dies_out))
    return np.minimum(seconds, braking_seconds(ahead, recent, times[-SHORT:]))


def spread(velocities: Float[np.ndarray, "K J 3"]) -> Float[np.ndarray, " J"]:
    """Standard deviation of K velocities around their mean, over the mean's length; infinite where that is none."""
    mean = velocities.mean(axis=0)
    deviation = np.sqrt(np.square(velocities - mean).sum(axis=2).mean(axis=0))
    length = np.linalg.norm(mean, axis=1)
    return np.divide(deviation, length, out=np.full(len(length), np.inf), where=length > 0.0)


def unevenness(velocities: Float[np.ndarray, "3 J 3"]) -> Float[np.ndarray, " J"]:
    """How far three velocities are from changing evenly: 0 where they do, 1 where each takes back the one before
    (shaking), about a half where they have nothing to do with each other."""
    first, second, third = velocities
    size = np.linalg.norm(first, axis=1) + 2.0 * np.linalg.norm(second, axis=1) + np.linalg.norm(third, axis=1)
    uneven = np.linalg.norm(first - 2.0 * second + third, axis=1)
    return np.divide(uneven, size, out=np.ones(len(size)), where=size > 0.0)


def braking_seconds(
    ahead: float, velocities: Float[np.ndarray, "K J 3"], times: Float[np.ndarray, " K"]
) -> Float[np.ndarray, " J"]:
    """As `effective_seconds`, for what goes on slowing down as it did, at constant deceleration and until it rests;
    `ahead` where nothing slows down."""
    newest = velocities[-1]
    speed = np.linalg.norm(newest, axis=1)
    before = np.einsum("ji,ji->j", velocities[0], newest) / np.maximum(speed, 1e-12)  # along the way it goes now
    slowing = np.maximum(before - speed, 0.0) / (times[-1] - times[0])
    lost = np.divide(slowing, speed, out=np.zeros(len(speed)), where=speed > 0.0)  # share of the speed, a second
    moving = np.minimum(ahead, 1.0 / np.maximum(lost, 1e-9))
    return moving - 0.5 * lost * moving**2


def _dying(ahead: float) -> float:
    return DAMPING * (1.0 - float(np.exp(-ahead / DAMPING)))


def _falling(x: Float[np.ndarray, " J"], between: tuple[float, float]) -> Float[np.ndarray, " J"]:
    """1 up to the first bound, 0 from the second, a straight line in between."""
    first, second = between
    return np.clip((second - x) / (second - first), 0.0, 1.0)
