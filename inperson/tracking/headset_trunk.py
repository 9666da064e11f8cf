"""The trunk below a head: how it leans without a webcam, and how spine and neck share what the head asks for."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.tracking.headset_frames import (
    about,
    apply,
    cross,
    dot,
    exponential,
    inverse_times,
    logarithm,
    ramp,
    times,
    unit,
)
from inperson.tracking.headset_skeleton import JOINT, WearerSkeleton

_CHAIN = [JOINT[name] for name in ("pelvis", "spine1", "spine2", "spine3", "neck", "head")]
_UP, _LEFT = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
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
"""Metres above the floor below which no pelvis goes: the trunk folds forward instead,"""
_MOST_FOLD, _HALVINGS = 1.8, 10
"""by so many radians at most, found in so many steps."""
SWAY = 0.06
"""Metres the neck may be off the feet upright; more takes a bow, or a step."""
_NOT_BOWED = 0.02
"""Metres that a head may be lower than it stands without a bow."""
_SIT, _SIT_AHEAD = (0.70, 0.86), 0.38
"""Metres a head is lower than it stands as a squat becomes sitting on the floor, and how far ahead feet then are."""
_TILT_SHARE = 0.6
"""Share of a lean that the pelvis tilts; the spine's three joints bend the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class TrunkPose:
    """Local rotations of pelvis (the body's root) and spine, play space."""

    rotations: Float[np.ndarray, "4 3 3"]
    """Pelvis, spine1, spine2, spine3."""
    over: Float[np.ndarray, "2"]
    """(x, z) between the ankles of one who stood upright below this head (or sat, when it is that low), metres."""
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
    roll = np.clip(np.arcsin(np.clip(-_BOWED * aside / trunk, -0.95, 0.95)), -_MOST_ASIDE, _MOST_ASIDE)
    lean = np.array([float(pitch), 0.0, float(roll)])
    bend = exponential(lean * (1.0 - _TILT_SHARE) / 3.0)
    sitting = ramp(lowered, *_SIT)
    return TrunkPose(
        np.stack([upright @ exponential(_TILT_SHARE * lean), bend, bend, bend]),
        over + _SIT_AHEAD * sitting * upright[[0, 2], 2],
        SWAY + (1.0 - sitting) * (reach - SWAY),
    )


def _neck_of(
    skeleton: WearerSkeleton,
    R_head: Float[np.ndarray, "3 3"],
    upright: Float[np.ndarray, "3 3"],
    eyes: Float[np.ndarray, "3"],
) -> Float[np.ndarray, "3"]:
    """About where the neck begins: the head's joint is certain, the neck goes half along with the head."""
    half = upright @ exponential(0.5 * logarithm(upright.T @ R_head))
    return eyes - R_head @ skeleton.eyes - half @ skeleton.tree.offsets[JOINT["head"]]


def hang_from_head(
    skeleton: WearerSkeleton,
    trunk: Float[np.ndarray, "4 3 3"],
    R_head: Float[np.ndarray, "3 3"],
    eyes: Float[np.ndarray, "3"],
) -> Float[np.ndarray, "6 3 3"]:
    """Local rotations of pelvis, spine1-3, neck and head for a trunk below a head (see `bend_to_head`); a trunk that
    would take the pelvis into the floor folds forward.

    Args:
        trunk: local rotations of pelvis and spine1-3.
        R_head: world rotation of the head joint.
        eyes: where the midpoint between the eyes is, play space.
    """
    chain = skeleton.tree.offsets[_CHAIN]
    return _fold_above_floor(trunk, R_head, chain, float((eyes - R_head @ skeleton.eyes)[1]))


@njit(cache=True, nogil=True)
def _fold_above_floor(trunk, R_head, chain, head_height):
    """Turns the pelvis forward about its left, by bisection, as far as its height needs.

    Args:
        chain: (6, 3) offsets of pelvis (not read), spine1-3, neck and head from their parents.
        head_height: of the head joint above the floor.
    """
    bent = bend_to_head(trunk, R_head)
    if head_height - _rise(bent, chain) >= _LEAST_PELVIS:
        return bent
    ahead = trunk[0][:, 2] - trunk[0][1, 2] * trunk[0][:, 1]
    left = unit(cross(_UP, np.array([ahead[0], 0.0, ahead[2]])), _LEFT)
    folded, low, high = trunk.copy(), 0.0, _MOST_FOLD
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        folded[0] = times(about(left, middle), trunk[0])
        bent = bend_to_head(folded, R_head)
        if head_height - _rise(bent, chain) >= _LEAST_PELVIS:
            high = middle
        else:
            low = middle
    return bent


@njit(cache=True, nogil=True)
def _rise(bent, chain):
    """Height of the head joint above the pelvis."""
    height, parent = 0.0, bent[0]
    for k in range(1, 6):
        height += dot(parent[1], chain[k])
        parent = times(parent, bent[k])
    return height


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
