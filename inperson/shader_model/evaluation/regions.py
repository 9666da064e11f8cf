"""What each pixel of a picture belongs to: where errors are."""

from enum import IntEnum

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.spatial import KDTree

from inperson.avatar.body import JOINT_NAMES
from inperson.render.views import EyeView
from inperson.synthetic.captures import Geometry
from inperson.synthetic.drawables import Part

EDGE = 3
"""Pixels inside the outline that belong to it."""
HAND_REACH = 0.06
"""Metres from the nearest joint of a hand within which skin is the hand's."""
FIRST_FINGER = 25
"""Joints from here on are fingers'."""
_WRISTS = tuple(JOINT_NAMES.index(f"{side}_wrist") for side in ("left", "right"))
_HEAD = tuple(JOINT_NAMES.index(name) for name in ("head", "jaw", "left_eye", "right_eye"))


class Region(IntEnum):
    """Of a picture of a person. Every pixel that shows them, truly or as drawn, is in one."""

    NONE = 0
    OUTLINE = 1
    """Where only one of the two pictures shows them, and `EDGE` pixels inside."""
    FACE = 2
    HANDS = 3
    OTHER_SKIN = 4
    CLOTH = 5
    HAIR = 6


def regions_of(
    geometry: Geometry,
    view: EyeView,
    joints: Float[np.ndarray, "55 3"],
    solid: Bool[np.ndarray, "H W"],
    drawn: Bool[np.ndarray, "H W"],
) -> UInt8[np.ndarray, "H W"]:
    """`Region` of each pixel.

    Args:
        geometry: of the true picture.
        view: whose it is.
        joints: of the true body, world.
        solid: where the true picture shows the person.
        drawn: where the compared one does.
    """
    out = np.zeros(solid.shape, np.uint8)
    part = geometry.part
    out[part == Part.CLOTH] = Region.CLOTH
    out[part == Part.HAIR] = Region.HAIR
    bare = np.isin(part, (Part.SKIN, Part.EYE, Part.MOUTH, Part.BROW, Part.LASH))
    out[bare] = _of_skin(_points(geometry.depth, view)[bare], joints)
    side = 2 * EDGE + 1
    inside = cv2.erode((solid & drawn).astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    out[~inside | (part == 0)] = Region.OUTLINE
    out[~(solid | drawn)] = Region.NONE
    return out


def _points(depth: Float[np.ndarray, "H W"], view: EyeView) -> Float[np.ndarray, "H W 3"]:
    """World."""
    K, T = view.intrinsics, view.T_world_from_eye
    rows, columns = np.mgrid[: view.height, : view.width] + 0.5
    rays = np.stack([(columns - K.cx) / K.fx, -(rows - K.cy) / K.fy, np.full_like(rows, -1.0)], axis=-1)
    return (rays * depth[..., None]) @ T[:3, :3].T + T[:3, 3]


def _of_skin(points: Float[np.ndarray, "N 3"], joints: Float[np.ndarray, "55 3"]) -> UInt8[np.ndarray, " N"]:
    distance, nearest = KDTree(joints).query(points)
    of_hand = ((nearest >= FIRST_FINGER) | np.isin(nearest, _WRISTS)) & (distance < HAND_REACH)
    out = np.full(len(points), Region.OTHER_SKIN, np.uint8)
    out[np.isin(nearest, _HEAD)] = Region.FACE
    out[of_hand] = Region.HANDS
    return out
