"""A BVH's motion as a body's: exactly where the skeleton is ours, by how bones turned from rest where it is not.

A foreign skeleton rests in a pose of its own, with bones of other lengths. Of each bone only its direction counts:
what takes our bone's direction at rest to theirs, and then turns as theirs did, shows the same pose.
"""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.app.exporting.bvh import CENTIMETRES
from inperson.app.exporting.skeleton import PELVIS, Skeleton
from inperson.app.importing.bvh_file import BvhClip
from inperson.app.importing.joint_names import smplx_names
from inperson.avatar.body import JOINT_NAMES, BodyModel
from inperson.avatar.state import PARTS, Source
from inperson.errors import BadInputError
from inperson.tracking.motion_file import MotionClip

_J = {name: k for k, name in enumerate(JOINT_NAMES)}
_LIMB_BONES: Mapping[int, int] = {
    **{
        _J[f"{side}_{begin}"]: _J[f"{side}_{end}"]
        for side in ("left", "right")
        for begin, end in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
    },
    **{_J[f"{side}_wrist"]: _J[f"{side}_middle1"] for side in ("left", "right")},
    **{
        _J[f"{side}_{finger}{k}"]: _J[f"{side}_{finger}{k + 1}"]
        for side in ("left", "right")
        for finger in ("thumb", "index", "middle", "ring", "pinky")
        for k in (1, 2)
    },
}
"""Joints whose bone to another one has a direction that means the same on every skeleton. Trunk and feet are built in
too many ways: they turn as they are."""
_AFTER_FIRST = {
    joint
    for joint, name in enumerate(JOINT_NAMES)
    if any(part in name for part in ("elbow", "wrist", "knee", "thumb", "index", "middle", "ring", "pinky"))
}
"""Joints of a limb that lie further out than its first one."""
_LEG = ("hip", "knee", "ankle")
Z_UP = Rotation.from_euler("x", -90, degrees=True)


def motion_of_bvh(clip: BvhClip, body: BodyModel) -> MotionClip:
    """The motion on a body.

    Raises:
        BadInputError: joints nobody knows, no legs, or a skeleton that lies down at rest.
    """
    if _is_ours(clip):
        betas = _shape_of(clip, body)
        skeleton = Skeleton.of(body, betas)
        order = [clip.names.index(name) for name in JOINT_NAMES]
        rotvecs = np.stack([clip.rotations(joint).as_rotvec() for joint in order], axis=1)
        places = clip.root_places() / CENTIMETRES
    else:
        betas = np.zeros(body.num_betas, np.float32)
        skeleton = Skeleton.of(body, betas)
        rotvecs, places = _retargeted(clip, skeleton)
    framerate = _framerate(clip.frame_time)
    count = len(clip)
    return MotionClip(
        poses=rotvecs.reshape(count, -1).astype(np.float32),
        trans=(places - skeleton.rest[PELVIS]).astype(np.float32),
        betas=betas,
        framerate=framerate,
        times_ns=np.round(np.arange(count) * (1e9 / framerate)).astype(np.int64),
        expression=np.zeros((count, 0), np.float32),
        confidence=np.ones((count, len(PARTS)), np.float32),
        source=np.full((count, len(PARTS)), Source.FILE, np.int8),
        body_name=body.name,
        body_sha256=body.sha256,
    )


def _is_ours(clip: BvhClip) -> bool:
    """Whether it is a skeleton that `inperson export` wrote."""
    if sorted(clip.names) != sorted(JOINT_NAMES):
        return False
    return all(
        joint.parent < 0 or JOINT_NAMES.index(clip.joints[joint.parent].name) < JOINT_NAMES.index(joint.name)
        for joint in clip.joints
    )


def _shape_of(clip: BvhClip, body: BodyModel) -> Float[np.ndarray, " B"]:
    """The shape whose bones are as long as the file's (least squares, smallest of those that do as well)."""
    joints = np.array([clip.names.index(name) for name in JOINT_NAMES])
    theirs = clip.rest()[joints] / CENTIMETRES
    mean = Skeleton.of(body, np.zeros(0))
    columns = np.stack([body.J_regressor @ body.shapedirs[:, axis].astype(np.float64) for axis in range(3)], axis=1)
    parents = mean.parents[1:]
    wanted = (theirs[1:] - theirs[parents]) - mean.offsets[1:]
    moves = columns[1:] - columns[parents]
    return np.linalg.lstsq(moves.reshape(-1, body.num_betas), wanted.ravel())[0].astype(np.float32)


def _retargeted(clip: BvhClip, ours: Skeleton) -> tuple[Float[np.ndarray, "T 55 3"], Float[np.ndarray, "T 3"]]:
    """Rotations in the parent, and the pelvis' places in metres."""
    mapped = {_J[joint]: clip.names.index(name) for name, joint in smplx_names(clip.names).items()}
    theirs = clip.rest()
    facing = _body_axes({j: theirs[k] for j, k in mapped.items()}) * _body_axes(dict(enumerate(ours.rest))).inv()
    upright = _upright(facing)
    turned = _world_rotations(clip)
    aligned = _alignments(mapped, theirs, ours, facing)
    world: list[Rotation] = []
    for joint in range(len(ours.rest)):
        if joint in mapped:
            world.append(upright * turned[mapped[joint]] * aligned[joint])
        else:
            world.append(world[ours.parents[joint]])
    local = [world[0]] + [world[p].inv() * world[j] for j, p in enumerate(ours.parents) if p >= 0]
    places = upright.apply(clip.root_places()) * _scale(mapped, theirs, ours.rest)
    return np.stack([rotation.as_rotvec() for rotation in local], axis=1), places


def _world_rotations(clip: BvhClip) -> list[Rotation]:
    out: list[Rotation] = []
    for k, joint in enumerate(clip.joints):
        own = clip.rotations(k)
        out.append(own if joint.parent < 0 else out[joint.parent] * own)
    return out


def _body_axes(places: Mapping[int, Float[np.ndarray, "3"]]) -> Rotation:
    """A skeleton's left, up and forward at rest as columns: from one hip to the other, and from hips to shoulders."""
    try:
        left = places[_J["left_hip"]] - places[_J["right_hip"]]
        top = 0.5 * (places[_J["left_shoulder"]] + places[_J["right_shoulder"]])
        up = top - 0.5 * (places[_J["left_hip"]] + places[_J["right_hip"]])
    except KeyError as error:
        raise BadInputError("the motion's skeleton lacks hips or shoulders", "give one with arms and legs") from error
    forward = np.cross(left, up)
    if np.linalg.norm(forward) < 1e-9:
        raise BadInputError("the motion's skeleton has no width or height at rest", "give one with offsets")
    up = np.cross(forward, left)
    axes = np.stack([left, up, forward], axis=1)
    return Rotation.from_matrix(axes / np.linalg.norm(axes, axis=0))


def _upright(facing: Rotation) -> Rotation:
    """What turns the file's world so that y is up."""
    up = facing.apply([0.0, 1.0, 0.0])
    if up[1] > 0.8:
        return Rotation.identity()
    if up[2] > 0.8:
        return Z_UP
    raise BadInputError("the motion's skeleton rests neither with y nor with z up", "write it in one of the two")


def _alignments(
    mapped: Mapping[int, int], theirs: Float[np.ndarray, "J 3"], ours: Skeleton, facing: Rotation
) -> list[Rotation]:
    """From our rest pose's axes to theirs, of each of our joints.

    People rest with arms and legs further from the trunk or nearer to it: a limb is first turned as a whole in the
    plane of the body, then its bones one after the other, each by as little as lays it into theirs.
    """
    forward = facing.apply([0.0, 0.0, 1.0])
    out: list[Rotation] = []
    for joint, parent in enumerate(ours.parents):
        goes_on = joint in _AFTER_FIRST
        aligned = out[parent] if goes_on else facing
        end = _LIMB_BONES.get(joint)
        if end is not None and joint in mapped and end in mapped:
            wanted = theirs[mapped[end]] - theirs[mapped[joint]]
            own = ours.rest[end] - ours.rest[joint]
            if not goes_on:
                aligned = _about(forward, aligned.apply(own), wanted) * aligned
            aligned = _smallest_rotation(aligned.apply(own), wanted) * aligned
        out.append(aligned)
    return out


def _about(axis: Float[np.ndarray, "3"], a: Float[np.ndarray, "3"], b: Float[np.ndarray, "3"]) -> Rotation:
    """The rotation about a unit vector that takes a as near to b as it can."""
    across, along = np.cross(axis, a), a - (axis @ a) * axis
    return Rotation.from_rotvec(axis * np.arctan2(across @ b, along @ b))


def _smallest_rotation(a: Float[np.ndarray, "3"], b: Float[np.ndarray, "3"]) -> Rotation:
    """Takes the direction of a to b's."""
    axis = np.cross(a, b)
    sine = np.linalg.norm(axis)
    if sine < 1e-12:
        return Rotation.identity()
    return Rotation.from_rotvec(axis / sine * np.arctan2(sine, a @ b))


def _scale(mapped: Mapping[int, int], theirs: np.ndarray, ours: np.ndarray) -> float:
    """Metres of our body for each unit of theirs: legs as long."""

    def leg(place: Mapping[int, np.ndarray]) -> float:
        chain = [place[_J[f"left_{joint}"]] for joint in _LEG]
        return float(sum(np.linalg.norm(b - a) for a, b in pairwise(chain)))

    try:
        length = leg({j: theirs[k] for j, k in mapped.items()})
    except KeyError as error:
        raise BadInputError("the motion's skeleton lacks a knee or an ankle", "give one with legs") from error
    if length < 1e-9:
        raise BadInputError("the motion's skeleton has legs without length", "give one with offsets")
    return leg(dict(enumerate(ours))) / length


def _framerate(frame_time: float) -> float:
    """Frames a second; a whole number where the file only wrote too few decimals for it."""
    rate = 1.0 / frame_time
    return float(round(rate)) if abs(rate / max(round(rate), 1) - 1.0) < 1e-4 else rate
