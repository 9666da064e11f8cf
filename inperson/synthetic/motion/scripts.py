"""Scripts: the demo performance, and the short clips that tracking is measured on."""

import numpy as np

from inperson.synthetic.hand_shapes import FIST, LOOSE, OPEN, PINCH, POINT, RELAXED, THREE, TWO, HandShape
from inperson.synthetic.motion.gestures import BACK, FORWARD, Direction, HandKey
from inperson.synthetic.motion.talking import Speech
from inperson.synthetic.motion.upper_body import Script

_REST = ((0.15, -0.30, 0.25), (-0.75, 0.35, 0.55), (-0.35, -0.5, -0.75), RELAXED)
"""Wrist, fingers, palm, shape: hands lightly before the belly."""
_BETWEEN = ((0.17, -0.22, 0.33), (-0.25, 0.45, 0.85), (-0.95, 0.15, -0.2), LOOSE)
"""As if holding a ball."""
_OFFER = ((0.25, -0.19, 0.32), (0.25, 0.35, 0.9), (-0.25, 0.9, -0.2), OPEN)
"""Open, palms up."""
_COUNT = ((0.21, -0.06, 0.30), (-0.05, 1.0, 0.12), FORWARD)
_CHEST = ((0.15, -0.20, 0.27), (-0.85, 0.55, 0.15), BACK, LOOSE)
"""Hands before the chest, palms to it."""
_ELBOW_OUT: Direction = (1.0, -0.7, 0.25)
"""Of a forearm that crosses the body: with the elbow at the ribs it would have to go through them."""


def _wave(start: float, beats: int) -> list[HandKey]:
    """A raised open hand that swings from side to side."""
    out = []
    for k in range(beats):
        side = 1.0 if k % 2 else -1.0
        out.append(
            HandKey(
                start + 0.24 * k, (0.26 + 0.03 * side, -0.01, 0.27), (0.32 * side + 0.08, 1.0, 0.1), FORWARD, OPEN
            )
        )
    return out


def _beats(start: float, count: int, step: float, where: tuple) -> list[HandKey]:
    """Strokes down and up on stressed words."""
    (x, y, z), fingers, palm, shape = where
    out = []
    for k in range(count):
        out.append(HandKey(start + step * k, (x, y + 0.045, z), fingers, palm, shape))
        out.append(HandKey(start + step * k + 0.45 * step, (x, y - 0.03, z + 0.02), fingers, palm, shape))
    return out


def demo_performance() -> Script:
    """Ten seconds: hello with a wave, two-handed beats, one-two-three, hands before the chest, open hands, rest."""
    right = [
        HandKey(0.0, *_REST),
        HandKey(0.5, *_REST),
        *_wave(1.05, 6),
        HandKey(2.9, *_REST),
        *_beats(3.3, 3, 0.5, _BETWEEN),
        HandKey(4.95, *_OFFER),
        HandKey(5.3, *_OFFER),
        HandKey(5.75, *_COUNT, POINT),
        HandKey(6.1, *_COUNT, POINT),
        HandKey(6.35, *_COUNT, TWO),
        HandKey(6.7, *_COUNT, TWO),
        HandKey(6.95, *_COUNT, THREE),
        HandKey(7.3, *_COUNT, THREE),
        HandKey(7.85, *_CHEST),
        HandKey(8.45, *_CHEST),
        HandKey(8.95, *_OFFER),
        HandKey(9.3, *_OFFER),
        HandKey(9.9, *_REST),
    ]
    left = [
        HandKey(0.0, *_REST),
        HandKey(2.9, *_REST),
        *_beats(3.35, 3, 0.5, _BETWEEN),
        HandKey(4.95, *_OFFER),
        HandKey(5.35, *_OFFER),
        HandKey(5.9, *_REST),
        HandKey(7.35, *_REST),
        HandKey(7.9, (0.15, -0.27, 0.25), *_CHEST[1:]),
        HandKey(8.45, (0.15, -0.27, 0.25), *_CHEST[1:]),
        HandKey(8.95, *_OFFER),
        HandKey(9.35, *_OFFER),
        HandKey(9.9, *_REST),
    ]
    speech = Speech(
        phrases=((0.9, 2.3), (3.1, 5.1), (5.6, 7.3), (7.7, 9.2)),
        smiles=((0.6, 2.6), (9.0, 10.2)),
        stresses=(1.1, 3.5, 4.0, 4.5, 5.8, 6.4, 7.0, 8.0, 9.0),
    )
    return Script(10.0, tuple(left), tuple(right), speech)


def stand_still(seconds: float = 2.0) -> Script:
    """A statue with hands in view: what moves in its tracking is jitter."""
    key = HandKey(0.0, (0.22, -0.14, 0.30), (0.0, 1.0, 0.25), FORWARD, OPEN)
    keys = (key, HandKey(seconds, key.position, key.fingers, key.palm, key.shape))
    return Script(seconds, keys, keys, Speech(()), sway=0.0)


def arms_before_chest() -> Script:
    """Four seconds of what trackers get wrong: hands on the chest, forearms across it, one hand before the other."""
    left = (
        HandKey(0.0, *_REST),
        HandKey(0.7, (0.10, -0.16, 0.25), (-0.9, 0.4, 0.1), BACK, OPEN),
        HandKey(1.2, (0.10, -0.16, 0.25), (-0.9, 0.4, 0.1), BACK, OPEN),
        HandKey(1.8, (0.01, -0.25, 0.235), (-1.0, 0.15, 0.2), (0.0, -0.3, -1.0), RELAXED, _ELBOW_OUT),
        HandKey(2.4, (0.01, -0.25, 0.235), (-1.0, 0.15, 0.2), (0.0, -0.3, -1.0), RELAXED, _ELBOW_OUT),
        HandKey(3.1, (0.12, -0.12, 0.30), (-0.6, 0.8, 0.1), BACK, LOOSE),
        HandKey(4.0, *_REST),
    )
    right = (
        HandKey(0.0, *_REST),
        HandKey(0.8, (0.16, -0.24, 0.26), (-0.9, 0.35, 0.1), BACK, OPEN),
        HandKey(1.2, (0.16, -0.24, 0.26), (-0.9, 0.35, 0.1), BACK, OPEN),
        HandKey(1.9, (0.0, -0.17, 0.325), (-1.0, 0.2, 0.1), (0.0, -0.3, -1.0), RELAXED, _ELBOW_OUT),
        HandKey(2.4, (0.0, -0.17, 0.325), (-1.0, 0.2, 0.1), (0.0, -0.3, -1.0), RELAXED, _ELBOW_OUT),
        HandKey(3.1, (0.14, -0.20, 0.34), (-0.5, 0.85, 0.2), BACK, LOOSE),
        HandKey(4.0, *_REST),
    )
    return Script(4.0, left, right, Speech(((0.3, 3.6),), stresses=(0.8, 2.0, 3.0)))


_ORIENTATIONS: tuple[tuple[Direction, Direction], ...] = (
    ((-0.05, 1.0, 0.15), FORWARD),
    ((-0.25, 0.6, 0.75), (-0.95, 0.1, -0.2)),
    ((0.2, 0.4, 0.9), (-0.2, 0.95, -0.2)),
    ((-0.8, 0.55, 0.2), BACK),
    ((-0.1, 0.9, 0.4), (-0.8, -0.1, 0.5)),
)
"""Fingers and palm of hands as people hold them at a webcam (left hand)."""
_SHAPES: tuple[HandShape, ...] = (OPEN, LOOSE, RELAXED, FIST, POINT, TWO, THREE, PINCH)


def random_gestures(rng: np.random.Generator, seconds: float = 4.0) -> Script:
    """Both hands wander between random places and shapes in front of the body, while the person talks."""
    hands = []
    for _ in range(2):
        keys = [HandKey(0.0, *_REST)]
        while keys[-1].seconds < seconds - 0.5:
            at = keys[-1].seconds + float(rng.uniform(0.45, 0.9))
            place = (float(rng.uniform(0.10, 0.30)), float(rng.uniform(-0.28, 0.06)), float(rng.uniform(0.27, 0.38)))
            fingers, palm = _ORIENTATIONS[rng.integers(len(_ORIENTATIONS))]
            shape = _SHAPES[rng.integers(len(_SHAPES))]
            keys.append(HandKey(at, place, fingers, palm, shape))
            keys.append(HandKey(at + 0.25, place, fingers, palm, shape))
        hands.append(tuple(keys))
    stresses = tuple(float(t) for t in np.arange(0.6, seconds, 0.8))
    return Script(seconds, hands[0], hands[1], Speech(((0.3, seconds - 0.3),), stresses=stresses))
