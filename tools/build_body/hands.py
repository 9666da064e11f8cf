"""SMPL-X's hand fields: a relaxed mean pose and a basis of 45 hand components, curl and spread first."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_RELAXED_CURL = {  # index, middle, pinky, ring: radians of flexion at the three joints
    "index": (0.28, 0.36, 0.22),
    "middle": (0.36, 0.42, 0.26),
    "pinky": (0.48, 0.46, 0.30),
    "ring": (0.44, 0.46, 0.28),
}
_THUMB_FLEXION = np.array([0.56, 0.76, -0.31])
"""Axis about which the left thumb bends across the palm; on the right y and z are mirrored."""
_RELAXED_THUMB = ((0.0, 0.30, 0.14), (0.10, 0.13, -0.05), (0.14, 0.19, -0.08))
"""Left: beside the index finger instead of spread, a little bent."""
_SPREAD = (1.0, 0.3, -1.0, -0.4)
"""Of index, middle, pinky and ring about y."""


@dataclass(frozen=True)
class HandSpace:
    """One hand, axis-angle from the flat hand; fingers in SMPL-X's order: index, middle, pinky, ring, thumb."""

    mean: Float[np.ndarray, "45"]
    components: Float[np.ndarray, "45 45"]
    """Orthonormal rows: all fingers curl, each finger curls, fingers spread, then the rest of the space."""


def build_hand(sign: float) -> HandSpace:
    """The left hand (`sign` 1, fingers along +x) or the right (-1)."""
    curl = np.array([0.0, 0.0, -sign])
    mirror = np.array([1.0, sign, sign])
    thumb = mirror * _THUMB_FLEXION / np.linalg.norm(_THUMB_FLEXION)
    mean = np.zeros((5, 3, 3))
    for finger, angles in enumerate(_RELAXED_CURL.values()):
        mean[finger] = curl * np.array(angles)[:, None]
    mean[4] = mirror * np.array(_RELAXED_THUMB)

    fist = np.zeros((5, 3, 3))
    fist[:4] = curl
    first = [fist]
    for finger in range(5):
        one = np.zeros((5, 3, 3))
        one[finger] = thumb if finger == 4 else curl
        first.append(one)
    spread = np.zeros((5, 3, 3))
    spread[:4, 0, 1] = _SPREAD
    first.append(spread)

    known = np.array([c.reshape(-1) for c in first])
    basis = np.linalg.qr(np.concatenate([known, np.eye(45)]).T)[0].T
    # all-fingers and each-finger curls are dependent: QR leaves the last direction free, so only signs are set
    aligned = np.sign((basis[: len(known)] * known).sum(1))
    basis[: len(known)] *= np.where(aligned == 0, 1.0, aligned)[:, None]
    return HandSpace(mean.reshape(-1), basis)
