"""Whose joint is which: skeletons of other programs in SMPL-X's names."""

from collections.abc import Iterable, Mapping

from inperson.avatar.body import JOINT_NAMES
from inperson.errors import BadInputError

_SIDES = {"left": "left", "right": "right"}
_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
_LIMBS = {
    "shoulder": "collar",
    "arm": "shoulder",
    "forearm": "elbow",
    "hand": "wrist",
    "upleg": "hip",
    "leg": "knee",
    "foot": "ankle",
    "toebase": "foot",
    "eye": "eye",
}
"""Mixamo's and CMU's word, and SMPL-X's."""
_BOTH = {
    "hips": "pelvis",
    "neck": "neck",
    "head": "head",
    "jaw": "jaw",
    **{f"{side}{theirs}": f"{side}_{ours}" for side in _SIDES for theirs, ours in _LIMBS.items()},
    **{f"{side}hand{f}{k}": f"{side}_{f}{k}" for side in _SIDES for f in _FINGERS for k in (1, 2, 3)},
}
_ENDS = (
    *("headtopend", "headend", "head_end"),
    *(f"{side}{what}" for side in _SIDES for what in ("toeend", "toebaseend", "handend", "eyeend")),
    *(f"{side}hand{f}{k}" for side in _SIDES for f in _FINGERS for k in ("4", "4end", "end", "3end")),
)
"""Tips, which turn nothing."""
MIXAMO: Mapping[str, str | None] = {
    **_BOTH,
    "spine": "spine1",
    "spine1": "spine2",
    "spine2": "spine3",
    **dict.fromkeys(_ENDS),
}
"""https://www.mixamo.com: names as they are without `mixamorig:`, in small letters."""
CMU: Mapping[str, str | None] = {
    **{name: joint for name, joint in _BOTH.items() if "handindex" not in name},
    "lowerback": "spine1",
    "spine": "spine2",
    "spine1": "spine3",
    **dict.fromkeys(("lhipjoint", "rhipjoint", "neck1", "lthumb", "rthumb")),
    **dict.fromkeys(f"{side}{what}" for side in _SIDES for what in ("fingerbase", "handindex1")),
    **dict.fromkeys(_ENDS),
}
"""http://mocap.cs.cmu.edu, as converted to BVH by Hahne. Two necks: the second only carries the head. Its fingers are
one joint, which is no finger's."""
SMPLX: Mapping[str, str | None] = {
    **{name.replace("_", ""): name for name in JOINT_NAMES},
    "root": "pelvis",
    "lefteyesmplhf": "left_eye",
    "righteyesmplhf": "right_eye",
    **{f"{side}hand": None for side in _SIDES},
}


def smplx_names(names: Iterable[str]) -> dict[str, str]:
    """SMPL-X's joint for each of a skeleton's that turns one; tips and the like are left out.

    Whose skeleton it is, is told by names that only one of them has.

    Raises:
        BadInputError: joints that none of them has; names them all. Or two that are the same.
    """
    plain = {name: _plain(name) for name in names}
    present = set(plain.values())
    table = SMPLX if "pelvis" in present or "spine3" in present else CMU if "lowerback" in present else MIXAMO
    unknown = [name for name, short in plain.items() if short not in table]
    if unknown:
        raise BadInputError(
            f"the motion's skeleton has joints nobody knows here: {', '.join(unknown)}",
            "rename them as SMPL-X, Mixamo or CMU do, or remove them",
        )
    out = {name: joint for name, short in plain.items() if (joint := table[short]) is not None}
    twice = sorted({joint for joint in out.values() if list(out.values()).count(joint) > 1})
    if twice:
        raise BadInputError(f"the motion's skeleton has two of {', '.join(twice)}", "keep one person in the file")
    if "pelvis" not in out.values():
        raise BadInputError("the motion's skeleton has no hips", "its root has to be called Hips or pelvis")
    return out


def _plain(name: str) -> str:
    """In small letters, without a namespace (`mixamorig:`, `Armature|`) and separators."""
    short = name.replace("|", ":").rsplit(":", 1)[-1].lower()
    for separator in "_-. ":
        short = short.replace(separator, "")
    return short.removeprefix("mixamorig")
