"""A motion as bones: 55 joints that hang on each other, and how they turn."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from inperson.avatar.body import JOINT_NAMES, BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.tracking.motion_file import MotionClip

PELVIS = 0


@dataclass(frozen=True)
class Skeleton:
    """SMPL-X's 55 joints in a body's rest pose (T-pose), metres, y up, facing +z.

    No joint is turned at rest: their axes are the world's.
    """

    rest: Float[np.ndarray, "55 3"]
    parents: Int[np.ndarray, "55"]
    """-1 for the pelvis. A parent comes before its children."""
    names: tuple[str, ...] = JOINT_NAMES

    @staticmethod
    def of(body: BodyModel, betas: Float[np.ndarray, " B"]) -> "Skeleton":
        """Of a body in a shape, its face at rest."""
        return Skeleton(BodyPoser(body, betas).rest_joints.astype(np.float64), body.parents)

    @cached_property
    def offsets(self) -> Float[np.ndarray, "55 3"]:
        """From each joint's parent; the pelvis' is its place."""
        out = self.rest.copy()
        out[1:] -= self.rest[self.parents[1:]]
        return out

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Of each joint."""
        return tuple(tuple(np.flatnonzero(self.parents == j).tolist()) for j in range(len(self.parents)))


@dataclass(frozen=True, slots=True, eq=False)
class SkeletonMotion:
    """T frames of a skeleton."""

    skeleton: Skeleton
    places: Float[np.ndarray, "T 3"]
    """Of the pelvis in the world, metres."""
    rotvecs: Float[np.ndarray, "T 55 3"]
    """Of each joint in its parent, axis-angle; the pelvis' in the world."""
    times_ns: Int[np.ndarray, " T"]

    @property
    def seconds(self) -> Float[np.ndarray, " T"]:
        """Since the first frame."""
        return (self.times_ns - self.times_ns[0]) / 1e9

    def quats_xyzw(self) -> Float[np.ndarray, "T 55 4"]:
        """The rotations as unit quaternions that do not change sign from frame to frame."""
        quats = Rotation.from_rotvec(self.rotvecs.reshape(-1, 3)).as_quat().reshape(*self.rotvecs.shape[:2], 4)
        flips = np.ones(quats.shape[:2])
        flips[1:] = np.where((quats[1:] * quats[:-1]).sum(axis=-1) < 0.0, -1.0, 1.0)
        return quats * np.cumprod(flips, axis=0)[..., None]


def skeleton_motion(motion: MotionClip, body: BodyModel) -> SkeletonMotion:
    """A motion on the bones of its own body and shape.

    Joints stay where the shape puts them. (In the body an expression moves jaw and eyes by a millimetre or so.)
    """
    skeleton = Skeleton.of(body, motion.betas[: body.num_betas])
    motion = motion.y_up(skeleton.rest[PELVIS])
    return SkeletonMotion(
        skeleton,
        places=motion.trans.astype(np.float64) + skeleton.rest[PELVIS],
        rotvecs=motion.poses.reshape(len(motion), -1, 3).astype(np.float64),
        times_ns=motion.times_ns,
    )
