"""The trunk below a head: how it leans without a webcam, and how spine and neck share what the head asks for."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.tracking.headset_frames import about, apply, dot, exponential, inverse_times, logarithm, times
from inperson.tracking.headset_skeleton import JOINT, WearerSkeleton

_UP, _LEFT, _AHEAD = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
_SPINE_SHARE, _NECK_EASY, _SOFT, _SPINE_MOST = 0.15, 0.85, 0.15, 1.3
"""Of the angle from trunk to head, the spine takes this share, and nearly all beyond what is easy for the neck
(radians), up to its own limit."""
_BOWED = 0.75
"""Share of the neck's way over the feet that is leaning; the hips make up the rest."""
_MOST_FORWARD, _MOST_BACK, _MOST_ASIDE = 1.15, -0.35, 0.45
"""Radians of lean."""
_SQUAT_LEAN, _SQUAT_M = 0.55, 0.55
"""A squat that is this many metres deep leans the trunk forward by so many radians, to balance."""
_LEAST_PELVIS = 0.13
"""Metres above the floor below which no pelvis goes: the trunk folds forward instead."""
SWAY = 0.06
"""Metres the neck may be off the feet upright; more takes a bow, or a step."""
_NOT_BOWED = 0.02
"""Metres that a head may be lower than it stands without a bow."""
_TILT_SHARE = 0.6
"""Share of a lean that the pelvis tilts; the spine's three joints bend the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class TrunkPose:
    """Local rotations of pelvis (the body's root) and spine, play space."""

    rotations: Float[np.ndarray, "4 3 3"]
    """Pelvis, spine1, spine2, spine3."""
    over: Float[np.ndarray, "2"]
    """(x, z) between the ankles of one who stood upright below this head, metres."""
    reach: float
    """Metres that the feet may be away from there and the trunk still leans this far."""


def leaning_trunk(
    skeleton: WearerSkeleton,
    R_head: Float[np.ndarray, "3 3"],
    eyes: Float[np.ndarray, "3"],
    yaw: float,
    stance: Float[np.ndarray, "2"] | None,
) -> TrunkPose:
    """A trunk between the feet and the head, with nothing else known.

    Args:
        R_head: world rotation of the head joint.
        eyes: where the midpoint between the eyes is, play space.
        yaw: the trunk's heading, radians about y from facing +z.
        stance: (x, z) of the point between the ankles, metres; None puts it below.
    """
    upright = about(_UP, yaw)
    neck = _neck_of(skeleton, R_head, upright, eyes)
    rest = skeleton.rest
    feet = 0.5 * (rest[JOINT["left_ankle"]] + rest[JOINT["right_ankle"]])
    trunk = float(rest[JOINT["neck"], 1] - rest[JOINT["pelvis"], 1])
    lowered = max(float(rest[JOINT["neck"], 1]) - skeleton.sole - neck[1], 0.0)
    usual = upright @ (rest[JOINT["neck"]] - feet)
    over = neck[[0, 2]] - usual[[0, 2]]
    off = np.zeros(2) if stance is None else over - stance
    bowed = max(trunk - max(lowered - _NOT_BOWED, 0.0), 0.0)
    reach = SWAY + float(np.sqrt(max(trunk**2 - bowed**2, 0.0)))
    off = off * min(reach / max(float(np.hypot(*off)), 1e-9), 1.0)
    aside, ahead = upright[[0, 2]][:, [0, 2]].T @ off
    pitch = np.clip(np.arcsin(np.clip(_BOWED * ahead / trunk, -0.95, 0.95)), _MOST_BACK, _MOST_FORWARD)
    pitch += _SQUAT_LEAN * min(lowered / _SQUAT_M, 1.0)
    room = np.clip((neck[1] - _LEAST_PELVIS) / trunk, 0.0, 1.0)
    pitch = max(float(pitch), float(np.arccos(room)))
    roll = np.clip(np.arcsin(np.clip(-_BOWED * aside / trunk, -0.95, 0.95)), -_MOST_ASIDE, _MOST_ASIDE)
    lean = np.array([pitch, 0.0, float(roll)])
    bend = exponential(lean * (1.0 - _TILT_SHARE) / 3.0)
    return TrunkPose(np.stack([upright @ exponential(_TILT_SHARE * lean), bend, bend, bend]), over, reach)


def _neck_of(
    skeleton: WearerSkeleton,
    R_head: Float[np.ndarray, "3 3"],
    upright: Float[np.ndarray, "3 3"],
    eyes: Float[np.ndarray, "3"],
) -> Float[np.ndarray, "3"]:
    """About where the neck begins: the head's joint is certain, the neck goes half along with the head."""
    half = upright @ exponential(0.5 * logarithm(upright.T @ R_head))
    return eyes - R_head @ skeleton.eyes - half @ skeleton.tree.offsets[JOINT["head"]]


@njit(cache=True, nogil=True)
def bend_to_head(trunk: Float[np.ndarray, "4 3 3"], R_head: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "6 3 3"]:
    """Local rotations of pelvis, spine1-3, neck and head under which the head has exactly `R_head`.

    The spine takes a part of what is between trunk and head, all the more of what would break the neck; neck and
    head halve the rest.

    Args:
        trunk: local rotations of pelvis and spine1-3.
        R_head: world rotation of the head.
    """
    chest = times(times(trunk[0], trunk[1]), times(trunk[2], trunk[3]))
    between = logarithm(inverse_times(chest, R_head))
    angle = np.sqrt(dot(between, between))
    out = np.empty((6, 3, 3))
    out[0] = trunk[0]
    axis = apply(chest, between / max(angle, 1e-9))
    step = spine_share(angle) / 3.0
    parent = trunk[0]
    for k in range(1, 4):
        straight = times(parent, trunk[k])
        out[k] = times(trunk[k], about(apply(straight.T, axis), step))
        parent = times(parent, out[k])
    out[4] = exponential(0.5 * logarithm(inverse_times(parent, R_head)))
    out[5] = inverse_times(times(parent, out[4]), R_head)
    return out


@njit(cache=True, nogil=True)
def spine_share(angle: float) -> float:
    """Radians of `angle` between trunk and head that the spine takes."""
    beyond = _SOFT * np.log1p(np.exp(min((angle - _NECK_EASY) / _SOFT, 50.0)))
    beyond -= _SOFT * np.log1p(np.exp(-_NECK_EASY / _SOFT))
    return min(_SPINE_SHARE * angle + (1.0 - _SPINE_SHARE) * beyond, _SPINE_MOST)
