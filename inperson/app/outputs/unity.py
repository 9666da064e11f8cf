"""Unity's axes from ours and back: the only place where the two meet. VMC and VRChat use Unity's.

Ours: right-handed, y up; a body in its rest pose faces +z with its left at +x (CONVENTIONS.md). So do VRM 1.0's files
(https://vrm.dev/en/vrm1/changed.html: forward z+, right x-). Unity's: left-handed, y up, z forward, x to the right
(https://docs.unity3d.com/Manual/QuaternionAndEulerRotationsInUnity.html), and a model there faces +z with its *right*
at +x. So x changes its sign and nothing else does. Both maps are their own inverse.

A rotation R then becomes M R M with M = diag(-1, 1, 1): its axis keeps x and turns y and z around.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

_M = np.diag([-1.0, 1.0, 1.0])
_LEVEL = 1.0 - 1e-9
"""Sine of a pitch above which yaw and roll turn about the same axis: all of it is then called yaw."""


def mirror_points(points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Points of ours in Unity's axes, or the other way round; metres either way."""
    return np.asarray(points) * np.array([-1.0, 1.0, 1.0])


def mirror_rotations(rotations: Float[np.ndarray, "*n 3 3"]) -> Float[np.ndarray, "*n 3 3"]:
    """Rotation matrices of ours in Unity's axes, or the other way round."""
    return _M @ rotations @ _M


def unity_quat_xyzw(rotations: Float[np.ndarray, "n 3 3"]) -> Float[np.ndarray, "n 4"]:
    """Unity's quaternions (x, y, z, w) of rotations in our axes; w is not negative."""
    return Rotation.from_matrix(mirror_rotations(rotations)).as_quat(canonical=True)


def rotations_from_unity(quat_xyzw: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 3 3"]:
    """Rotations in our axes of Unity's quaternions, which need not be of length 1 but must not be 0."""
    return mirror_rotations(Rotation.from_quat(quat_xyzw).as_matrix())


def unity_euler_deg(rotations: Float[np.ndarray, "n 3 3"]) -> Float[np.ndarray, "n 3"]:
    """Unity's Euler angles (about x, y, z; degrees) of rotations in our axes.

    Unity turns about z first, then x, then y, all of them the parent's axes
    (https://docs.unity3d.com/ScriptReference/Transform-eulerAngles.html): R = Ry Rx Rz.
    """
    R = mirror_rotations(rotations)
    sine = np.clip(-R[:, 1, 2], -1.0, 1.0)
    level = np.abs(sine) > _LEVEL
    x = np.arcsin(sine)
    y = np.where(level, np.arctan2(-R[:, 2, 0], R[:, 0, 0]), np.arctan2(R[:, 0, 2], R[:, 2, 2]))
    z = np.where(level, 0.0, np.arctan2(R[:, 1, 0], R[:, 1, 1]))
    return np.degrees(np.stack([x, y, z], axis=1))
