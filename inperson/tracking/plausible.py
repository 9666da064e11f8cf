"""Doubting hands that cannot be: a hand model sometimes reads the other hand, and it then points back along
this side's forearm, further than wrists bend."""

from dataclasses import replace

import numpy as np

from inperson.tracking.fit import landmarks as lm
from inperson.tracking.fit.observe import landmark_trust, person_pixels
from inperson.tracking.observation import HandObservation, Observation

_IN_SPACE, _IN_PICTURE = (-0.35, 0.05), (-0.6, -0.1)
"""Cosine between forearm and palm at which a hand is impossible, and from which it is quite possible."""
_FOREARM_PIXELS = 0.3
"""A forearm this long in the picture, as a share of the person's size, shows its direction there."""
_ELBOW_TRUST = 0.4
_LEAST_CONFIDENCE = 0.05
_MIDDLE_KNUCKLE = 9


def with_doubts(obs: Observation) -> Observation:
    """The observation with each hand's confidence lowered by how far its wrist would have to bend.

    Hands with next to no confidence left are dropped.
    """
    if obs.body_world is None or (obs.left_hand is None and obs.right_hand is None):
        return obs
    return replace(
        obs,
        left_hand=_doubted(obs, obs.left_hand, lm.MP_LEFT_ELBOW, lm.MP_LEFT_WRIST),
        right_hand=_doubted(obs, obs.right_hand, lm.MP_RIGHT_ELBOW, lm.MP_RIGHT_WRIST),
    )


def _doubted(obs: Observation, hand: HandObservation | None, elbow: int, wrist: int) -> HandObservation | None:
    assert obs.body_world is not None
    assert obs.body_pixels is not None
    if hand is None or landmark_trust(obs)[elbow] < _ELBOW_TRUST:
        return hand
    in_space = _cosine(obs.body_world[wrist] - obs.body_world[elbow], hand.world[_MIDDLE_KNUCKLE] - hand.world[0])
    forearm = obs.body_pixels[wrist] - obs.body_pixels[elbow]
    in_picture = _cosine(forearm, hand.pixels[_MIDDLE_KNUCKLE] - hand.pixels[0])
    shown = min(float(np.linalg.norm(forearm)) / (_FOREARM_PIXELS * person_pixels(obs)), 1.0)
    possible = _ramp(in_space, *_IN_SPACE) * (1.0 - shown * (1.0 - _ramp(in_picture, *_IN_PICTURE)))
    confidence = hand.confidence * possible
    return replace(hand, confidence=confidence) if confidence > _LEAST_CONFIDENCE else None


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-9))


def _ramp(x: float, low: float, high: float) -> float:
    return float(np.clip((x - low) / (high - low), 0.0, 1.0))
