"""Legs from the hips to feet on the floor: knees bend as the hips sink, heels rise before a foot leaves it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.tracking.headset_feet import Footing
from inperson.tracking.headset_frames import about, apply, cross, dot, inverse_times, times, unit
from inperson.tracking.headset_skeleton import JOINT, WearerSkeleton
from inperson.tracking.headset_two_bone import two_bones

_UP, _LEFT = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
_HIP, _KNEE, _ANKLE, _BALL = (
    (JOINT["left_hip"], JOINT["right_hip"]),
    (JOINT["left_knee"], JOINT["right_knee"]),
    (JOINT["left_ankle"], JOINT["right_ankle"]),
    (JOINT["left_foot"], JOINT["right_foot"]),
)
_TIPTOE = 0.7
"""Radians a heel may rise about the ball of the foot."""
_KNEES_OUT = 0.25
"""How far knees turn out as they bend fully, as a share of their way forward."""


class Leg(NamedTuple):
    """One leg in the rest pose, metres."""

    thigh: Float[np.ndarray, "3"]
    shin: Float[np.ndarray, "3"]
    ball: Float[np.ndarray, "3"]
    """From the ankle to the ball of the foot."""
    ankle: float
    """Height above the sole."""
    side: float
    """1 left, -1 right."""


def legs_of(skeleton: WearerSkeleton) -> tuple[Leg, Leg]:
    """Left and right."""
    rest, offsets = skeleton.rest, skeleton.tree.offsets
    left, right = (
        Leg(
            offsets[_KNEE[k]],
            offsets[_ANKLE[k]],
            offsets[_BALL[k]],
            float(rest[_ANKLE[k], 1]) - skeleton.sole,
            1.0 - 2.0 * k,
        )
        for k in range(2)
    )
    return left, right


def stand(
    legs: tuple[Leg, Leg], pelvis: Float[np.ndarray, "3 3"], hips: Float[np.ndarray, "2 3"], footing: Footing
) -> Float[np.ndarray, "8 3 3"]:
    """Local rotations of hips, knees, ankles and balls of the feet, left and right in turns (as in SMPL-X).

    Args:
        legs: of `legs_of`.
        pelvis: its world rotation.
        hips: places of the hip joints, play space.
        footing: where the feet are to be.
    """
    out = np.empty((8, 3, 3))
    for k, leg in enumerate(legs):
        place, lift = footing.places[k], float(footing.lifts[k])
        ankle = np.array([place[0], leg.ankle + lift, place[1]])
        _solve_leg(pelvis, hips[k], ankle, float(footing.yaws[k]), leg, out[k::2])
    return out


@njit(cache=True, nogil=True)
def _solve_leg(pelvis, hip, ankle, yaw, leg, out):
    """Writes local rotations of hip, knee, ankle and ball (4, 3, 3)."""
    foot = about(_UP, yaw)
    heel = _heel_rise(hip, ankle, foot, leg)
    raised = times(foot, about(_LEFT, heel))
    target = ankle + apply(foot, leg.ball) - apply(raised, leg.ball)
    line = hip - target
    length = np.sqrt(dot(leg.thigh, leg.thigh)) + np.sqrt(dot(leg.shin, leg.shin))
    bent = 1.0 - min(np.sqrt(dot(line, line)) / length, 1.0)
    across = unit(foot[:, 0] + pelvis[:, 0], _LEFT)
    pole = unit(cross(across, line), foot[:, 2]) + leg.side * _KNEES_OUT * bent * across
    thigh, shin = two_bones(hip, target, leg.thigh, leg.shin, _LEFT, pole)
    reached = hip + apply(thigh, leg.thigh) + apply(shin, leg.shin)
    raised = times(foot, about(_LEFT, min(heel, _toes_on_floor(reached[1], leg))))
    out[0] = inverse_times(pelvis, thigh)
    out[1] = inverse_times(thigh, shin)
    out[2] = inverse_times(shin, raised)
    out[3] = inverse_times(raised, foot)


@njit(cache=True, nogil=True)
def _heel_rise(hip, ankle, foot, leg):
    """Radians (positive lifts the heel) that bring the ankle within the leg's length of the hip, by bisection."""
    length = np.sqrt(dot(leg.thigh, leg.thigh)) + np.sqrt(dot(leg.shin, leg.shin))
    ball = ankle + apply(foot, leg.ball)
    low, high = 0.0, _TIPTOE
    if _distance(hip, ankle) <= length:
        return 0.0
    for _ in range(16):
        middle = 0.5 * (low + high)
        raised = ball - apply(times(foot, about(_LEFT, middle)), leg.ball)
        if _distance(hip, raised) <= length:
            high = middle
        else:
            low = middle
    return high


@njit(cache=True, nogil=True)
def _toes_on_floor(ankle_height, leg):
    """Radians that the heel may be above toes that touch the floor, for an ankle that high."""
    up, ahead = leg.ball[1], leg.ball[2]
    radius = np.sqrt(up * up + ahead * ahead)
    below = min(max((leg.ankle + up - ankle_height) / radius, -1.0), 1.0)
    return max(np.arccos(below) - np.arctan2(ahead, up), 0.0)


@njit(cache=True, nogil=True)
def _distance(a, b):
    return np.sqrt(dot(a - b, a - b))
