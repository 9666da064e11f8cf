"""A starting pose from landmarks alone, in closed form: for the first frame, and when the fit has lost its way."""

import numpy as np
from jaxtyping import Float

from inperson.conventions import gl_from_cv_points
from inperson.tracking.fit.landmarks import JOINT
from inperson.tracking.fit.observe import landmark_trust
from inperson.tracking.fit.problem import Skeleton
from inperson.tracking.fit.skeleton import place_points
from inperson.tracking.fit.so3 import exp_so3
from inperson.tracking.observation import Observation

_LIMBS = (
    ("left_shoulder", "left_elbow", "left_wrist", 11, 13, 15),
    ("right_shoulder", "right_elbow", "right_wrist", 12, 14, 16),
    ("left_hip", "left_knee", "left_ankle", 23, 25, 27),
    ("right_hip", "right_knee", "right_ankle", 24, 26, 28),
)


def starting_pose(
    obs: Observation, skeleton: Skeleton, rest: Float[np.ndarray, "55 3 3"]
) -> tuple[Float[np.ndarray, "55 3 3"], Float[np.ndarray, "3"]]:
    """Root from hips and shoulders, limbs by the smallest rotation that points them right, translation by
    linear least squares on the pixels.

    Args:
        obs: an observation with a body.
        skeleton: of the person.
        rest: local rotations of everything the landmarks do not say.

    Returns:
        Local rotations and translation.
    """
    assert obs.body_world is not None
    world = gl_from_cv_points(obs.body_world.astype(np.float64))
    trust = landmark_trust(obs)
    rotations = rest.copy()
    across = world[11] - world[12]
    up = world[[11, 12]].mean(axis=0) - world[[23, 24]].mean(axis=0)
    rotations[0] = _frame(across, up if trust[[23, 24]].min() > 0.1 else np.array([0.0, 1.0, 0.0]))
    for upper, middle, lower, a, b, c in _LIMBS:
        if trust[b] < 0.1:
            continue
        bone = skeleton.offsets[JOINT[middle]]
        swing = _align(bone, rotations[0].T @ (world[b] - world[a]))
        rotations[JOINT[upper]] = swing
        if trust[c] >= 0.1:
            below = swing.T @ rotations[0].T @ (world[c] - world[b])
            twist = _twist_to_hinge(bone, below, forward=1.0 if b in (13, 14) else -1.0)
            rotations[JOINT[upper]] = swing @ twist
            rotations[JOINT[middle]] = _align(skeleton.offsets[JOINT[lower]], twist.T @ below)
    return rotations, starting_translation(obs, skeleton, rotations)


def starting_translation(
    obs: Observation, skeleton: Skeleton, rotations: Float[np.ndarray, "55 3 3"]
) -> Float[np.ndarray, "3"]:
    """The translation that puts trunk, arms and nose on their pixels best, at least 0.3 m before the camera.

    Linear in the unknowns: (x + tx) f = -(u - cx)(z + tz), and likewise for v.
    """
    assert obs.body_pixels is not None
    used = np.array([0, 11, 12, 13, 14, 23, 24])
    X = place_points(skeleton, rotations, np.zeros(3), used)
    k = obs.intrinsics
    u = (obs.body_pixels[used, 0] - k.cx) / k.fx
    v = (obs.body_pixels[used, 1] - k.cy) / k.fy
    w = np.tile(landmark_trust(obs)[used], 2)
    zeros, ones = np.zeros(len(used)), np.ones(len(used))
    A = np.concatenate([np.stack([ones, zeros, u], axis=1), np.stack([zeros, ones, -v], axis=1)])
    b = np.concatenate([-X[:, 0] - u * X[:, 2], -X[:, 1] + v * X[:, 2]])
    t = np.linalg.lstsq(A * w[:, None], b * w, rcond=None)[0]
    t[2] = min(t[2], -0.3)
    return t


def _frame(x: np.ndarray, y: np.ndarray) -> Float[np.ndarray, "3 3"]:
    """Right-handed axes, the first along `x`, the second near `y`; facing the camera when these say nothing."""
    z = np.cross(x, y)
    if np.linalg.norm(z) < 1e-6:
        return np.eye(3)
    x, z = x / np.linalg.norm(x), z / np.linalg.norm(z)
    return np.stack([x, np.cross(z, x), z], axis=1)


def _twist_to_hinge(bone: np.ndarray, below: np.ndarray, forward: float) -> Float[np.ndarray, "3 3"]:
    """Rotation about `bone` after which the limb below it bends the way its hinge does: towards `forward` z."""
    axis = bone / np.linalg.norm(bone)
    sideways = below - axis * (axis @ below)
    hinge = np.array([0.0, 0.0, forward]) - axis * (axis[2] * forward)
    if np.linalg.norm(sideways) < 0.1 * np.linalg.norm(below):
        return np.eye(3)  # straight: any twist will do
    angle = np.arctan2(axis @ np.cross(hinge, sideways), hinge @ sideways)
    out = np.empty((3, 3))
    exp_so3(angle * axis, out)
    return out


def _align(a: np.ndarray, b: np.ndarray) -> Float[np.ndarray, "3 3"]:
    """The smallest rotation from the direction of `a` to that of `b`; none where `b` has no direction."""
    if np.linalg.norm(b) < 1e-6:
        return np.eye(3)
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    v, c = np.cross(a, b), float(a @ b)
    K = np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])
    return np.eye(3) + K + K @ K / max(1.0 + c, 1e-6)
