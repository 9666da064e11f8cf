"""VRM Animation 1.0 (.vrma): the motion for any VRM avatar.

Specification: https://github.com/vrm-c/vrm-specification/tree/master/specification/VRMC_vrm_animation-1.0. Humanoid
bones rest in VRM's T-pose with the floor at y = 0; only the hips move, all others turn. Eyes are not bones but
`lookAt`: a node whose rotation, yaw about y after pitch about x, is where the head's eyes look. An expression's
weight is the x of its node's translation: VRM's vowels and blinks, and ARKit's shapes by their names as custom ones.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.app.exporting.gltf import Animation, GltfFile, add_skeleton, animate_skeleton
from inperson.app.exporting.skeleton import PELVIS, Skeleton, SkeletonMotion
from inperson.app.outputs.blendshapes import ArkitFace, presets_of
from inperson.app.outputs.humanoid import BONES, Humanoid
from inperson.app.outputs.standing import StandingPlace
from inperson.avatar.body import JOINT_NAMES, BodyModel
from inperson.tracking.motion_file import MotionClip

EXTENSION = "VRMC_vrm_animation"
_THUMB = {"Proximal": "Metacarpal", "Intermediate": "Proximal", "Distal": "Distal"}
"""VRM names a thumb's bones from the palm, Unity's humanoid does not."""
_HEAD = JOINT_NAMES.index("head")
_EYES = (JOINT_NAMES.index("left_eye"), JOINT_NAMES.index("right_eye"))


def vrma_bytes(motion: MotionClip, body: BodyModel) -> bytes:
    """The file.

    Args:
        motion: y up, of that body.
    """
    humanoid, face = Humanoid(body), ArkitFace(body)
    states = [motion.state(frame) for frame in range(len(motion))]
    poses = [humanoid.pose(state) for state in states]
    place = StandingPlace(humanoid)
    for pose in poses:
        origin = place(pose)
    skeleton = Skeleton(_rest(poses[0].offsets, body.parents), body.parents, BONES)
    turned = SkeletonMotion(
        skeleton,
        places=np.stack([pose.joints[PELVIS] - origin for pose in poses]),
        rotvecs=np.stack([Rotation.from_matrix(pose.local).as_rotvec() for pose in poses]),
        times_ns=motion.times_ns,
    )
    file = GltfFile()
    animation = Animation(file, "session", turned.seconds)
    bones = add_skeleton(file, skeleton, [joint for joint in range(len(JOINT_NAMES)) if joint not in _EYES])
    animate_skeleton(animation, turned, bones)
    faces = [face.values(state) for state in states]
    arkit = _series([{name: v for name, v in each.items() if not name.startswith("eyeLook")} for each in faces])
    preset = _series([presets_of(each) for each in faces])
    gaze = file.add_node({"name": "lookAt"}, root=True)
    animation.add(gaze, "rotation", _gaze(motion.poses.reshape(len(motion), -1, 3)[:, _EYES]))
    eyes = skeleton.rest[list(_EYES)].mean(axis=0) - skeleton.rest[_HEAD]
    file.json["extensionsUsed"] = [EXTENSION]
    file.json["extensions"] = {
        EXTENSION: {
            "specVersion": "1.0",
            "humanoid": {"humanBones": {vrm_bone(BONES[joint]): {"node": node} for joint, node in bones.items()}},
            "expressions": {
                "preset": _add_expressions(file, animation, preset),
                "custom": _add_expressions(file, animation, arkit),
            },
            "lookAt": {"node": gaze, "offsetFromHeadBone": eyes.tolist()},
        }
    }
    return file.to_bytes()


def vrm_bone(unity: str) -> str:
    """VRM 1.0's name of one of Unity's `HumanBodyBones`."""
    for ours, theirs in _THUMB.items():
        if unity.endswith(f"Thumb{ours}"):
            unity = f"{unity.removesuffix(ours)}{theirs}"
            break
    return unity[0].lower() + unity[1:]


def _rest(offsets: Float[np.ndarray, "55 3"], parents: np.ndarray) -> Float[np.ndarray, "55 3"]:
    """Places of joints whose offsets from their parents are known."""
    out = offsets.copy()
    for joint in range(1, len(out)):
        out[joint] += out[parents[joint]]
    return out


def _series(frames: Sequence[Mapping[str, float]]) -> dict[str, Float[np.ndarray, " T"]]:
    """Each name's values over all frames."""
    return {name: np.array([frame[name] for frame in frames]) for name in frames[0]}


def _add_expressions(
    file: GltfFile, animation: Animation, weights: Mapping[str, Float[np.ndarray, " T"]]
) -> dict[str, dict[str, int]]:
    """A node for each expression."""
    added = {}
    for name, values in weights.items():
        node = file.add_node({"name": f"expression {name}"}, root=True)
        moves = np.zeros((len(values), 3))
        moves[:, 0] = values
        animation.add(node, "translation", moves)
        added[name] = {"node": node}
    return added


def _gaze(eyes: Float[np.ndarray, "T 2 3"]) -> Float[np.ndarray, "T 4"]:
    """Where both eyes look on average, relative to the head: quat_xyzw of yaw about y after pitch about x."""
    forward = Rotation.from_rotvec(eyes.reshape(-1, 3)).apply([0.0, 0.0, 1.0]).reshape(*eyes.shape).mean(axis=1)
    yaw = np.arctan2(forward[:, 0], forward[:, 2])
    pitch = np.arctan2(-forward[:, 1], np.hypot(forward[:, 0], forward[:, 2]))
    return Rotation.from_euler("YX", np.stack([yaw, pitch], axis=1)).as_quat()
