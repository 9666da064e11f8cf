"""Elbow and finger joints moved towards the middle of their limb.

MakeHuman's bones run near the back of the fingers and of the elbow. Bending about such an axis squeezes the
whole limb on its inner side: fingers at 90 degrees would lose a third of their volume.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import JOINT_NAMES
from tools.build_body.skeleton import PARENTS

_ELBOW_SHARE, _FINGER_SHARE, _KNUCKLE_SHARE = 0.65, 0.85, 0.6
"""How far towards the middle of the cross-section; real axes lie a little behind it."""
_FINGERS = ("index", "middle", "pinky", "ring")


@dataclass(frozen=True)
class JointCentering:
    """Linear in joints and vertices: applies to people and to shape directions alike."""

    share: Float[np.ndarray, "55 55"]
    """Row j: how much of joint k's way to its ring joint j goes."""
    ring: Float[np.ndarray, "55 n"]
    """Weights of each joint's ring of vertices; rows sum to 1, or are zero."""

    def apply(
        self, joints: Float[np.ndarray, "k 55 3"], vertices: Float[np.ndarray, "k n 3"]
    ) -> Float[np.ndarray, "k 55 3"]:
        """Centred joints of k people or directions."""
        has_ring = self.ring.any(axis=1)[None, :, None]
        offsets = np.where(has_ring, np.einsum("jn,knc->kjc", self.ring, vertices, optimize=True) - joints, 0.0)
        return joints + np.einsum("ij,kjc->kic", self.share, offsets)


def find_centering(
    vertices: Float[np.ndarray, "n 3"], joints: Float[np.ndarray, "55 3"], weights: Float[np.ndarray, "n 55"]
) -> JointCentering:
    """Rings on the T-posed neutral body; `weights` of vertices that are no part of the body must be zero."""
    share = np.zeros((len(JOINT_NAMES), len(JOINT_NAMES)))
    ring = np.zeros((len(JOINT_NAMES), len(vertices)))
    for j, name in enumerate(JOINT_NAMES):
        part = name.removeprefix("left_").removeprefix("right_")
        if part == "elbow":
            share[j, j] = _ELBOW_SHARE
            ring[j] = _ring(vertices, joints, weights, j, width=0.012)
        elif part[:-1] in _FINGERS and part[-1] in "23":
            share[j, j] = _FINGER_SHARE
            ring[j] = _ring(vertices, joints, weights, j, width=0.004)
        elif part[:-1] in _FINGERS:  # the knuckle's own section is the whole palm: take its neighbour's offset
            share[j, j + 1] = _KNUCKLE_SHARE
    return JointCentering(share, ring)


def _ring(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray, joint: int, width: float) -> np.ndarray:
    """Gaussian weights of the limb's vertices by their distance along it."""
    parent = PARENTS[joint]
    axis = joints[joint] - joints[parent]
    along = (vertices - joints[joint]) @ (axis / np.linalg.norm(axis))
    on_limb = weights[:, joint] + weights[:, parent] > 0.9
    falloff = np.where(on_limb, np.exp(-0.5 * (along / width) ** 2), 0.0)
    return falloff / falloff.sum()
