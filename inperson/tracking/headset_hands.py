"""Fingers from OpenXR's hand joints: 26 joints to SMPL-X's 15 rotations from the flat hand.

XR_EXT_hand_tracking gives every joint a frame: -z along its bone towards the tip, y out of the back of the hand
(of a thumb: out of its nail). The same frames are found on the body's flat rest hand. A joint is then turned as its
XR frame is turned from its rest frame, so bones point where the wearer's do and twist as they do, whatever the
lengths. XR's metacarpals of the fingers have no joint in SMPL-X: their motion is in the knuckles'.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numba import njit

from inperson.avatar.body import BodyModel
from inperson.avatar.headset_pose import HAND_JOINTS, HandJoints
from inperson.tracking.fit.landmarks import LEFT_HAND, RIGHT_HAND, landmark_basis
from inperson.tracking.headset_frames import frame, inverse_times, times
from inperson.tracking.headset_skeleton import JOINT, WearerSkeleton

FINGERS = ("index", "middle", "pinky", "ring", "thumb")
"""SMPL-X's order."""
PALM, WRIST = HAND_JOINTS.index("palm"), HAND_JOINTS.index("wrist")
_BONES = ("proximal", "intermediate", "distal")
_THUMB_BONES = ("metacarpal", "proximal", "distal")
XR_JOINT: Int[np.ndarray, "15"] = np.array(
    [
        HAND_JOINTS.index(f"{'little' if finger == 'pinky' else finger}_{bone}")
        for finger in FINGERS
        for bone in (_THUMB_BONES if finger == "thumb" else _BONES)
    ]
)
"""Which XR joint turns as each of SMPL-X's 15 finger joints."""
_LANDMARK_FINGER = {"thumb": 0, "index": 1, "middle": 2, "ring": 3, "pinky": 4}
"""Order of the fingers among a hand's fit landmarks."""
_BACK = np.array([0.0, 1.0, 0.0])
"""Out of the back of the palm-down rest hand."""
_THUMB_NAIL = np.array([-0.40, 0.30, 0.87])
"""Out of the left thumb's nail at rest: across the flattened tip of the mesh and its hinges, which agree to 15
degrees."""
_PALM_SHARE = 0.6
"""Where XR's palm lies on the way from the wrist to the middle knuckle."""
_LEAST_NORM = 1e-3


class RestHand(NamedTuple):
    """XR's frames on one flat rest hand of the body, in T-pose axes."""

    frames: Float[np.ndarray, "15 3 3"]
    wrist: Float[np.ndarray, "3 3"]
    length: float
    """From the wrist to the middle knuckle, metres."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackedWrist:
    """Where a hand is in the play space."""

    position: Float[np.ndarray, "3"]
    """Of the wrist joint, metres."""
    rotation: Float[np.ndarray, "3 3"]
    """World rotation of the body's wrist joint."""


def rest_hand(body: BodyModel, betas: Float[np.ndarray, " B"], skeleton: WearerSkeleton, *, left: bool) -> RestHand:
    """The frames of one hand of a body in one shape."""
    betas = np.asarray(betas, np.float64)
    _, points, dirs = landmark_basis(body, len(betas))
    first = LEFT_HAND if left else RIGHT_HAND
    side, sign = ("left", 1.0) if left else ("right", -1.0)
    frames = np.empty((15, 3, 3))
    for f, finger in enumerate(FINGERS):
        tip = first + 4 * _LANDMARK_FINGER[finger] + 4
        chain = [skeleton.rest[JOINT[f"{side}_{finger}{k}"]] for k in (1, 2, 3)]
        chain.append(points[tip] + dirs[tip] @ betas)
        up = _THUMB_NAIL * np.array([sign, 1.0, 1.0]) if finger == "thumb" else _BACK
        for k in range(3):
            frames[3 * f + k] = _xr_frame(chain[k + 1] - chain[k], up)
    to_knuckle = skeleton.rest[JOINT[f"{side}_middle1"]] - skeleton.rest[JOINT[f"{side}_wrist"]]
    return RestHand(frames, _xr_frame(to_knuckle, _BACK), float(np.linalg.norm(to_knuckle)))


def tracked_wrist(joints: HandJoints, valid: Bool[np.ndarray, "26"], rest: RestHand) -> TrackedWrist | None:
    """The wrist of tracked joints, from the wrist itself or else the palm; None where neither is valid."""
    for index, behind in ((WRIST, 0.0), (PALM, _PALM_SHARE * rest.length)):
        if valid[index]:
            R = matrix_from_quat(joints.quats_xyzw[index].astype(np.float64))
            position = joints.positions[index] + R @ np.array([0.0, 0.0, behind])
            return TrackedWrist(position.astype(np.float64), R @ rest.wrist.T)
    return None


def usable(joints: HandJoints) -> Bool[np.ndarray, "26"]:
    """The joints that are valid and whose numbers can be believed."""
    finite = np.isfinite(joints.positions).all(axis=1) & np.isfinite(joints.quats_xyzw).all(axis=1)
    with np.errstate(invalid="ignore"):
        return joints.valid & finite & (np.square(joints.quats_xyzw).sum(axis=1) > _LEAST_NORM)


@njit(cache=True, nogil=True)
def retarget_fingers(
    quats_xyzw: Float[np.ndarray, "26 4"],
    valid: Bool[np.ndarray, "26"],
    wrist: Float[np.ndarray, "3 3"],
    rest_frames: Float[np.ndarray, "15 3 3"],
    held: Float[np.ndarray, "15 3 3"],
) -> Float[np.ndarray, "15 3 3"]:
    """Local rotations of one hand's finger joints.

    Args:
        quats_xyzw, valid: the joints', in the play space.
        wrist: world rotation of the body's wrist joint.
        rest_frames: `RestHand.frames`.
        held: local rotations that joints keep where the runtime has none.
    """
    out = np.empty((15, 3, 3))
    for finger in range(5):
        parent = wrist.copy()
        for k in range(3):
            joint = 3 * finger + k
            xr = XR_JOINT[joint]
            if valid[xr]:
                turned = times(matrix_from_quat(quats_xyzw[xr].astype(np.float64)), rest_frames[joint].T)
                out[joint] = inverse_times(parent, turned)
                parent = turned
            else:
                out[joint] = held[joint]
                parent = times(parent, held[joint])
    return out


@njit(cache=True, nogil=True)
def matrix_from_quat(quat_xyzw: Float[np.ndarray, "4"]) -> Float[np.ndarray, "3 3"]:
    """Rotation matrix of a quaternion of any length but zero."""
    x, y, z, w = quat_xyzw / np.sqrt((quat_xyzw**2).sum())
    return np.array(
        [
            [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
            [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
            [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
        ]
    )


def _xr_frame(bone: Float[np.ndarray, "3"], up: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Columns x, y, z of XR's joint frame: z against the bone, y `up` as far as it is across the bone."""
    columns = frame(-bone, up)  # z, y, z cross y = -x
    return np.stack([-columns[:, 2], columns[:, 1], columns[:, 0]], axis=1)
