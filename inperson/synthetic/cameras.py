"""Cameras about a posed person: framings of parts of the body, from any side, and the webcam."""

from typing import Literal

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import JOINT_NAMES
from inperson.conventions import Intrinsics
from inperson.render.views import EyeView, look_at
from inperson.synthetic.lights import direction
from inperson.synthetic.surfaces import BodyPose

Framing = Literal["body", "upper", "head", "mouth", "left_hand", "right_hand"]

_WIDTH: dict[Framing, float] = {
    "body": 2.15,
    "upper": 1.15,
    "head": 0.36,
    "mouth": 0.17,
    "left_hand": 0.30,
    "right_hand": 0.30,
}
"""Metres across the picture at the distance of what it frames."""
_DISTANCE: dict[Framing, float] = {
    "body": 3.2,
    "upper": 1.8,
    "head": 0.8,
    "mouth": 0.6,
    "left_hand": 0.7,
    "right_hand": 0.7,
}


def framed_point(pose: BodyPose, framing: Framing) -> Float[np.ndarray, "3"]:
    """What a framing looks at, world."""
    joints = pose.body.joints
    at = {name: joints[i] for i, name in enumerate(JOINT_NAMES)}
    head_up = joints[15] - joints[12]
    head_up = head_up / np.linalg.norm(head_up)
    if framing == "body":
        return 0.5 * (at["pelvis"] + at["spine1"]) - np.array([0.0, 0.08, 0.0])
    if framing == "upper":
        return at["spine3"] + np.array([0.0, 0.10, 0.0])
    if framing == "head":
        return at["head"] + 0.065 * head_up
    if framing == "mouth":
        return at["jaw"] + 0.35 * (0.5 * (at["left_eye"] + at["right_eye"]) - at["jaw"]) - 0.055 * head_up
    side = framing.removesuffix("_hand")
    return 0.4 * at[f"{side}_wrist"] + 0.6 * at[f"{side}_middle2"]


def framed_view(
    pose: BodyPose, framing: Framing, azimuth: float, elevation: float, size: int, *, zoom: float = 1.0
) -> EyeView:
    """A square view of a part of the person.

    Args:
        azimuth, elevation: where the camera stands, radians (see `lights.direction`).
        size: pixels.
    """
    target = framed_point(pose, framing).astype(float)
    distance = _DISTANCE[framing]
    focal = zoom * size * distance / _WIDTH[framing]
    K = Intrinsics(focal, focal, size / 2, size / 2, size, size)
    return EyeView.from_intrinsics(K, look_at(target + distance * direction(azimuth, elevation), target))


def webcam_view(width: int = 640, height: int = 480) -> EyeView:
    """A laptop's camera at the world's origin, looking along -z."""
    return EyeView.from_intrinsics(Intrinsics.from_horizontal_fov(width, height))
