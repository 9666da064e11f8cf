"""Draw bodies fused from a headset alone: `python -m tools.fusion_sheet` writes docs/images/fusion.jpg.

Three avatars, each from two sides, in poses of which only the head and the hands (a wrist each, or a controller) are
known: what spine, shoulders, elbows, wrists and knees make of them.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Float
from PIL import Image
from scipy.spatial.transform import Rotation

from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.headset_pose import HAND_JOINTS, HandJoints, HeadsetPose
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.render.backends import make_rasterizer
from inperson.render.gbuffer import Rasterizer
from inperson.render.views import EyeView, look_at
from inperson.tracking.headset import HeadsetFusion
from inperson.tracking.headset_skeleton import betas_with_eye_height

EYE_HEIGHT = 1.60
BACKGROUND = np.array([0.62, 0.64, 0.67], np.float32)
SIDES = (-0.6, 1.9)
"""Where the eye stands: radians from straight ahead of the wearer, growing towards their right."""
FRAME_NS, SECONDS = 20_000_000, 1.6
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Hand:
    """The right hand in the play space (the left one mirrors it): where its wrist is, where the fingers point, and
    where the back of the hand faces."""

    wrist: Vector
    fingers: Vector
    back: Vector


@dataclass(frozen=True)
class Shot:
    """What a headset knows of a wearer."""

    name: str
    eyes: Vector = (0.0, EYE_HEIGHT, 0.0)
    turn: Vector = (0.0, 0.0, 0.0)
    """Of the head: yaw to the left, pitch up, roll, degrees."""
    hand: Hand | None = None
    grip: tuple[Vector, float] | None = None
    """The right controller's place and its pitch, degrees (the left one mirrors it)."""


SHOTS = (
    Shot("head alone"),
    Shot("controllers", grip=((0.2, 1.08, -0.38), 35.0)),
    Shot("arms out", hand=Hand((0.66, 1.38, 0.04), (1, 0, 0), (0, 1, 0))),
    Shot("before the chest", hand=Hand((0.13, 1.2, -0.27), (-0.7, 0.5, -0.3), (0, 0.2, -1))),
    Shot("on the hips", hand=Hand((0.27, 1.03, 0.02), (-0.6, -0.5, -0.6), (0.8, 0.3, -0.2))),
    Shot(
        "overhead",
        eyes=(0, EYE_HEIGHT + 0.03, 0.05),
        turn=(0, 20, 0),
        hand=Hand((0.22, 1.9, -0.05), (0, 1, 0), (0, 0, 1)),
    ),
    Shot("crouching", eyes=(0, 1.02, -0.05), hand=Hand((0.2, 0.75, -0.42), (0, 0, -1), (0.5, 0.8, 0))),
    Shot(
        "bowing", eyes=(0, 1.22, -0.45), turn=(0, -40, 0), hand=Hand((0.2, 0.6, -0.5), (0, -1, -0.3), (0.6, 0, -0.6))
    ),
    Shot("looking over a shoulder", turn=(80, 0, 0)),
)


def headset_pose(shot: Shot, share: float, time_ns: int) -> HeadsetPose:
    """On the way from standing (0) to the shot (1); hands are seen from half-way on."""
    turn = Rotation.from_euler("YXZ", share * np.array(shot.turn), degrees=True)
    eyes = np.array([0.0, EYE_HEIGHT, 0.0]) + share * (np.array(shot.eyes) - [0.0, EYE_HEIGHT, 0.0])
    pose = HeadsetPose(time_ns, _rigid(eyes, turn))
    if share > 0.5 and shot.hand is not None:
        pose = replace(pose, left_hand=_tracked(shot.hand, -1.0), right_hand=_tracked(shot.hand, 1.0))
    if share > 0.5 and shot.grip is not None:
        (x, y, z), pitch = shot.grip
        tilt = Rotation.from_euler("x", pitch, degrees=True)
        left, right = (_rigid(np.array([sign * x, y, z]), tilt) for sign in (-1.0, 1.0))
        pose = replace(pose, T_play_from_left_grip=left, T_play_from_right_grip=right)
    return pose


def _rigid(position: np.ndarray, rotation: Rotation) -> Float[np.ndarray, "4 4"]:
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = rotation.as_matrix(), position
    return T


def _tracked(hand: Hand, sign: float) -> HandJoints:
    """A hand of which only the wrist is tracked."""
    mirror = np.array([sign, 1.0, 1.0])
    z = -np.array(hand.fingers) * mirror
    z = z / np.linalg.norm(z)
    y = np.array(hand.back) * mirror
    y = y - z * (y @ z)
    y = y / np.linalg.norm(y)
    quat = Rotation.from_matrix(np.stack([np.cross(y, z), y, z], axis=1)).as_quat()
    count = len(HAND_JOINTS)
    valid = np.arange(count) == HAND_JOINTS.index("wrist")
    positions = np.tile(np.array(hand.wrist) * mirror, (count, 1)).astype(np.float32)
    return HandJoints(
        positions, np.tile(quat, (count, 1)).astype(np.float32), np.full(count, 0.01, np.float32), valid
    )


def fused(fusion: HeadsetFusion, shot: Shot) -> BodyState:
    """The body at the end of going into the pose and holding it."""
    fusion.forget()
    frames = int(SECONDS * 1e9 / FRAME_NS)
    for frame in range(frames + 1):
        state = fusion.fuse(None, headset_pose(shot, min(2.0 * frame / frames, 1.0), frame * FRAME_NS))
    return state


def view_of(shot: Shot, azimuth: float, width: int) -> EyeView:
    """All of a standing person."""
    centre = np.array([0.5 * shot.eyes[0], 0.95, 0.5 * shot.eyes[2]])
    towards = np.array([np.sin(azimuth), 0.08, -np.cos(azimuth)])
    height = int(1.7 * width)
    camera = Intrinsics.from_horizontal_fov(width, height, 2.0 * np.arctan(0.68 / 4.0))
    return EyeView.from_intrinsics(camera, look_at(centre + 4.0 * towards, centre))


def column(
    shot: Shot, fusion: HeadsetFusion, poser: AvatarPoser, rasterizer: Rasterizer, width: int
) -> Float[np.ndarray, "H W 3"]:
    """One pose from both sides, one above the other."""
    gaussians = poser.pose(fused(fusion, shot))
    views = [view_of(shot, azimuth, width) for azimuth in SIDES]
    return np.concatenate(list(rasterizer.render(gaussians, views).over(BACKGROUND)))


def main(out: Path = Path("docs/images/fusion.jpg"), width: int = 150, quality: int = 86) -> None:
    """Write the sheet.

    Args:
        out: where to.
        width: pixels of one picture.
        quality: of the JPEG.
    """
    torch.set_num_threads(1)
    rasterizer = make_rasterizer("cpu")
    rows = []
    for name in ("ada", "kenji", "samuel"):
        avatar = load_avatar(name)
        body = load_body(avatar.body_name)
        betas = betas_with_eye_height(body, avatar.betas, EYE_HEIGHT)
        poser = AvatarPoser(replace(avatar, betas=betas), body)
        fusion = HeadsetFusion(body, betas, None)
        rows.append(np.concatenate([column(s, fusion, poser, rasterizer, width) for s in SHOTS], axis=1))
    rasterizer.close()
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet = np.concatenate(rows)
    Image.fromarray((np.clip(sheet, 0, 1) * 255).round().astype(np.uint8)).save(out, quality=quality)


if __name__ == "__main__":
    tyro.cli(main)
