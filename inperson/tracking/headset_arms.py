"""An arm from where its wrist is: collar, shoulder, elbow and wrist rotations that meet it exactly.

The wrist leaves one freedom, the elbow's swivel about the line from shoulder to wrist. Its natural place comes
from carrying one reference arm (hand ahead, elbow below and outside) to the line's direction along the shortest
arc, which is smooth everywhere but for hands straight behind and above the back. It gives way to a forearm that
would twist too far, and to the elbow that a webcam sees.

Directions live in the chest's frame (spine3: x to the left, y up, z ahead).
"""

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.tracking.headset_frames import (
    about,
    apply,
    cross,
    dot,
    inverse_times,
    perpendicular,
    ramp,
    rotation_between,
    times,
    twist_about,
    unit,
)
from inperson.tracking.headset_two_bone import two_bones

_AHEAD = np.array([0.0, -0.29, 0.957])
"""Direction of the reference hand,"""
_ELBOW_BELOW, _ELBOW_OUT_STRAIGHT, _ELBOW_OUT_BENT = -0.9, 0.25, 0.95
"""and its elbow: below, and the further out the more the arm is bent."""
_TWIST_SHARE = 0.5
"""Share of the hand's twist about the forearm that the elbow joint takes, as radius and ulna do."""
_EASY_TWIST, _FULL_TWIST = 0.7, 2.0
"""Radians of forearm twist that are comfortable, and up to which anatomy goes."""
_FULL_BEND, _FOLDED = 1.6, 2.8
"""Radians up to which wrists bend, and beyond which the hand's twist says nothing."""
_SWIVEL_GIVES = 0.7
"""Share of the uncomfortable twist that the elbow's swivel takes away."""
_SHRUG, _PROTRACT = 0.40, 0.30
"""Radians a collarbone rises with a hand straight above and comes forward with one straight ahead."""


@njit(cache=True, nogil=True)
def collar_rotation(line: Float[np.ndarray, "3"], reach: float, side: float) -> Float[np.ndarray, "3 3"]:
    """How the collarbone goes along with the hand.

    Args:
        line: unit vector from the resting shoulder to the wrist, chest frame.
        reach: their distance as a share of the arm's length.
        side: 1 left, -1 right.
    """
    far = ramp(reach, 0.4, 1.0)
    rise = _SHRUG * ramp(line[1], -0.4, 1.0) * (0.5 + 0.5 * far)
    forward = _PROTRACT * far * ramp(line[2], 0.0, 1.0)
    across = 0.5 * _PROTRACT * far * ramp(-side * line[0], 0.0, 0.8)
    turn = about(np.array([0.0, 1.0, 0.0]), -side * (forward + across))
    return times(turn, about(np.array([0.0, 0.0, 1.0]), side * rise))


@njit(cache=True, nogil=True)
def natural_pole(line: Float[np.ndarray, "3"], reach: float, side: float) -> Float[np.ndarray, "3"]:
    """Where the elbow points, at right angles to `line`; arguments as of `collar_rotation`."""
    bent = 1.0 - ramp(reach, 0.35, 0.95)
    out = _ELBOW_OUT_STRAIGHT + bent * (_ELBOW_OUT_BENT - _ELBOW_OUT_STRAIGHT)
    reference = perpendicular(np.array([side * out, _ELBOW_BELOW, 0.0]), _AHEAD)
    return unit(apply(rotation_between(_AHEAD, line), reference), np.array([0.0, -1.0, 0.0]))


@njit(cache=True, nogil=True)
def solve_arm(shoulder, wrist, hand, upper, lower, side, swivel):
    """World rotations are the chest's frame here.

    Args:
        shoulder: (3,) where the upper arm begins.
        wrist: (3,) where the hand is.
        hand: (3, 3) its rotation.
        upper, lower: (3,) the two bones in the rest pose.
        side: 1 left, -1 right.
        swivel: radians by which the elbow is turned about the line to the wrist, from its natural place.

    Returns:
        Rotations (3, 3) of upper arm, forearm (twist included) and hand, chest frame.
    """
    line = wrist - shoulder
    distance = np.sqrt(dot(line, line))
    line = unit(line, _AHEAD)
    length = np.sqrt(dot(upper, upper)) + np.sqrt(dot(lower, lower))
    hinge = np.array([0.0, -side, 0.0])
    pole = apply(about(line, swivel), natural_pole(line, distance / length, side))
    first, second = two_bones(shoulder, wrist, upper, lower, hinge, pole)
    bone = unit(lower, np.array([side, 0.0, 0.0]))
    twist, clear = _forearm_twist(second, hand, bone)
    uneasy = np.sign(twist) * max(abs(twist) - _EASY_TWIST, 0.0)
    relief = _SWIVEL_GIVES * clear * uneasy * dot(line, apply(second, bone))
    first, second = two_bones(shoulder, wrist, upper, lower, hinge, apply(about(line, relief), pole))
    twist, clear = _forearm_twist(second, hand, bone)
    return first, times(second, about(bone, _TWIST_SHARE * clear * twist)), hand


@njit(cache=True, nogil=True)
def _forearm_twist(forearm, hand, bone):
    """The hand's twist about the forearm, and how clear it is, 0 to 1: half a turn of twist has no sign, and a
    hand folded back onto the forearm no twist."""
    turn = inverse_times(forearm, hand)
    twist = twist_about(turn, bone)
    folded = np.arccos(min(max(dot(apply(turn, bone), bone), -1.0), 1.0))
    clear = (1.0 - ramp(abs(twist), _FULL_TWIST, np.pi)) * (1.0 - ramp(folded, _FULL_BEND, _FOLDED))
    return twist, clear


@njit(cache=True, nogil=True)
def swivel_of(shoulder, elbow, wrist, line, reach, side):
    """The swivel that an elbow seen elsewhere (on another arm's pose, chest frame) asks for on `line`.

    Args:
        shoulder, elbow, wrist: (3,) of the arm seen.
        line, reach, side: of the arm to be posed, as of `collar_rotation`.

    Returns:
        Radians from the natural place, and how much the sight says, 0 to 1: little for a straight arm, or one
        that points elsewhere.
    """
    seen_line = unit(wrist - shoulder, line)
    out = perpendicular(elbow - shoulder, seen_line)
    bend = np.sqrt(dot(out, out))
    pole = apply(rotation_between(seen_line, line), unit(out, line))
    natural = natural_pole(line, reach, side)
    angle = np.arctan2(dot(cross(natural, pole), line), dot(natural, pole))
    apart = np.arccos(min(max(dot(seen_line, line), -1.0), 1.0))
    return angle, ramp(bend, 0.02, 0.08) * (1.0 - ramp(apart, 0.2, 0.8))
