"""The hands that Monado's remote driver makes of finger curls (`auxiliary/util/u_hand_simulation.c`, its Valve Index
hand): what a script bends, so what a client must find bent."""

import numpy as np

_CURL = 1.1
BENDS: dict[str, tuple[float, float, float]] = {
    "little": (1.3 * 1.3 * _CURL, 1.3 * _CURL, 1.3 * 0.4 * _CURL),
    "ring": (1.3 * 1.3 * _CURL, 1.3 * _CURL, 1.3 * 0.4 * _CURL),
    "middle": (1.3 * 1.3 * _CURL, 1.3 * _CURL, 1.3 * 0.4 * _CURL),
    "index": (1.3 * _CURL, _CURL, _CURL),
    "thumb": (-0.08, 1.57, 1.4),
}
"""Radians that a whole curl adds at each joint: knuckle, middle and end joint of a finger; of the thumb its root in
the palm (which opens a little), its knuckle and its end joint."""
THUMB_AT_REST = -np.deg2rad(10.0)
"""Bend of the thumb's two outer joints without any curl."""
