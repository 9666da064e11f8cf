"""The wearer's skeleton: what fusion needs of a body in one shape, and the shape that has the wearer's height."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from inperson.avatar.body import JOINT_NAMES, NUM_JOINTS, BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.tracking.fit.skeleton import forward_joints

JOINT = {name: index for index, name in enumerate(JOINT_NAMES)}
_EYES = (JOINT["left_eye"], JOINT["right_eye"])


class JointTree(NamedTuple):
    """What forward kinematics reads, in a form that compiled code takes."""

    parents: Int[np.ndarray, "55"]
    offsets: Float[np.ndarray, "55 3"]
    """From each joint's parent to the joint; of the pelvis, its place. Metres."""


@dataclass(frozen=True, slots=True, eq=False)
class WearerSkeleton:
    """Rest joints of one body in one shape, T-pose, metres, float64."""

    tree: JointTree
    rest: Float[np.ndarray, "55 3"]
    eyes: Float[np.ndarray, "3"]
    """From the head joint to the midpoint between the eyes."""
    sole: float
    """Height of the soles."""

    @staticmethod
    def of(body: BodyModel, betas: Float[np.ndarray, " B"]) -> "WearerSkeleton":
        poser = BodyPoser(body, betas)
        rest = poser.rest_joints.astype(np.float64)
        parents = np.asarray(body.parents, np.int64)
        offsets = rest.copy()
        offsets[1:] -= rest[parents[1:]]
        eyes = rest[list(_EYES)].mean(axis=0) - rest[JOINT["head"]]
        return WearerSkeleton(JointTree(parents, offsets), rest, eyes, float(poser.shaped_vertices[:, 1].min()))

    @property
    def eye_height(self) -> float:
        """Of the midpoint between the eyes above the soles, standing straight."""
        return float(self.rest[JOINT["head"], 1] + self.eyes[1] - self.sole)

    def forward(
        self, rotations: Float[np.ndarray, "55 3 3"], transl: Float[np.ndarray, "3"]
    ) -> tuple[Float[np.ndarray, "55 3 3"], Float[np.ndarray, "55 3"]]:
        """World rotations and places of the joints of local `rotations`."""
        G, P = np.empty((NUM_JOINTS, 3, 3)), np.empty((NUM_JOINTS, 3))
        forward_joints(self.tree, rotations, transl, G, P)
        return G, P


def betas_with_eye_height(
    body: BodyModel, betas: Float[np.ndarray, " B"], eye_height_m: float
) -> Float[np.ndarray, " B"]:
    """The likeliest shape near `betas` whose standing eyes are that high above the soles.

    Shape coefficients are standard normal, so the smallest change of them is the likeliest one; the height is
    linear in them as long as the lowest vertex stays the lowest.

    Args:
        eye_height_m: metres, as measured on the standing wearer.

    Returns:
        As many coefficients as the body has, float32.
    """
    out = np.zeros(body.num_betas)
    out[: len(betas)] = betas
    rows = body.J_regressor[list(_EYES)]
    lowest = int(body.shaped(out.astype(np.float32))[:, 1].argmin())
    gradient = (rows @ body.shapedirs[:, 1].astype(np.float64)).mean(axis=0) - body.shapedirs[lowest, 1]
    missing = eye_height_m - WearerSkeleton.of(body, out).eye_height
    return (out + gradient * missing / (gradient @ gradient)).astype(np.float32)
