"""MakeHuman's 163 bones as SMPL-X's 55 joints."""

import numpy as np
from jaxtyping import Float, Int

from inperson.avatar.body import JOINT_NAMES
from tools.build_body.makehuman import MakeHuman

PARENTS: tuple[int, ...] = (
    *(-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 15, 15, 15),
    *(
        p
        for wrist, first in ((20, 25), (21, 40))
        for f in range(5)
        for p in (wrist, first + 3 * f, first + 3 * f + 1)
    ),
)
"""SMPL-X's kinematic tree."""

_MIDDLE = dict(
    zip(
        ("pelvis", "spine1", "spine2", "spine3", "neck", "head", "jaw"),
        ("spine05", "spine04", "spine03", "spine02", "neck01", "head", "jaw"),
        strict=True,
    )
)
_SIDE = dict(
    zip(
        ("hip", "knee", "ankle", "collar", "shoulder", "elbow", "wrist", "eye"),
        ("upperleg01", "lowerleg01", "foot", "clavicle", "upperarm01", "lowerarm01", "wrist", "eye"),
        strict=True,
    )
) | {
    f"{finger}{k}": f"finger{i}-{k}"
    for i, finger in enumerate(("thumb", "index", "middle", "ring", "pinky"), start=1)
    for k in (1, 2, 3)
}
_PELVIS_BONES = ("root", "pelvis.L", "pelvis.R", "spine05")


def bones_of_joint(joint: str) -> tuple[str, ...]:
    """Bones whose heads (averaged) are the joint's place, and which turn with it."""
    if joint in _MIDDLE:
        return (_MIDDLE[joint],)
    side, _, part = joint.partition("_")
    letter = side[0].upper()
    if part == "foot":
        return tuple(f"toe{k}-1.{letter}" for k in range(1, 6))
    return (f"{_SIDE[part]}.{letter}",)


def joints_from_bone_heads(mh: MakeHuman, heads: Float[np.ndarray, "n 163 3"]) -> Float[np.ndarray, "n 55 3"]:
    """Joint places from (T-posed) bone heads: linear."""
    places = [heads[:, [mh.bone(b) for b in bones_of_joint(j)]].mean(1) for j in JOINT_NAMES]
    return np.stack(places, axis=1)


def joint_of_bone(mh: MakeHuman) -> Int[np.ndarray, "163"]:
    """Which joint each bone turns with: its own, or its nearest ancestor's."""
    own = {bone: j for j, joint in enumerate(JOINT_NAMES) for bone in bones_of_joint(joint)}
    own |= dict.fromkeys(_PELVIS_BONES, 0)
    out = np.zeros(len(mh.bone_names), int)
    for i, name in enumerate(mh.bone_names):
        out[i] = own.get(name, out[mh.bone_parents[i]] if mh.bone_parents[i] >= 0 else 0)
    return out


def joint_weights(mh: MakeHuman) -> Float[np.ndarray, "n 55"]:
    """hm08's skinning weights summed onto the 55 joints."""
    out = np.zeros((len(mh.weights), len(JOINT_NAMES)))
    np.add.at(out.T, joint_of_bone(mh), mh.weights.T)
    return out
