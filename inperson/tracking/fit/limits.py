"""Soft anatomical knowledge: how far joints turn, which way hinges bend, and what they do when unseen.

Ranges are those of clinical goniometry (Norkin and White, "Measurement of Joint Motion"), widened a little
because SMPL-X spreads some motions over several joints. For fingers the coordinates are (twist, spread,
flex) with positive flex closing the hand; for all others x, y, z of the T-pose.
"""

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.tracking.fit.landmarks import JOINT
from inperson.tracking.fit.problem import NUM_JOINTS, PosePrior

_LIMIT_SIGMA, _HINGE_SIGMA, _BACKWARDS_SIGMA = 0.08, 0.10, 0.05
"""Radians beyond a limit, and sine out of a hinge's plane or against its way of bending, that cost one unit."""
_FREE = 10.0
_UP, _FORWARD = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])

ARM_HANGING = 1.3
"""Radians a shoulder turns down from the T-pose when the arm hangs."""

# joint: (sigma of x, y, z; lower x, y, z; upper x, y, z), radians; left side, right is mirrored
_BODY: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]] = {
    "spine1": ((0.20, 0.15, 0.15), (-0.4, -0.4, -0.4), (0.7, 0.4, 0.4)),
    "spine2": ((0.20, 0.15, 0.15), (-0.3, -0.4, -0.4), (0.7, 0.4, 0.4)),
    "spine3": ((0.15, 0.15, 0.12), (-0.3, -0.4, -0.4), (0.5, 0.4, 0.4)),
    "neck": ((0.25, 0.30, 0.25), (-0.7, -0.9, -0.6), (0.8, 0.9, 0.6)),
    "head": ((0.25, 0.30, 0.25), (-0.7, -0.9, -0.6), (0.8, 0.9, 0.6)),
    "left_collar": ((0.12, 0.20, 0.20), (-0.4, -0.5, -0.3), (0.4, 0.4, 0.7)),
    "left_shoulder": ((0.90, 0.90, 1.20), (-2.0, -2.2, -1.8), (2.0, 1.2, 1.9)),
    "left_elbow": ((0.70, _FREE, _FREE), (-1.5, -2.7, -2.0), (1.5, 0.6, 2.0)),
    "left_wrist": ((0.30, 0.35, 0.50), (-0.6, -0.6, -1.3), (0.6, 0.7, 1.3)),
    "left_hip": ((0.50, 0.35, 0.35), (-2.2, -0.8, -0.6), (0.6, 0.8, 0.8)),
    "left_knee": ((0.80, 0.10, 0.10), (-0.1, -0.3, -0.3), (2.6, 0.3, 0.3)),
    "left_ankle": ((0.25, 0.20, 0.20), (-0.7, -0.4, -0.4), (0.9, 0.4, 0.4)),
    "left_foot": ((0.10, 0.10, 0.10), (-0.4, -0.2, -0.2), (0.4, 0.2, 0.2)),
}
# (twist, spread, flex)
_FINGER = {
    1: ((0.10, 0.20, 0.70), (-0.25, -0.45, -0.6), (0.25, 0.45, 1.75)),
    2: ((0.05, 0.05, 0.80), (-0.10, -0.10, -0.15), (0.10, 0.10, 2.0)),
    3: ((0.05, 0.05, 0.60), (-0.10, -0.10, -0.20), (0.10, 0.10, 1.5)),
}
_THUMB = {
    1: ((0.40, 0.50, 0.50), (-0.8, -0.9, -0.9), (0.8, 0.9, 0.9)),
    2: ((0.10, 0.15, 0.50), (-0.3, -0.35, -0.5), (0.3, 0.35, 1.2)),
    3: ((0.05, 0.06, 0.60), (-0.1, -0.12, -0.5), (0.1, 0.12, 1.5)),
}
_RELAXED_FLEX = {1: 0.35, 2: 0.45, 3: 0.25}
_MIRROR = np.array([1.0, -1.0, -1.0])
"""Axis-angle of the right side from the left."""


def pose_prior(body: BodyModel) -> PosePrior:
    """The prior of a body; finger axes follow from its rest pose."""
    frame = np.tile(np.eye(3), (NUM_JOINTS, 1, 1))
    mean, sigma = np.zeros((NUM_JOINTS, 3)), np.full((NUM_JOINTS, 3), np.inf)
    lower, upper = np.full((NUM_JOINTS, 3), -np.inf), np.full((NUM_JOINTS, 3), np.inf)
    for name, (s, low, high) in _BODY.items():
        j = JOINT[name]
        sigma[j], lower[j], upper[j] = s, low, high
        if name.startswith("left_"):
            r = JOINT["right_" + name.removeprefix("left_")]
            sigma[r] = s
            lower[r], upper[r] = np.sort([_MIRROR * low, _MIRROR * high], axis=0)
    mean[JOINT["left_shoulder"], 2], mean[JOINT["right_shoulder"], 2] = -ARM_HANGING, ARM_HANGING
    joints = body.J_regressor @ body.v_template.astype(np.float64)
    for side in ("left", "right"):
        for finger in ("index", "middle", "ring", "pinky", "thumb"):
            table = _THUMB if finger == "thumb" else _FINGER
            ids = [JOINT[f"{side}_{finger}{k}"] for k in (1, 2, 3)]
            for k, j in enumerate(ids, start=1):
                bone = joints[ids[min(k, 2)]] - joints[ids[min(k, 2) - 1]]
                frame[j] = _finger_frame(bone, thumb=finger == "thumb", side=1.0 if side == "left" else -1.0)
                sigma[j], lower[j], upper[j] = table[k]
                mean[j, 2] = 0.15 if finger == "thumb" else _RELAXED_FLEX[k]
    hinges = _hinges(joints)
    return PosePrior(
        frame,
        mean,
        1.0 / sigma,
        lower,
        upper,
        1.0 / _LIMIT_SIGMA,
        *hinges,
        inv_sigma_hinge=1.0 / _HINGE_SIGMA,
        inv_sigma_backwards=1.0 / _BACKWARDS_SIGMA,
    )


def rest_pose(prior: PosePrior) -> Float[np.ndarray, "55 3"]:
    """Axis-angle of someone standing at ease: what unseen parts go to. (The root is left at zero.)"""
    return np.einsum("jab,jb->ja", prior.frame, prior.mean)


def _finger_frame(bone: np.ndarray, *, thumb: bool, side: float) -> Float[np.ndarray, "3 3"]:
    """Columns twist, spread, flex; turning by +flex takes the finger towards the palm.

    Fingers of the palm-down T-pose close downwards. The thumb closes across the palm: down and, in the
    hand's plane, towards the little finger (-z) and the wrist's side.
    """
    twist = bone / np.linalg.norm(bone)
    closing = np.array([0.3 * side, -0.6, -0.75]) if thumb else -_UP
    flex = np.cross(twist, closing)
    flex /= np.linalg.norm(flex)
    return np.stack([twist, np.cross(flex, twist), flex], axis=1)


def _hinges(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Elbows bend forwards about the vertical of the T-pose, knees backwards about the lateral axis."""
    rows = []
    for side in ("left", "right"):
        forearm = joints[JOINT[f"{side}_wrist"]] - joints[JOINT[f"{side}_elbow"]]
        rows.append((JOINT[f"{side}_elbow"], forearm * [1, 0, 1], _UP, _FORWARD))
        shin = joints[JOINT[f"{side}_ankle"]] - joints[JOINT[f"{side}_knee"]]
        rows.append((JOINT[f"{side}_knee"], shin * [0, 1, 1], np.array([1.0, 0.0, 0.0]), -_FORWARD))
    joint, bone, normal, forward = (np.array(column) for column in zip(*rows, strict=True))
    return joint, bone / np.linalg.norm(bone, axis=1, keepdims=True), normal, forward
