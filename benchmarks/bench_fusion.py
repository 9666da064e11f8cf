"""Fusion beside what follows it in a frame: the wearer's body from headset and webcam, then posing the avatar.

`fuse_webcam_and_hands_vs_pose` says how many times faster everything together is fused than one avatar's Gaussians
are posed.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import numpy as np

from benchmarks import BenchReport, side_by_side
from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.headset_pose import HAND_JOINTS, HandJoints, HeadsetPose
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.tracking.headset import HeadsetFusion

AVATAR = "ada"
FRAME_NS = 11_111_111
EYE_HEIGHT = 1.55


def run() -> BenchReport:
    """Times every kind of input, and the avatar's posing, in turns."""
    avatar = load_avatar(AVATAR)
    body = load_body(avatar.body_name)
    camera = BodyState.rest(body.num_betas, body.num_expression)

    def fused(pose: HeadsetPose, camera: BodyState | None) -> Callable[[], BodyState]:
        fusion, frames = HeadsetFusion(body, avatar.betas, None), count()

        def step() -> BodyState:
            n = next(frames)
            now = replace(pose, time_ns=n * FRAME_NS, T_play_from_head=_head(n))
            return fusion.fuse(camera and replace(camera, time_ns=now.time_ns), now)

        return step

    head = HeadsetPose(0, _head(0))
    grips = replace(head, T_play_from_left_grip=_at(-0.2), T_play_from_right_grip=_at(0.2))
    hands = replace(head, left_hand=_hand(-0.2), right_hand=_hand(0.2))
    poser, state = AvatarPoser(avatar, body), fused(hands, camera)()
    return side_by_side(
        "fusion",
        {
            "fuse_head": fused(head, None),
            "fuse_controllers": fused(grips, None),
            "fuse_hands": fused(hands, None),
            "fuse_webcam_and_hands": fused(hands, camera),
            "pose": lambda: poser.pose(state),
        },
        compare=[("fuse_head", "pose"), ("fuse_webcam_and_hands", "pose")],
        seconds=6.0,
    )


def _head(frame: int) -> np.ndarray:
    """Somebody who sways."""
    T = np.eye(4)
    T[:3, 3] = 0.05 * np.sin(0.03 * frame), EYE_HEIGHT - 0.02 * (1 - np.cos(0.05 * frame)), 0.0
    return T


def _at(x: float) -> np.ndarray:
    T = np.eye(4)
    T[:3, 3] = x, 1.1, -0.3
    return T


def _hand(x: float) -> HandJoints:
    joints = len(HAND_JOINTS)
    return HandJoints(
        np.tile(np.array([x, 1.1, -0.3], np.float32), (joints, 1)),
        np.tile(np.array([0.0, 0.0, 0.0, 1.0], np.float32), (joints, 1)),
        np.full(joints, 0.01, np.float32),
        np.ones(joints, bool),
    )
