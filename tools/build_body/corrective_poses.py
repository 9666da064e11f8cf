"""Random poses inside each joint's reach: what pose correctives are fitted on."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.avatar.body import JOINT_NAMES

_REACH: dict[str, tuple[tuple[float, float], ...]] = {  # degrees about x, y, z of the left joint
    "hip": ((-120, 30), (-40, 40), (-25, 50)),
    "knee": ((0, 140), (-8, 8), (-8, 8)),
    "ankle": ((-35, 45), (-20, 20), (-20, 20)),
    "foot": ((-35, 45), (-5, 5), (-5, 5)),
    "spine1": ((-20, 45), (-25, 25), (-25, 25)),
    "spine2": ((-20, 35), (-25, 25), (-25, 25)),
    "spine3": ((-20, 35), (-25, 25), (-25, 25)),
    "neck": ((-35, 40), (-45, 45), (-30, 30)),
    "head": ((-35, 40), (-45, 45), (-30, 30)),
    "collar": ((-10, 10), (-20, 20), (-15, 30)),
    "shoulder": ((-60, 60), (-100, 30), (-100, 80)),
    "elbow": ((-60, 60), (-145, 0), (-8, 8)),
    "wrist": ((-70, 70), (-30, 30), (-75, 75)),
    "finger1": ((-8, 8), (-20, 20), (-95, 20)),
    "finger2": ((-4, 4), (-4, 4), (-110, 5)),
    "finger3": ((-4, 4), (-4, 4), (-80, 5)),
    "thumb1": ((-25, 35), (-20, 50), (-45, 30)),
    "thumb2": ((-15, 45), (-10, 60), (-35, 15)),
    "thumb3": ((-15, 50), (-15, 70), (-40, 15)),
}
_FINGERS = ("index", "middle", "ring", "pinky")


def random_pose_rotations(n: int, rng: np.random.Generator) -> Float[np.ndarray, "n 55 3 3"]:
    """Rotation of every joint relative to its parent; the pelvis, the jaw and the eyes stay.

    A fifth of all joint angles are zero, so that one joint's corrective learns not to answer for another's.
    """
    rotvecs = np.zeros((n, len(JOINT_NAMES), 3))
    for j, name in enumerate(JOINT_NAMES):
        reach = _reach_of(name)
        if reach is None:
            continue
        low, high = np.deg2rad(np.array(reach)).T
        rotvecs[:, j] = rng.uniform(low, high, (n, 3)) * (rng.random((n, 1)) > 0.2)
        if name.startswith("right_"):
            rotvecs[:, j, 1:] *= -1
    return Rotation.from_rotvec(rotvecs.reshape(-1, 3)).as_matrix().reshape(n, -1, 3, 3)


def _reach_of(joint: str) -> tuple[tuple[float, float], ...] | None:
    part = joint.removeprefix("left_").removeprefix("right_")
    for finger in _FINGERS:
        part = part.replace(finger, "finger")
    return _REACH.get(part)
