"""`SkeletonModel`: joint tree and landmarks of one body as a function of its shape, and forward kinematics."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numba import njit

from inperson.avatar.body import BodyModel
from inperson.tracking.fit.landmarks import JOINT, LEFT_HAND, RIGHT_HAND, joint_basis, landmark_basis
from inperson.tracking.fit.problem import NUM_JOINTS, Skeleton

FIT_BETAS = 10
"""Shape coefficients that tracking estimates; the rest stay zero unless a profile knows them."""


@dataclass(frozen=True)
class SkeletonModel:
    """Everything the fit needs of a body, linear in its first `num_betas` shape coefficients."""

    parents: Int[np.ndarray, "55"]
    joints: Float[np.ndarray, "55 3"]
    joint_dirs: Float[np.ndarray, "55 3 B"]
    point_joint: Int[np.ndarray, " P"]
    points: Float[np.ndarray, "P 3"]
    point_dirs: Float[np.ndarray, "P 3 B"]
    chain: Int[np.ndarray, "55 D"]
    chain_length: Int[np.ndarray, "55"]

    @staticmethod
    def from_body(body: BodyModel, num_betas: int = FIT_BETAS) -> "SkeletonModel":
        """The skeleton of a body, as a function of its first `num_betas` shape coefficients (or all it has)."""
        num_betas = min(num_betas, body.num_betas)
        joints, joint_dirs = joint_basis(body, num_betas)
        carrier, points, point_dirs = landmark_basis(body, num_betas)
        parents = np.asarray(body.parents, np.int64)
        chain, length = _chains(parents)
        return SkeletonModel(parents, joints, joint_dirs, carrier, points, point_dirs, chain, length)

    @property
    def num_betas(self) -> int:
        return self.joint_dirs.shape[-1]

    def rest(self, betas: Float[np.ndarray, " B"], hand_scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Rest joints (55, 3) and landmarks (P, 3) of a shape, metres, hands scaled about the wrists."""
        b = np.asarray(betas, np.float64)[: self.num_betas]
        joints = self.joints + self.joint_dirs[..., : len(b)] @ b
        points = self.points + self.point_dirs[..., : len(b)] @ b
        for wrist, first, first_point in (
            (JOINT["left_wrist"], JOINT["left_index1"], LEFT_HAND),
            (JOINT["right_wrist"], JOINT["right_index1"], RIGHT_HAND),
        ):
            origin = joints[wrist].copy()
            for array, part in ((joints, slice(first, first + 15)), (points, slice(first_point, first_point + 21))):
                array[part] = origin + hand_scale * (array[part] - origin)
        return joints, points

    def shaped(self, betas: Float[np.ndarray, " B"], hand_scale: float = 1.0) -> Skeleton:
        """The skeleton of one person.

        Args:
            betas: at most `num_betas` are read.
            hand_scale: size of the person's hands relative to the body model's.
        """
        joints, points = self.rest(betas, hand_scale)
        offsets = joints.copy()
        offsets[1:] -= joints[self.parents[1:]]
        return Skeleton(
            self.parents, offsets, self.chain, self.chain_length, self.point_joint, points - joints[self.point_joint]
        )


def _chains(parents: Int[np.ndarray, "55"]) -> tuple[np.ndarray, np.ndarray]:
    chains: list[list[int]] = []
    for joint, parent in enumerate(parents):
        chains.append([*(chains[parent] if parent >= 0 else []), joint])
    chain = np.zeros((NUM_JOINTS, max(map(len, chains))), np.int64)
    for joint, ancestors in enumerate(chains):
        chain[joint, : len(ancestors)] = ancestors
    return chain, np.array([len(c) for c in chains], np.int64)


@njit(cache=True, nogil=True)
def forward_joints(skeleton, rotations, transl, G, P):
    """Forward kinematics.

    Args:
        skeleton: `Skeleton`.
        rotations: (55, 3, 3) local rotations.
        transl: (3,) metres.
        G: (55, 3, 3) receives the joints' world rotations.
        P: (55, 3) receives the joints' world positions, metres.
    """
    for j in range(len(skeleton.parents)):
        p = skeleton.parents[j]
        for r in range(3):
            if p < 0:
                P[j, r] = skeleton.offsets[j, r] + transl[r]
                G[j, r] = rotations[j, r]
                continue
            P[j, r] = P[p, r]
            for k in range(3):
                P[j, r] += G[p, r, k] * skeleton.offsets[j, k]
                G[j, r, k] = 0.0
                for i in range(3):
                    G[j, r, k] += G[p, r, i] * rotations[j, i, k]


def place_points(
    skeleton: Skeleton,
    rotations: Float[np.ndarray, "55 3 3"],
    transl: Float[np.ndarray, "3"],
    points: Int[np.ndarray, " N"],
) -> Float[np.ndarray, "N 3"]:
    """World positions of some landmarks of a pose, metres."""
    G, P, X = np.empty((NUM_JOINTS, 3, 3)), np.empty((NUM_JOINTS, 3)), np.empty((len(points), 3))
    forward_joints(skeleton, rotations, transl, G, P)
    attach(skeleton.point_joint[points], skeleton.point_offset[points], G, P, X)
    return X


@njit(cache=True, nogil=True)
def attach(joint, offset, G, P, X):
    """World positions of points fixed to joints, written into `X` (N, 3)."""
    for n in range(len(joint)):
        j = joint[n]
        for r in range(3):
            X[n, r] = P[j, r] + G[j, r, 0] * offset[n, 0] + G[j, r, 1] * offset[n, 1] + G[j, r, 2] * offset[n, 2]
