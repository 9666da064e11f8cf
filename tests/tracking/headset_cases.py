"""What the tests of fusion share: bodies in the play space, and what a headset would report of them."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation
from smplx.vertex_ids import vertex_ids

from inperson.avatar.body import JOINT_NAMES, BodyModel, load_body
from inperson.avatar.headset_pose import HAND_JOINTS, HandJoints, HeadsetPose
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.tracking.headset import HeadsetFusion
from inperson.tracking.play_calibration import PlayCalibration

FRAME_NS = 11_111_111
JOINT = {name: index for index, name in enumerate(JOINT_NAMES)}
BODY_FROM_VIEW = np.diag([-1.0, 1.0, -1.0])
FINGERS = ("index", "middle", "pinky", "ring", "thumb")
THUMB_UP = np.array([-0.40, 0.30, 0.87])
"""Out of the left thumb's nail on the rest hand."""


@lru_cache
def body() -> BodyModel:
    return load_body("neutral")


@lru_cache
def poser() -> BodyPoser:
    return BodyPoser(body(), np.zeros(0, np.float32))


@lru_cache
def eye_height() -> float:
    eyes = poser().rest_joints[[JOINT["left_eye"], JOINT["right_eye"]], 1].mean()
    return float(eyes - poser().shaped_vertices[:, 1].min())


def fusion(calibration: PlayCalibration | None = None) -> HeadsetFusion:
    return HeadsetFusion(body(), np.zeros(0, np.float32), calibration)


def rigid(position=(0.0, 0.0, 0.0), rotation: Rotation | None = None) -> Float[np.ndarray, "4 4"]:
    T = np.eye(4)
    T[:3, 3] = position
    if rotation is not None:
        T[:3, :3] = rotation.as_matrix()
    return T


def view(x=0.0, y=None, z=0.0, yaw=0.0, pitch=0.0, roll=0.0) -> Float[np.ndarray, "4 4"]:
    """A head in the play space; degrees, yaw to the left and pitch up."""
    height = eye_height() if y is None else y
    return rigid((x, height, z), Rotation.from_euler("YXZ", [yaw, pitch, roll], degrees=True))


def standing(**changes) -> BodyState:
    """A body with hanging arms on the floor of the play space, facing -z, its eyes above the origin."""
    state = BodyState.rest(body().num_betas, body().num_expression)
    pose = state.full_pose.copy()
    pose[JOINT["left_shoulder"], 2], pose[JOINT["right_shoulder"], 2] = -1.2, 1.2
    pose[0] = 0.0, np.pi, 0.0
    return hung(replace(state.with_full_pose(pose), **changes), view()[:3, 3])


def hung(state: BodyState, eyes: Float[np.ndarray, "3"]) -> BodyState:
    """The same pose with the midpoint of its eyes at a place."""
    found = eyes_of(replace(state, transl=np.zeros(3, np.float32)))
    return replace(state, transl=(eyes - found).astype(np.float32))


def joints_of(state: BodyState) -> tuple[Float[np.ndarray, "55 3 3"], Float[np.ndarray, "55 3"]]:
    """World rotations and places of a state's joints, from the shipped skinning."""
    transforms, joints, _ = poser().joint_transforms(state)
    return transforms[:, :, :3].astype(np.float64), joints.astype(np.float64)


def eyes_of(state: BodyState) -> Float[np.ndarray, "3"]:
    return joints_of(state)[1][[JOINT["left_eye"], JOINT["right_eye"]]].mean(axis=0)


def view_of(state: BodyState) -> Float[np.ndarray, "4 4"]:
    """The VIEW pose of a body's head."""
    G, _ = joints_of(state)
    return rigid(eyes_of(state), Rotation.from_matrix(G[JOINT["head"]] @ BODY_FROM_VIEW))


def settled(machine: HeadsetFusion, pose: HeadsetPose, camera: BodyState | None = None, seconds=1.0) -> BodyState:
    """What comes of showing the same for a while, until `pose.time_ns`."""
    count = int(seconds * 1e9 / FRAME_NS)
    for k in range(count, -1, -1):
        at = pose.time_ns - k * FRAME_NS
        seen = None if camera is None else replace(camera, time_ns=at)
        state = machine.fuse(seen, replace(pose, time_ns=at))
    return state


def angle_between(a: Float[np.ndarray, "3 3"], b: Float[np.ndarray, "3 3"]) -> float:
    """Degrees between two rotations."""
    return float(np.rad2deg(Rotation.from_matrix(a.T @ b).magnitude()))


def xr_hand(state: BodyState, *, left: bool, size: float = 1.0) -> HandJoints:
    """The 26 joints that XR_EXT_hand_tracking would give for a body's hand.

    Frames follow the extension's words: -z along the bone towards the tip, y out of the back of the hand, x to
    the right. `size` makes another person's hand of it: the same pose with other bones.
    """
    side, sign = ("left", 1.0) if left else ("right", -1.0)
    G, P = joints_of(state)
    rest = poser().rest_joints.astype(np.float64)
    vertices = poser().shaped_vertices.astype(np.float64)
    positions, frames = np.zeros((26, 3)), np.tile(np.eye(3), (26, 1, 1))
    wrist = JOINT[f"{side}_wrist"]

    def put(name: str, joint: int, bone: np.ndarray, up: np.ndarray, offset: np.ndarray) -> None:
        k = HAND_JOINTS.index(name)
        frames[k] = G[joint] @ xr_frame(bone, up)
        positions[k] = P[joint] + G[joint] @ offset

    back = np.array([0.0, 1.0, 0.0])
    knuckle = rest[JOINT[f"{side}_middle1"]] - rest[wrist]
    put("wrist", wrist, knuckle, back, np.zeros(3))
    put("palm", wrist, knuckle, back, 0.6 * knuckle)
    for finger in FINGERS:
        xr = "little" if finger == "pinky" else finger
        names = ("metacarpal", "proximal", "distal") if finger == "thumb" else ("proximal", "intermediate", "distal")
        up = THUMB_UP * [sign, 1.0, 1.0] if finger == "thumb" else back
        joints = [JOINT[f"{side}_{finger}{k}"] for k in (1, 2, 3)]
        tip = vertices[vertex_ids["smplx"][f"{side[0]}{finger}"]]
        ends = [*rest[joints[1:]], tip]
        for name, joint, end in zip(names, joints, ends, strict=True):
            put(f"{xr}_{name}", joint, end - rest[joint], up, np.zeros(3))
        put(f"{xr}_tip", joints[2], tip - rest[joints[2]], up, tip - rest[joints[2]])
        if finger != "thumb":
            put(f"{xr}_metacarpal", wrist, rest[joints[0]] - rest[wrist], up, 0.2 * (rest[joints[0]] - rest[wrist]))
    positions = P[wrist] + size * (positions - P[wrist])
    return HandJoints(
        positions.astype(np.float32),
        Rotation.from_matrix(frames).as_quat().astype(np.float32),
        np.full(26, 0.01, np.float32),
        np.ones(26, bool),
    )


def xr_frame(bone: Float[np.ndarray, "3"], up: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    z = -bone / np.linalg.norm(bone)
    y = up - z * (z @ up)
    y = y / np.linalg.norm(y)
    return np.stack([np.cross(y, z), y, z], axis=1)


def reported(state: BodyState, time_ns: int = 0, *, hands: bool = True) -> HeadsetPose:
    """Everything a headset with hand tracking says of a body."""
    return HeadsetPose(
        time_ns,
        view_of(state),
        left_hand=xr_hand(state, left=True) if hands else None,
        right_hand=xr_hand(state, left=False) if hands else None,
    )


def wrist_only(position, rotation: Rotation) -> HandJoints:
    """A hand of which only the wrist is tracked. `rotation` is XR's."""
    valid = np.zeros(26, bool)
    valid[HAND_JOINTS.index("wrist")] = True
    return HandJoints(
        np.tile(np.asarray(position, np.float32), (26, 1)),
        np.tile(rotation.as_quat().astype(np.float32), (26, 1)),
        np.full(26, 0.01, np.float32),
        valid,
    )
