"""Which point of an SMPL-X body is which MediaPipe landmark, and which pairs of them give directions.

Fit points are numbered: 0-32 MediaPipe's pose, 33-53 the left hand, 54-74 the right hand, then the eyes
and nose of the face mesh, and the axes that carry whole orientations. Vertex ids are the ones SMPL-X's
own code hard-wires (`smplx/vertex_ids.py`); a body in its layout keeps them.
"""

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import JOINT_NAMES, BodyModel

JOINT = {name: index for index, name in enumerate(JOINT_NAMES)}
PELVIS, HEAD = JOINT["pelvis"], JOINT["head"]

POSE_POINTS = 33
LEFT_HAND, RIGHT_HAND = 33, 54
"""First fit point of each hand."""
FACE_LEFT_EYE, FACE_RIGHT_EYE, FACE_NOSE = 75, 76, 77
HEAD_ORIGIN, HEAD_AXES = 78, (79, 80, 81)
"""A point at the head joint and three one metre along its axes: the head's orientation as directions."""
PELVIS_ORIGIN, PELVIS_UP = 82, 83
NUM_POINTS = 84

MP_LEFT_SHOULDER, MP_RIGHT_SHOULDER, MP_LEFT_ELBOW, MP_RIGHT_ELBOW = 11, 12, 13, 14
MP_LEFT_WRIST, MP_RIGHT_WRIST, MP_LEFT_HIP, MP_RIGHT_HIP = 15, 16, 23, 24
MP_LEFT_KNEE, MP_RIGHT_KNEE, MP_LEFT_ANKLE, MP_RIGHT_ANKLE = 25, 26, 27, 28
MP_FACE_LEFT_EYE_CORNERS, MP_FACE_RIGHT_EYE_CORNERS, MP_FACE_NOSE_TIP = (362, 263), (33, 133), 4

_VERTEX = {"nose": 9120, "left_ear": 6, "right_ear": 616, "left_heel": 8846, "right_heel": 8635}
_VERTEX |= {"left_eye": 9448, "right_eye": 9929, "left_toe": 5770, "right_toe": 8463}
_TIPS = {
    "left": {"thumb": 5361, "index": 4933, "middle": 5058, "ring": 5169, "pinky": 5286},
    "right": {"thumb": 8079, "index": 7669, "middle": 7794, "ring": 7905, "pinky": 8022},
}
_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
"""MediaPipe's order: finger f has landmarks 4f+1 (base) to 4f+4 (tip)."""

_HIPS_PER_SHOULDERS, _HIPS_BELOW_JOINTS = 0.60, 0.025
"""MediaPipe's hip landmarks are this far apart, relative to the shoulders (SMPL-X's hip joints are nearer), and
this far below the joints, metres: measured on renders with known pose."""

BODY_PAIRS = (
    *((11, 12), (24, 23), (23, 11), (24, 12)),
    *((11, 13), (13, 15), (12, 14), (14, 16)),
    *((23, 25), (25, 27), (24, 26), (26, 28)),
)
"""Directions between pose landmarks: shoulder line, hip line, sides of the trunk, arms, legs."""
FOOT_PAIRS = ((29, 31), (30, 32))
PALM_PAIRS = ((15, 19), (15, 17), (16, 20), (16, 18))
"""From the wrist to the pose model's index and little-finger knuckles: all there is when no hand was found."""
HEAD_PAIRS = ((8, 7), (7, 0), (8, 0))
"""Ear to ear and ears to nose: all there is when no face was found."""
HAND_PAIRS = (
    *((0, 4 * f + 1) for f in range(5)),
    *((4 * f + k, 4 * f + k + 1) for f in range(5) for k in (1, 2, 3)),
    *((5, 17), (5, 13), (9, 17)),
)
"""Within one hand: every bone, and across the knuckles."""


STEADIED_ARM_POINTS = (
    np.array([MP_LEFT_ELBOW, MP_LEFT_WRIST, LEFT_HAND + 9, LEFT_HAND + 12]),
    np.array([MP_RIGHT_ELBOW, MP_RIGHT_WRIST, RIGHT_HAND + 9, RIGHT_HAND + 12]),
)
"""Elbow, wrist, middle knuckle and fingertip of the left and the right arm: their depth is steadied over time."""


def landmark_basis(
    body: BodyModel, num_betas: int
) -> tuple[np.ndarray, Float[np.ndarray, "P 3"], Float[np.ndarray, "P 3 B"]]:
    """The landmarks of a body in its rest pose as a linear function of its shape.

    Returns:
        The joint that carries each fit point (P,); the points' rest positions at zero betas (P, 3), metres;
        their derivatives by the betas (P, 3, num_betas).
    """
    joints, joint_dirs = joint_basis(body, num_betas)
    v, dv = body.v_template.astype(np.float64), body.shapedirs[..., :num_betas].astype(np.float64)
    carrier = np.full(NUM_POINTS, HEAD)
    rest, dirs = np.zeros((NUM_POINTS, 3)), np.zeros((NUM_POINTS, 3, num_betas))

    def put(point: int, joint: int, at_joint: int) -> None:
        carrier[point], rest[point], dirs[point] = joint, joints[at_joint], joint_dirs[at_joint]

    def put_vertex(point: int, joint: int, vertex: int) -> None:
        carrier[point], rest[point], dirs[point] = joint, v[vertex], dv[vertex]

    def put_offset(point: int, joint: int, offset: tuple[float, float, float]) -> None:
        put(point, joint, joint)
        rest[point] += offset

    for point in range(POSE_POINTS):  # eyelids and mouth corners are not used: they ride on the eyes and nose
        put(point, HEAD, HEAD)
    for side, eye, ear, first in (("left", 2, 7, 11), ("right", 5, 8, 12)):
        j = {name.removeprefix(side + "_"): k for name, k in JOINT.items() if name.startswith(side)}
        put_vertex(eye, HEAD, _VERTEX[f"{side}_eye"])
        put_vertex(ear, HEAD, _VERTEX[f"{side}_ear"])
        for k, name in enumerate(("shoulder", "elbow", "wrist")):
            put(first + 2 * k, j[name], j[name])
        for k, finger in ((6, "pinky1"), (8, "index1"), (10, "thumb2")):
            put(first + k, j["wrist"], j[finger])
        put(first + 12, PELVIS, j["hip"])
        for k, name in ((14, "knee"), (16, "ankle")):
            put(first + k, j[name], j[name])
        put_vertex(first + 18, j["ankle"], _VERTEX[f"{side}_heel"])
        put_vertex(first + 20, j["foot"], _VERTEX[f"{side}_toe"])

        hand = LEFT_HAND if side == "left" else RIGHT_HAND
        put(hand, j["wrist"], j["wrist"])
        for f, finger in enumerate(_FINGERS):
            for k in (1, 2, 3):
                put(hand + 4 * f + k, j[f"{finger}{k}"], j[f"{finger}{k}"])
            put_vertex(hand + 4 * f + 4, j[f"{finger}3"], _TIPS[side][finger])
        put_vertex(FACE_LEFT_EYE if side == "left" else FACE_RIGHT_EYE, HEAD, _VERTEX[f"{side}_eye"])
    put_vertex(0, HEAD, _VERTEX["nose"])
    put_vertex(FACE_NOSE, HEAD, _VERTEX["nose"])
    _place_hips(rest, dirs)
    put(HEAD_ORIGIN, HEAD, HEAD)
    for axis, point in enumerate(HEAD_AXES):
        put_offset(point, HEAD, tuple(np.eye(3)[axis]))
    put(PELVIS_ORIGIN, PELVIS, PELVIS)
    put_offset(PELVIS_UP, PELVIS, (0.0, 1.0, 0.0))
    return carrier, rest, dirs


def joint_basis(body: BodyModel, num_betas: int) -> tuple[Float[np.ndarray, "55 3"], Float[np.ndarray, "55 3 B"]]:
    """Rest joints at zero betas and their derivatives by the betas, metres."""
    joints = body.J_regressor @ body.v_template.astype(np.float64)
    dirs = body.J_regressor @ body.shapedirs[..., :num_betas].astype(np.float64).reshape(body.num_vertices, -1)
    return joints, dirs.reshape(len(joints), 3, num_betas)


def _place_hips(rest: Float[np.ndarray, "P 3"], dirs: Float[np.ndarray, "P 3 B"]) -> None:
    """Puts the hip landmarks where MediaPipe sees them."""
    for hip, shoulder in ((MP_LEFT_HIP, MP_LEFT_SHOULDER), (MP_RIGHT_HIP, MP_RIGHT_SHOULDER)):
        rest[hip, 0] = _HIPS_PER_SHOULDERS * rest[shoulder, 0]
        rest[hip, 1] -= _HIPS_BELOW_JOINTS
        dirs[hip, 0] = _HIPS_PER_SHOULDERS * dirs[shoulder, 0]
