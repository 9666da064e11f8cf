"""Landmarks of a still picture, steadied by looking at it several times.

The landmarkers start each look from where the last one left off, so their crops settle in a few looks; what the
last looks say is averaged.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import UInt8

from inperson.conventions import Intrinsics
from inperson.tracking.fit.landmarks import MP_LEFT_WRIST, MP_RIGHT_WRIST
from inperson.tracking.fit.observe import landmark_trust
from inperson.tracking.landmarkers import Perception
from inperson.tracking.observation import CameraFrame, FaceObservation, HandObservation, Observation

_SETTLING, _AVERAGED = 3, 2
_SEARCHING = 6
"""More looks while a visible wrist has no hand: each searches another place."""
_WRIST_SEEN = 0.6
_STEP_NS = 33_000_000


def observe_still(perception: Perception, image: UInt8[np.ndarray, "H W 3"], intrinsics: Intrinsics) -> Observation:
    """What landmarkers that have seen nothing yet see in one picture, after settling on it."""
    looks: list[Observation] = []
    while len(looks) < _SETTLING + _AVERAGED or (_hand_missing(looks[-1]) and len(looks) < _SETTLING + _SEARCHING):
        looks.append(perception.observe(CameraFrame(image, len(looks) * _STEP_NS, len(looks), intrinsics)))
    return replace(averaged(looks[-_AVERAGED:]), time_ns=0, sequence=0)


def _hand_missing(look: Observation) -> bool:
    if look.body_pixels is None:
        return False
    trust = landmark_trust(look)
    return any(
        hand is None and trust[wrist] > _WRIST_SEEN
        for hand, wrist in ((look.left_hand, MP_LEFT_WRIST), (look.right_hand, MP_RIGHT_WRIST))
    )


def averaged(looks: list[Observation]) -> Observation:
    """The mean of several looks at one picture; a part counts when every look has it, else as in the last look."""
    last = looks[-1]
    pixels = [look.body_pixels for look in looks if look.body_pixels is not None]
    world = [look.body_world for look in looks if look.body_world is not None]
    visibility = [look.body_visibility for look in looks if look.body_visibility is not None]
    if min(len(pixels), len(world), len(visibility)) < len(looks):
        return last
    return replace(
        last,
        body_pixels=np.mean(pixels, axis=0),
        body_world=np.mean(world, axis=0),
        body_visibility=np.mean(visibility, axis=0),
        left_hand=_mean_hand([look.left_hand for look in looks]),
        right_hand=_mean_hand([look.right_hand for look in looks]),
        face=_mean_face([look.face for look in looks]),
    )


def _mean_hand(looks: list[HandObservation | None]) -> HandObservation | None:
    seen = [look for look in looks if look is not None and not look.carried]
    if len(seen) < len(looks):
        return looks[-1]
    return HandObservation(
        np.mean([hand.pixels for hand in seen], axis=0),
        np.mean([hand.world for hand in seen], axis=0),
        float(np.mean([hand.confidence for hand in seen])),
    )


def _mean_face(looks: list[FaceObservation | None]) -> FaceObservation | None:
    seen = [look for look in looks if look is not None]
    if len(seen) < len(looks):
        return looks[-1]
    return replace(
        seen[-1],
        pixels=np.mean([face.pixels for face in seen], axis=0),
        depth=np.mean([face.depth for face in seen], axis=0),
        blendshapes=np.mean([face.blendshapes for face in seen], axis=0),
        confidence=float(np.mean([face.confidence for face in seen])),
    )
