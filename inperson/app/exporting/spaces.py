"""Motions recorded in a headset's play space, in one place and turned to the viewer."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.app.exporting.take import Take
from inperson.app.motion.placing import T_ABOUT_FACE
from inperson.app.replay.spaces import common_space
from inperson.avatar.body import BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.tracking.motion_file import MotionClip

PLAY = "play"


def in_one_space(take: Take, motion: MotionClip, body: BodyModel) -> MotionClip:
    """The motion without the jumps of recentrings, in the play space of most frames; as it is where there were none.

    Args:
        take: whose.
        motion: theirs, or a part of it, with its own times.
        body: it was made for, as far as anybody knows.
    """
    recentrings = take.recentrings() if take.about.world == PLAY else ()
    if not recentrings:
        return motion
    pelvis = _pelvis(motion, body)
    return moved_motion(motion, common_space(motion, recentrings, pelvis), pelvis)


def facing_the_viewer(take: Take, motion: MotionClip, body: BodyModel) -> MotionClip:
    """The motion as mirrors and orbits show it: wearers of a headset look along -z, and are turned to face +z."""
    if take.about.world != PLAY:
        return motion
    return moved_motion(motion, np.tile(T_ABOUT_FACE, (len(motion), 1, 1)), _pelvis(motion, body))


def moved_motion(motion: MotionClip, T: Float[np.ndarray, "T 4 4"], pelvis: Float[np.ndarray, "3"]) -> MotionClip:
    """Every frame moved as a whole by its rigid transform of the world.

    Args:
        pelvis: of the body's rest pose, about which `global_orient` turns.
    """
    poses = motion.poses.copy()
    poses[:, :3] = (Rotation.from_matrix(T[:, :3, :3]) * Rotation.from_rotvec(motion.poses[:, :3])).as_rotvec()
    trans = np.einsum("tij,tj->ti", T[:, :3, :3], motion.trans + pelvis) + T[:, :3, 3] - pelvis
    return replace(motion, poses=poses, trans=trans.astype(np.float32))


def _pelvis(motion: MotionClip, body: BodyModel) -> Float[np.ndarray, "3"]:
    return BodyPoser(body, motion.betas[: body.num_betas]).rest_joints[0].astype(float)
