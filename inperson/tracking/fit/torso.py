"""Ellipsoids that stand in for a person's trunk, neck and head, and the arm points that stay outside them."""

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.tracking.fit.landmarks import JOINT
from inperson.tracking.fit.problem import Torso

_SLABS = (("pelvis", -0.02, 0.35), ("spine1", 0.25, 0.62), ("spine3", 0.52, 1.0))
"""Joint that carries the ellipsoid, and its slice of the trunk: heights from the hips (0) to the collars (1)."""
_CLOTHES = 0.015
"""Metres by which clothes stand off the body."""
_SIGMA = 0.02
"""Metres inside that cost one unit."""
_FOREARM_SAMPLES = ((0.35, 0.040), (0.7, 0.032), (1.0, 0.028))
"""Share of the way from elbow to wrist, and the forearm's thickness there (radius, metres)."""
_KNUCKLES = ("index1", "middle1", "pinky1", "index3", "middle3", "pinky3", "thumb3")
_FINGER_RADIUS = 0.012
SAMPLES_PER_ARM = len(_FOREARM_SAMPLES) + len(_KNUCKLES)
"""Left arm's samples come first."""


def torso_of(body: BodyModel, betas: Float[np.ndarray, " B"]) -> Torso:
    """The trunk of one person.

    Args:
        body: the body.
        betas: its shape.
    """
    v = body.shaped(betas).astype(np.float64)
    joints = body.J_regressor @ v
    owner = body.weights.argmax(axis=1)
    trunk = np.isin(owner, [JOINT[n] for n in ("pelvis", "spine1", "spine2", "spine3")])
    low = joints[JOINT["left_hip"], 1]
    high = joints[JOINT["left_collar"], 1]
    carriers: list[int] = []
    centres: list[np.ndarray] = []
    radii: list[list[float]] = []
    for name, start, end in _SLABS:
        y0, y1 = low + start * (high - low), low + end * (high - low)
        part = v[trunk & (v[:, 1] > y0) & (v[:, 1] < y1)]
        _add(carriers, centres, radii, JOINT[name], part, joints, height=0.5 * (y1 - y0) * 1.25)
    head = v[owner == JOINT["head"]]
    _add(carriers, centres, radii, JOINT["head"], head, joints, height=0.5 * np.ptp(head[:, 1]))
    samples = [_arm_samples(joints, side) for side in ("left", "right")]
    return Torso(
        np.array(carriers),
        np.array(centres),
        np.array(radii),
        np.concatenate([s[0] for s in samples]),
        np.concatenate([s[1] for s in samples]),
        np.concatenate([s[2] for s in samples]),
        1.0 / _SIGMA,
    )


def _add(
    carriers: list[int],
    centres: list[np.ndarray],
    radii: list[list[float]],
    joint: int,
    part: np.ndarray,
    joints: np.ndarray,
    height: float,
) -> None:
    """An upright ellipsoid about the vertices `part`: as wide and deep as they are, less their outermost percents."""
    low, high = np.percentile(part, [2, 98], axis=0)
    carriers.append(joint)
    centres.append(0.5 * (low + high) - joints[joint])
    radii.append([0.5 * (high - low)[0] + _CLOTHES, height, 0.5 * (high - low)[2] + _CLOTHES])


def _arm_samples(joints: np.ndarray, side: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    elbow, wrist = JOINT[f"{side}_elbow"], JOINT[f"{side}_wrist"]
    carriers = [elbow] * len(_FOREARM_SAMPLES) + [JOINT[f"{side}_{k}"] for k in _KNUCKLES]
    offsets = [share * (joints[wrist] - joints[elbow]) for share, _ in _FOREARM_SAMPLES]
    offsets += [np.zeros(3)] * len(_KNUCKLES)
    radius = [r for _, r in _FOREARM_SAMPLES] + [_FINGER_RADIUS] * len(_KNUCKLES)
    return np.array(carriers), np.array(offsets), np.array(radius)
