"""Which parts of the person an observation shows, with hysteresis so that a part does not flicker."""

import numpy as np

from inperson.tracking.fit import landmarks as lm
from inperson.tracking.fit.observe import landmark_trust
from inperson.tracking.observation import HandObservation, Observation
from inperson.tracking.parts import Part

APPEARS, DISAPPEARS = 0.55, 0.35
"""Trust above which a hidden part counts as seen, and below which a seen one counts as hidden."""
HAND_APPEARS, HAND_DISAPPEARS = 0.15, 0.08
"""The same for hands: the landmarker has already chosen which to believe, and how much they count is graded."""

_LANDMARKS = {
    Part.LEFT_ARM: (lm.MP_LEFT_ELBOW, lm.MP_LEFT_WRIST),
    Part.RIGHT_ARM: (lm.MP_RIGHT_ELBOW, lm.MP_RIGHT_WRIST),
    Part.LEFT_LEG: (lm.MP_LEFT_KNEE,),
    Part.RIGHT_LEG: (lm.MP_RIGHT_KNEE,),
}


class SeenParts:
    """Keeps the hysteresis of one person."""

    def __init__(self) -> None:
        self._seen: frozenset[Part] = frozenset()

    def update(self, obs: Observation) -> frozenset[Part]:
        """The parts seen in this observation."""
        trust = self.confidence(obs)
        seen = {part for part in Part if trust[part] > self._threshold(part)}
        if Part.TRUNK not in seen:
            seen &= {Part.FACE, Part.EYES}
        self._seen = frozenset(seen)
        return self._seen

    def _threshold(self, part: Part) -> float:
        if part in (Part.LEFT_FINGERS, Part.RIGHT_FINGERS):
            return HAND_DISAPPEARS if part in self._seen else HAND_APPEARS
        return DISAPPEARS if part in self._seen else APPEARS

    @staticmethod
    def confidence(obs: Observation) -> dict[Part, float]:
        """How well each part is seen, 0 to 1, without memory."""
        out = dict.fromkeys(Part, 0.0)
        if obs.face is not None:
            out[Part.FACE] = out[Part.EYES] = float(obs.face.confidence)
        if obs.body_pixels is None or obs.body_world is None or obs.body_visibility is None:
            return out
        trust = landmark_trust(obs)
        out[Part.TRUNK] = float(max(trust[[lm.MP_LEFT_SHOULDER, lm.MP_RIGHT_SHOULDER]].max(), _any_face(obs)))
        for part, points in _LANDMARKS.items():
            out[part] = float(np.mean(trust[list(points)]))
        for arm, fingers, hand in (
            (Part.LEFT_ARM, Part.LEFT_FINGERS, obs.left_hand),
            (Part.RIGHT_ARM, Part.RIGHT_FINGERS, obs.right_hand),
        ):
            out[fingers] = _hand_trust(hand)
            out[arm] = max(out[arm], out[fingers])
        return out


def _any_face(obs: Observation) -> float:
    return 0.0 if obs.face is None else float(obs.face.confidence)


def _hand_trust(hand: HandObservation | None) -> float:
    return 0.0 if hand is None else float(hand.confidence)
