"""A hand that holds a controller: where its wrist is, and its fingers around the handle.

OpenXR's grip pose sits in the middle of the closed hand: -z through the tube of the fingers from the little finger
to the thumb, x across the palm (out of the left one, into the right one). A handle is not held square to the hand:
at rest the metacarpals make 65 degrees with the tube on the thumb's side.
"""

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.tracking.fit.limits import pose_prior
from inperson.tracking.fit.so3 import exp_all
from inperson.tracking.headset_hands import FINGERS, RestHand, TrackedWrist
from inperson.tracking.headset_skeleton import JOINT

_OFF_SQUARE = np.deg2rad(25.0)
_WRIST_BEHIND = 0.75
"""How far the wrist lies behind the handle, as a share of the way to the middle knuckle,"""
_WRIST_ABOVE = 0.030
"""and how far above it, out of the back of the hand, metres."""
_FLEX = {"index": (0.65, 0.80, 0.40), "thumb": (0.20, 0.35, 0.35)}
_FLEX_OTHERS = (0.95, 1.00, 0.55)
"""Radians each finger joint closes around a handle; the index finger rests on the trigger."""


def wrist_from_grip(T_play_from_grip: Float[np.ndarray, "4 4"], rest: RestHand, *, left: bool) -> TrackedWrist:
    """The wrist of a hand that holds a controller."""
    c, s = np.cos(_OFF_SQUARE), np.sin(_OFF_SQUARE)
    back = np.array([-1.0 if left else 1.0, 0.0, 0.0])
    towards_wrist = np.array([0.0, c, s])
    hand = np.stack([np.cross(back, towards_wrist), back, towards_wrist], axis=1)
    wrist = _WRIST_BEHIND * rest.length * towards_wrist + _WRIST_ABOVE * back
    R, t = T_play_from_grip[:3, :3].astype(np.float64), T_play_from_grip[:3, 3].astype(np.float64)
    return TrackedWrist(t + R @ wrist, R @ hand @ rest.wrist.T)


def gripping_fingers(body: BodyModel, *, left: bool) -> Float[np.ndarray, "15 3 3"]:
    """Local rotations of fingers around a handle."""
    prior = pose_prior(body)
    side = "left" if left else "right"
    out = np.zeros((15, 3))
    for f, finger in enumerate(FINGERS):
        for k, flex in enumerate(_FLEX.get(finger, _FLEX_OTHERS)):
            out[3 * f + k] = prior.frame[JOINT[f"{side}_{finger}{k + 1}"]] @ np.array([0.0, 0.0, flex])
    return exp_all(out)
