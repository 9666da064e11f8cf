"""Scripts: the demo performance, and the short clips that tracking is measured on."""

from inperson.synthetic.hand_shapes import LOOSE, OPEN, POINT, RELAXED, THREE, TWO
from inperson.synthetic.motion.gestures import BACK, FORWARD, HandKey
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
