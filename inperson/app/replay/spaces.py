"""Play spaces that moved under the wearer's feet, put into one: a recentring must not make the body jump."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from inperson.app.recording.records import EventRecord
from inperson.conventions import invert_rigid
from inperson.tracking.motion_file import MotionClip

SWITCH_NS = 250_000_000
"""States are of the moment they are shown at, events of the moment they happen: so far apart, at most, lie a
recentring and the first state in the new space."""


def common_space(
    motion: MotionClip, recentrings: Sequence[EventRecord], pelvis: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "T 4 4"]:
    """For every frame of a motion in play spaces, the transform into that of most frames.

    Args:
        motion: of a headset's wearer.
        recentrings: each with its transform, in time.
        pelvis: of the body's rest pose, about which `global_orient` turns.
    """
    marks = _marks(motion, pelvis)
    spaces = np.zeros(len(motion), np.int64)
    T_first_from = [np.eye(4)]
    for event in recentrings:
        if not motion.times_ns[0] - SWITCH_NS < event.time_ns <= motion.times_ns[-1]:
            continue
        T = np.asarray(event.T_new_from_old, float)
        spaces[_switch(motion.times_ns, marks, event.time_ns, T) :] += 1
        T_first_from.append(T_first_from[-1] @ invert_rigid(T))
    ((usual, _),) = Counter(spaces.tolist()).most_common(1)
    T_usual_from = invert_rigid(T_first_from[usual]) @ np.array(T_first_from)
    return T_usual_from[spaces]


def _marks(motion: MotionClip, pelvis: Float[np.ndarray, "3"]) -> Float[np.ndarray, "T 2 3"]:
    """The pelvis and a point a metre before it, in every frame."""
    places = motion.trans.astype(float) + pelvis
    ahead = Rotation.from_rotvec(motion.poses[:, :3].astype(float)).apply([0.0, 0.0, 1.0])
    return np.stack([places, places + ahead], axis=1)


def _switch(
    times_ns: Int[np.ndarray, " T"],
    marks: Float[np.ndarray, "T 2 3"],
    event_ns: int,
    T_new_from_old: Float[np.ndarray, "4 4"],
) -> int:
    """The first frame in the new space: of those near the event, where the transform explains most of a jump; where
    it explains none, the event's own time counts."""
    own = int(np.searchsorted(times_ns, event_ns))
    near = np.flatnonzero(np.abs(times_ns - event_ns) <= SWITCH_NS)
    near = near[near > 0]
    if not len(near):
        return own
    before, here = marks[near - 1], marks[near]
    carried = before @ T_new_from_old[:3, :3].T + T_new_from_old[:3, 3]
    as_is, explained = (np.linalg.norm(here - there, axis=-1).sum(axis=-1) for there in (before, carried))
    gain = as_is - explained
    return int(near[np.argmax(gain)]) if gain.max() > 0.0 else own
