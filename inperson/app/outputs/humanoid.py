"""SMPL-X's 55 joints as Unity's 55 `HumanBodyBones`, relative to the T-pose that VRM models stand in.

Both skeletons have the same joints; their rest poses differ. A VRM model rests with arms, hands and four fingers
along the x axis, and thumbs half-way between it and forward, all level
(https://github.com/vrm-c/vrm-specification/blob/master/specification/VRMC_vrm-1.0/tpose.md). An SMPL-X body rests
with spread, slightly drooping fingers. `Humanoid` knows the rotation C_j (in the body's axes) that lays each joint's
bone from one rest pose into the other, so that a joint whose rotation in the world is G_j shows as G_j C_j^-1: no
rotation means the T-pose. Trunk, legs and head stand alike in both. All is in our axes; `unity.py` comes after.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from inperson.avatar.body import JOINT_NAMES, NUM_JOINTS, BodyModel
from inperson.avatar.state import BodyState
from inperson.tracking.fit.skeleton import SkeletonModel, forward_joints
from inperson.tracking.fit.so3 import exp_all

_SIDES = (("Left", "left"), ("Right", "right"))
_FINGERS = {"Thumb": "thumb", "Index": "index", "Middle": "middle", "Ring": "ring", "Little": "pinky"}
_LIMBS = {
    "UpperLeg": "hip",
    "LowerLeg": "knee",
    "Foot": "ankle",
    "Toes": "foot",
    "Eye": "eye",
    "Shoulder": "collar",
    "UpperArm": "shoulder",
    "LowerArm": "elbow",
    "Hand": "wrist",
}
_TRUNK = {
    "Hips": "pelvis",
    "Spine": "spine1",
    "Chest": "spine2",
    "UpperChest": "spine3",
    "Neck": "neck",
    "Head": "head",
    "Jaw": "jaw",
}
_PHALANGES = ("Proximal", "Intermediate", "Distal")

JOINT_OF_BONE: dict[str, str] = {
    **_TRUNK,
    **{f"{Side}{bone}": f"{side}_{joint}" for bone, joint in _LIMBS.items() for Side, side in _SIDES},
    **{
        f"{Side}{finger}{phalanx}": f"{side}_{joint}{k}"
        for Side, side in _SIDES
        for finger, joint in _FINGERS.items()
        for k, phalanx in enumerate(_PHALANGES, 1)
    },
}
"""SMPL-X's joint at the head of each of Unity's bones
(https://docs.unity3d.com/ScriptReference/HumanBodyBones.html; `LastBone` only ends that list)."""
BONES: tuple[str, ...] = tuple({joint: bone for bone, joint in JOINT_OF_BONE.items()}[joint] for joint in JOINT_NAMES)
"""Unity's name of each joint, in SMPL-X's order."""

_JOINT = {name: k for k, name in enumerate(JOINT_NAMES)}
ANKLES_AND_FEET = tuple(_JOINT[f"{side}_{joint}"] for joint in ("ankle", "foot") for side in ("left", "right"))
PELVIS = _JOINT["pelvis"]
_EYES = (_JOINT["left_eye"], _JOINT["right_eye"])


@dataclass(frozen=True, slots=True)
class HumanoidPose:
    """How a humanoid model in the T-pose would have to be turned. Our axes, metres; joints in SMPL-X's order."""

    joints: Float[np.ndarray, "55 3"]
    """In the world."""
    world: Float[np.ndarray, "55 3 3"]
    """Rotations in the world, from the T-pose."""
    local: Float[np.ndarray, "55 3 3"]
    """The same, relative to the parent's."""
    offsets: Float[np.ndarray, "55 3"]
    """From the parent to the joint, as they are in the T-pose; of the pelvis, from the floor under it."""


class Humanoid:
    """One body as a humanoid. What is laid into the T-pose is the body's own mean shape, whoever's it then is."""

    def __init__(self, body: BodyModel) -> None:
        self._skeleton = SkeletonModel.from_body(body, body.num_betas)
        self._parents: Int[np.ndarray, 55] = np.asarray(body.parents, np.int64)
        rest, _ = self._skeleton.rest(np.zeros(0))
        self._to_tpose = _to_tpose(rest)
        self.sole = float(rest[list(ANKLES_AND_FEET), 1].min() - body.v_template[:, 1].min())
        """From the lowest joint of a standing body down to its soles, metres."""
        self._crown = float(body.v_template[:, 1].max() - rest[list(_EYES), 1].mean())

    def rest_pelvis(self, betas: Float[np.ndarray, " B"]) -> Float[np.ndarray, "3"]:
        """Where the pelvis is in the rest pose of a shape: `transl` starts from there."""
        return self._skeleton.rest(betas)[0][PELVIS]

    def height(self, betas: Float[np.ndarray, " B"]) -> float:
        """From the soles to the crown of a shape standing straight, metres."""
        rest, _ = self._skeleton.rest(betas)
        return float(rest[list(_EYES), 1].mean() - rest[list(ANKLES_AND_FEET), 1].min() + self.sole + self._crown)

    def pose(self, state: BodyState) -> HumanoidPose:
        """A state of the body, with the state's own `betas`; its expression moves no joint here."""
        skeleton = self._skeleton.shaped(state.betas)
        turned, joints = np.empty((NUM_JOINTS, 3, 3)), np.empty((NUM_JOINTS, 3))
        forward_joints(
            skeleton, exp_all(state.full_pose.astype(np.float64)), state.transl.astype(np.float64), turned, joints
        )
        world = turned @ np.swapaxes(self._to_tpose, 1, 2)
        local = world.copy()
        local[1:] = np.swapaxes(world[self._parents[1:]], 1, 2) @ world[1:]
        offsets = skeleton.offsets.copy()
        offsets[1:] = np.einsum("jrc,jc->jr", self._to_tpose[self._parents[1:]], offsets[1:])
        lowest = self._skeleton.rest(state.betas)[0][list(ANKLES_AND_FEET), 1].min()
        offsets[PELVIS] = 0.0, skeleton.offsets[PELVIS, 1] - lowest + self.sole, 0.0
        return HumanoidPose(joints, world, local, offsets)

    def joint_rotations(self, local: Float[np.ndarray, "55 3 3"]) -> Float[np.ndarray, "55 3 3"]:
        """Rotations of SMPL-X's joints from the local ones of a `HumanoidPose`: what undoes `pose`. A joint's depends
        on its own local rotation alone."""
        turned = local @ self._to_tpose
        turned[1:] = np.swapaxes(self._to_tpose[self._parents[1:]], 1, 2) @ turned[1:]
        return turned


def _to_tpose(rest: Float[np.ndarray, "55 3"]) -> Float[np.ndarray, "55 3 3"]:
    """C_j of every joint: the smallest rotation that lays its bone as in VRM's T-pose; none off the arms."""
    out = np.tile(np.eye(3), (NUM_JOINTS, 1, 1))
    for side, x in (("left", 1.0), ("right", -1.0)):
        outwards, thumb = np.array([x, 0.0, 0.0]), np.array([x, 0.0, 1.0]) / np.sqrt(2.0)
        bones = [("shoulder", "elbow", outwards), ("elbow", "wrist", outwards), ("wrist", "middle1", outwards)]
        for finger in _FINGERS.values():
            towards = thumb if finger == "thumb" else outwards
            bones += [(f"{finger}{k}", f"{finger}{k + 1}", towards) for k in (1, 2)]
        for begin, end, towards in bones:
            a, b = _JOINT[f"{side}_{begin}"], _JOINT[f"{side}_{end}"]
            out[a] = _smallest_rotation(rest[b] - rest[a], towards)
        for finger in _FINGERS.values():  # no joint marks a fingertip: it goes on as the bone before
            out[_JOINT[f"{side}_{finger}3"]] = out[_JOINT[f"{side}_{finger}2"]]
    return out


def _smallest_rotation(a: Float[np.ndarray, "3"], b: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """The rotation about a x b that takes the direction of a to the unit vector b."""
    axis = np.cross(a / np.linalg.norm(a), b)
    sine = np.linalg.norm(axis)
    if sine == 0.0:
        return np.eye(3)
    return exp_all((axis / sine * np.arctan2(sine, a @ b / np.linalg.norm(a)))[None])[0]
