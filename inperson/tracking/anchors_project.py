"""Where a pose puts anchors in a camera's picture, and how it bends the surface around them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.conventions import Intrinsics
from inperson.tracking.anchors import AnchorSet
from inperson.tracking.fit.problem import NUM_JOINTS, Skeleton
from inperson.tracking.fit.skeleton import forward_joints


@dataclass(frozen=True, slots=True)
class ProjectedAnchors:
    """N anchors in a picture."""

    pixels: Float[np.ndarray, "N 2"]
    bends: Float[np.ndarray, "N 2 2"]
    """Pixels per tangent step, one column for each."""


class AnchorModel:
    """The anchors of a set, fixed to a skeleton.

    Args:
        anchors: the set.
        skeleton: the person's, with all betas of the profile.
    """

    def __init__(self, anchors: AnchorSet, skeleton: Skeleton) -> None:
        joints = skeleton.offsets.copy()
        for j in range(1, NUM_JOINTS):
            joints[j] += joints[skeleton.parents[j]]
        self.carrier = np.ascontiguousarray(anchors.carriers, np.int64)
        self.weight = np.ascontiguousarray(anchors.weights, np.float64)
        self.offset = np.ascontiguousarray(anchors.rest[:, None] - joints[anchors.carriers])
        self._tangents = np.ascontiguousarray(anchors.tangents, np.float64)
        self._skeleton = skeleton

    def project(
        self, rotations: Float[np.ndarray, "55 3 3"], transl: Float[np.ndarray, "3"], intrinsics: Intrinsics
    ) -> ProjectedAnchors:
        """The anchors of a pose in a picture of a camera in the world's origin."""
        k, n = intrinsics, len(self.carrier)
        camera = np.array([k.fx, k.fy, k.cx, k.cy])
        out = ProjectedAnchors(np.empty((n, 2)), np.empty((n, 2, 2)))
        points = (self.carrier, self.weight, self.offset, self._tangents)
        _project(self._skeleton, rotations, transl, *points, camera, out.pixels, out.bends)
        return out


@njit(cache=True, nogil=True)
def _project(skeleton, rotations, transl, carrier, weight, offset, tangents, camera, pixels, bends):
    """Linear blend skinning of points and tangents, then the pinhole camera and its derivative."""
    G, P = np.empty((len(rotations), 3, 3)), np.empty((len(rotations), 3))
    forward_joints(skeleton, rotations, transl, G, P)
    fx, fy, cx, cy = camera
    x, t = np.empty(3), np.empty((2, 3))
    for n in range(len(carrier)):
        x[:] = 0.0
        t[:] = 0.0
        for i in range(carrier.shape[1]):
            k, w = carrier[n, i], weight[n, i]
            for a in range(3):
                x[a] += w * P[k, a]
                for b in range(3):
                    x[a] += w * G[k, a, b] * offset[n, i, b]
                    for c in range(2):
                        t[c, a] += w * G[k, a, b] * tangents[n, c, b]
        depth = max(-x[2], 0.05)
        pixels[n, 0], pixels[n, 1] = cx + fx * x[0] / depth, cy - fy * x[1] / depth
        for c in range(2):
            bends[n, 0, c] = fx * (t[c, 0] + x[0] * t[c, 2] / depth) / depth
            bends[n, 1, c] = -fy * (t[c, 1] + x[1] * t[c, 2] / depth) / depth
