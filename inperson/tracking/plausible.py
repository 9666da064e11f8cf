"""Hands that cannot be: a hand model sometimes reads the other hand, or a hand pointing back along its forearm."""

from dataclasses import replace

import numpy as np

from inperson.tracking.fit import landmarks as lm
from inperson.tracking.fit.observe import landmark_trust
from inperson.tracking.observation import HandObservation, Observation

BACKWARDS = -0.35
"""Cosine between forearm and palm below which a wrist would have to bend further than wrists do (110 degrees)."""
_ELBOW_TRUST = 0.4
_MIDDLE_KNUCKLE = 9


def without_impossible_hands(obs: Observation) -> Observation:
    """The observation less the hands that point back along their forearm."""
    if obs.body_world is None or (obs.left_hand is None and obs.right_hand is None):
        return obs
    left = _keep(obs, obs.left_hand, lm.MP_LEFT_ELBOW, lm.MP_LEFT_WRIST)
    right = _keep(obs, obs.right_hand, lm.MP_RIGHT_ELBOW, lm.MP_RIGHT_WRIST)
    if left is obs.left_hand and right is obs.right_hand:
        return obs
    return replace(obs, left_hand=left, right_hand=right)


def _keep(obs: Observation, hand: HandObservation | None, elbow: int, wrist: int) -> HandObservation | None:
    assert obs.body_world is not None
    if hand is None or landmark_trust(obs)[elbow] < _ELBOW_TRUST:
        return hand
    forearm = obs.body_world[wrist] - obs.body_world[elbow]
    palm = hand.world[_MIDDLE_KNUCKLE] - hand.world[0]
    cosine = float(forearm @ palm / max(float(np.linalg.norm(forearm) * np.linalg.norm(palm)), 1e-9))
    return hand if cosine > BACKWARDS else None
