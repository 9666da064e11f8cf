"""Motion capture in BVH (the CMU skeleton of the cgspeed conversion, MakeHuman's own) as SMPL-X poses."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from inperson.avatar.body import JOINT_NAMES, BodyModel
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.synthetic.motion.clip import MotionClip

_SIDED = (
    ("hip", "UpLeg"),
    ("knee", "Leg"),
    ("ankle", "Foot"),
    ("collar", "Shoulder"),
    ("shoulder", "Arm"),
    ("elbow", "ForeArm"),
    ("wrist", "Hand"),
)
_CMU: dict[str, str] = {
    "pelvis": "Hips",
    "spine1": "LowerBack",
    "spine2": "Spine",
    "spine3": "Spine1",
    "neck": "Neck",
    "head": "Head",
} | {f"{side}_{ours}": side.title() + theirs for side in ("left", "right") for ours, theirs in _SIDED}
"""SMPL-X joint to BVH joint."""
_LIMBS: dict[str, str] = {
    f"{side}_{joint}": f"{side}_{child}"
    for side in ("left", "right")
    for joint, child in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
}
"""Bones whose rest direction differs between the skeletons: joint to the child it points at."""


@dataclass(frozen=True, slots=True, eq=False)
class Bvh:
    """A skeleton of J joints and T frames of it. Lengths are in the file's units."""

    names: tuple[str, ...]
    parents: Int[np.ndarray, " J"]
    offsets: Float[np.ndarray, "J 3"]
    rotations: tuple[Rotation, ...]
    """Per joint T rotations in the world."""
    root: Float[np.ndarray, "T 3"]
    frame_time: float
    """Seconds."""


def read_bvh(path: Path) -> Bvh:
    """Reads a BVH file.

    Raises:
        BadInputError: not a BVH file.
    """
    try:
        return _parse(path.read_text(encoding="utf-8", errors="replace").split())
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise BadInputError(f"{path} is not a BVH motion ({error})", "give a .bvh file") from error


def _parse(tokens: list[str]) -> Bvh:
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[list[str]] = []
    open_joints: list[int] = []
    i = 0
    while tokens[i] != "MOTION":
        word = tokens[i]
        if word in ("ROOT", "JOINT"):
            names.append(tokens[i + 1])
            parents.append(open_joints[-1] if open_joints else -1)
            channels.append([])
            open_joints.append(len(names) - 1)
            i += 3  # keyword, name, {
        elif word == "End":
            open_joints.append(-1)
            i += 3  # End, Site, {
        elif word == "}":
            open_joints.pop()
            i += 1
        elif word == "OFFSET":
            if open_joints[-1] >= 0:
                offsets.append([float(v) for v in tokens[i + 1 : i + 4]])
            i += 4
        elif word == "CHANNELS":
            count = int(tokens[i + 1])
            channels[open_joints[-1]] = tokens[i + 2 : i + 2 + count]
            i += 2 + count
        else:
            i += 1
    frames, frame_time = int(tokens[i + 2]), float(tokens[i + 5])
    data = np.array(tokens[i + 6 :], float).reshape(frames, -1)
    return _posed(names, parents, np.array(offsets), channels, data, frame_time)


def _posed(
    names: list[str],
    parents: list[int],
    offsets: Float[np.ndarray, "J 3"],
    channels: list[list[str]],
    data: Float[np.ndarray, "T C"],
    frame_time: float,
) -> Bvh:
    rotations: list[Rotation] = []
    root = np.zeros((len(data), 3))
    column = 0
    for joint, words in enumerate(channels):
        values = data[:, column : column + len(words)]
        column += len(words)
        turning = [k for k, word in enumerate(words) if word.endswith("rotation")]
        if parents[joint] < 0:
            root = values[:, [words.index(f"{axis}position") for axis in "XYZ"]]
        order = "".join(words[k][0] for k in turning)
        local = Rotation.from_euler(order, values[:, turning], degrees=True)
        rotations.append(local if parents[joint] < 0 else rotations[parents[joint]] * local)
    return Bvh(tuple(names), np.array(parents), offsets, tuple(rotations), root, frame_time)


def motion_from_bvh(bvh: Bvh, body: BodyModel, fps: float = 30.0) -> MotionClip:
    """The motion on a body in its mean shape: limb directions are kept, lengths and root are scaled to its legs.

    Raises:
        BadInputError: a joint of the CMU skeleton is missing.
    """
    missing = [name for name in _CMU.values() if name not in bvh.names]
    if missing:
        raise BadInputError(f"the BVH skeleton lacks {', '.join(missing)}", "use a file with CMU's joint names")
    index = {name: i for i, name in enumerate(bvh.names)}
    rest = body.J_regressor @ body.v_template
    step = max(1, round(1.0 / (fps * bvh.frame_time)))
    world: list[Rotation] = []
    for j, name in enumerate(JOINT_NAMES[:22]):
        if name not in _CMU:
            world.append(world[int(body.parents[j])])
            continue
        turned = bvh.rotations[index[_CMU[name]]][::step]
        if name in _LIMBS:
            child = _LIMBS[name]
            ours = rest[JOINT_NAMES.index(child)] - rest[j]
            theirs = bvh.offsets[index[_CMU[child]]]
            turned = turned * Rotation.align_vectors([theirs], [ours])[0]
        world.append(turned)
    local = [world[0]] + [world[int(body.parents[j])].inv() * world[j] for j in range(1, 22)]
    pose = np.stack([r.as_rotvec() for r in local], axis=1).astype(np.float32)
    leg = np.linalg.norm(rest[4] - rest[1]) + np.linalg.norm(rest[7] - rest[4])
    their_leg = sum(np.linalg.norm(bvh.offsets[index[name]]) for name in ("LeftLeg", "LeftFoot"))
    trans = (bvh.root[::step] * leg / their_leg - rest[0]).astype(np.float32)
    states = []
    for i in range(len(pose)):
        state = BodyState.rest(body.num_betas, body.num_expression, round(i * step * bvh.frame_time * 1e9))
        full = state.full_pose
        full[:22] = pose[i]
        states.append(replace(state.with_full_pose(full), transl=trans[i]))
    return MotionClip(tuple(states), 1.0 / (step * bvh.frame_time))
