"""Regions of the body for completing colours: segments with an axis along their bones, and where hair grows.

Clothes end at a height along a limb (a hem, a cuff, a collar), so what is seen at one height on the front says
what is at that height on the back.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import JOINT_NAMES, BodyModel


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the body between two joints."""

    name: str
    joints: tuple[str, ...]
    """Whose skinning weights make up the segment."""
    start: str
    end: str
    """The axis: from this joint's rest position towards that one's."""
    mirror: str | None
    """Its twin on the other side."""
    neighbour: str
    """Whose nearest end it continues where neither it nor its twin was seen."""


def _both_sides(name: str, joints: tuple[str, ...], start: str, end: str, neighbour: str) -> tuple[Segment, Segment]:
    def side(a: str, b: str) -> Segment:
        there = f"{a}_{neighbour}" if neighbour in _LIMBS else neighbour
        return Segment(
            f"{a}_{name}", tuple(f"{a}_{j}" for j in joints), f"{a}_{start}", f"{a}_{end}", f"{b}_{name}", there
        )

    return side("left", "right"), side("right", "left")


_LIMBS = ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")
_FINGER_JOINTS = tuple(j.removeprefix("left_") for j in JOINT_NAMES[25:40])
SEGMENTS: tuple[Segment, ...] = (
    Segment(
        "torso",
        ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar"),
        "pelvis",
        "neck",
        None,
        "left_upper_arm",
    ),
    Segment("neck", ("neck",), "neck", "head", None, "torso"),
    Segment("head", ("head", "jaw", "left_eye", "right_eye"), "neck", "head", None, "neck"),
    *_both_sides("upper_arm", ("shoulder",), "shoulder", "elbow", "torso"),
    *_both_sides("forearm", ("elbow",), "elbow", "wrist", "upper_arm"),
    *_both_sides("hand", ("wrist", *_FINGER_JOINTS), "wrist", "middle1", "forearm"),
    *_both_sides("thigh", ("hip",), "hip", "knee", "torso"),
    *_both_sides("shin", ("knee",), "knee", "ankle", "thigh"),
    *_both_sides("foot", ("ankle", "foot"), "ankle", "foot", "shin"),
)
INDEX = {segment.name: k for k, segment in enumerate(SEGMENTS)}
SKIN_SEGMENTS = ("head", "left_hand", "right_hand")
"""Segments that are bare on nearly everybody."""


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """Segments of a body's vertices, S of them (`SEGMENTS`)."""

    share: Float[np.ndarray, "V S"]
    """How much of each segment a vertex is; rows sum to one."""
    along: Float[np.ndarray, "V S"]
    """Metres along each segment's axis."""
    length: Float[np.ndarray, " S"]
    """Of each axis, metres."""
    hair: Float[np.ndarray, " V"]
    """Where the hair of the head usually grows, 0 to 1."""
    locks: Float[np.ndarray, "V 2"]
    """What long hair hides besides: ears, the sides of the face and of the neck, left and right, 0 to 1."""

    @staticmethod
    def of(body: BodyModel, betas: Float[np.ndarray, " B"]) -> "Regions":
        """Regions of a shaped body."""
        shaped = body.shaped(betas)
        joints = np.asarray(body.J_regressor @ shaped)
        number = {name: k for k, name in enumerate(JOINT_NAMES)}
        share = np.stack([body.weights[:, [number[j] for j in s.joints]].sum(axis=1) for s in SEGMENTS], axis=1)
        along, length = np.empty_like(share), np.empty(len(SEGMENTS))
        for k, segment in enumerate(SEGMENTS):
            origin = joints[number[segment.start]]
            axis = joints[number[segment.end]] - origin
            length[k] = np.linalg.norm(axis)
            along[:, k] = (shaped - origin) @ (axis / length[k])
        share /= share.sum(axis=1, keepdims=True)
        return Regions(share, along, length, *_hair(body, share[:, INDEX["head"]], share[:, INDEX["neck"]]))


_HAIRLINE = np.array(
    [
        *([-0.160, -0.086], [-0.115, -0.081], [-0.100, -0.050], [-0.097, 0.014], [-0.061, 0.014]),
        *([-0.058, -0.014], [-0.049, -0.014], [-0.045, 0.034], [-0.027, 0.059], [0.000, 0.072], [0.030, 0.074]),
    ]
)
"""Around one side of the head, nape to forehead: forwards of the eyes (z) and above them (y), for a head whose
crown is `_CROWN` above its eyes. The dip at -0.05 is the sideburn; between -0.1 and -0.06 lies the ear."""
_CROWN = 0.1106
_SOFTNESS = 0.010
"""Metres over which hair begins."""


_SIDES = 0.08
"""Metres over which left passes into right on the nape."""
_LOCKS_BEHIND = -0.045
"""Forwards of the eyes (z, like the hairline): long hair falls behind this."""


def _hair(
    body: BodyModel, head: Float[np.ndarray, " V"], neck: Float[np.ndarray, " V"]
) -> tuple[Float[np.ndarray, " V"], Float[np.ndarray, "V 2"]]:
    """`Regions.hair` and `Regions.locks`."""
    joints = np.asarray(body.J_regressor @ body.v_template)
    eyes = joints[[JOINT_NAMES.index("left_eye"), JOINT_NAMES.index("right_eye")]].mean(axis=0)
    scale = (body.v_template[head > 0.5, 1].max() - eyes[1]) / _CROWN
    relative = (body.v_template - eyes) / scale
    line = np.interp(relative[:, 2], _HAIRLINE[:, 0], _HAIRLINE[:, 1])
    hair = _step(relative[:, 1] - line) * np.clip(3.0 * head - 0.5, 0.0, 1.0)
    falls = _step(_LOCKS_BEHIND - relative[:, 2]) * np.clip(3.0 * (head + neck) - 0.5, 0.0, 1.0) * (1.0 - hair)
    left = np.clip(relative[:, 0] / _SIDES + 0.5, 0.0, 1.0)
    return hair, falls[:, None] * np.stack([left, 1.0 - left], axis=1)


def _step(metres: Float[np.ndarray, " V"]) -> Float[np.ndarray, " V"]:
    """0 below zero and 1 above, over `_SOFTNESS`."""
    return np.clip(metres / _SOFTNESS + 0.5, 0.0, 1.0)
