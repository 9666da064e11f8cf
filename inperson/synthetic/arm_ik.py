"""Arms from where the hands are: analytic two-bone inverse kinematics on SMPL-X's shoulder, elbow and wrist.

Goals live in the torso's frame (that of spine3): origin between the shoulders, x to the person's left, y up,
z forward. In the T-pose the left arm runs along +x with its palm down, and the elbow flexes about -y.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.avatar.state import BodyState

_COLLAR, _SHOULDER, _ELBOW, _WRIST = (13, 14), (16, 17), (18, 19), (20, 21)
"""Joints (left, right); `body_pose` row is joint - 1."""
_SPINE3 = 9
_TWIST_SHARE = 0.55
"""Share of the forearm's twist given to the elbow joint, as radius and ulna do; the wrist takes the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class HandGoal:
    """Where one hand is to be, in the torso's frame, metres and directions (need not be unit)."""

    position: Float[np.ndarray, "3"]
    """Of the wrist."""
    fingers: Float[np.ndarray, "3"]
    """Where the straight fingers would point."""
    palm: Float[np.ndarray, "3"]
    """Where the palm faces."""
    elbow: Float[np.ndarray, "3"]
    """Roughly where the elbow points, seen from the shoulder."""


def hanging_arms(state: BodyState, angle: float = 1.15) -> BodyState:
    """Both arms lowered from the T-pose by `angle` radians, elbows a little bent."""
    pose = state.body_pose.copy()
    pose[_SHOULDER[0] - 1], pose[_SHOULDER[1] - 1] = (0.0, 0.0, -angle), (0.0, 0.0, angle)
    pose[_ELBOW[0] - 1], pose[_ELBOW[1] - 1] = (0.0, -0.25, 0.0), (0.0, 0.25, 0.0)
    return replace(state, body_pose=pose)


def reach(
    state: BodyState, rest_joints: Float[np.ndarray, "55 3"], left: HandGoal | None, right: HandGoal | None
) -> BodyState:
    """The state with the shoulder, elbow and wrist of one or both arms set so that the hands meet their goals.

    Collars keep their rotation. A goal out of reach is approached along the line from the shoulder.
    """
    pose = state.body_pose.copy()
    middle = 0.5 * (rest_joints[_SHOULDER[0]] + rest_joints[_SHOULDER[1]])
    for side, goal in enumerate((left, right)):
        if goal is None:
            continue
        collar, shoulder, elbow, wrist = (rest_joints[j[side]] for j in (_COLLAR, _SHOULDER, _ELBOW, _WRIST))
        R_torso_from_collar = Rotation.from_rotvec(pose[_COLLAR[side] - 1])
        at = collar - middle + R_torso_from_collar.apply(shoulder - collar)
        upper, fore, hand = _solve_arm(goal, at, elbow - shoulder, wrist - elbow, 1.0 if side == 0 else -1.0)
        pose[_SHOULDER[side] - 1] = (R_torso_from_collar.inv() * upper).as_rotvec()
        bend, wrist_turn = _share_twist(upper.inv() * fore, fore.inv() * hand, wrist - elbow)
        pose[_ELBOW[side] - 1], pose[_WRIST[side] - 1] = bend.as_rotvec(), wrist_turn.as_rotvec()
    return replace(state, body_pose=pose)


def _solve_arm(
    goal: HandGoal,
    shoulder: Float[np.ndarray, "3"],
    rest_upper: Float[np.ndarray, "3"],
    rest_fore: Float[np.ndarray, "3"],
    sign: float,
) -> tuple[Rotation, Rotation, Rotation]:
    """Rotations of upper arm, forearm and hand in the torso's frame (law of cosines).

    Args:
        rest_upper, rest_fore: shoulder to elbow and elbow to wrist in the T-pose.
    """
    upper, fore = float(np.linalg.norm(rest_upper)), float(np.linalg.norm(rest_fore))
    line = goal.position - shoulder
    distance = float(np.clip(np.linalg.norm(line), abs(upper - fore) + 1e-3, 0.998 * (upper + fore)))
    line = line / np.linalg.norm(line)
    pole = goal.elbow - line * (goal.elbow @ line)
    pole = pole / np.linalg.norm(pole)
    along = (upper**2 + distance**2 - fore**2) / (2.0 * distance)
    to_elbow = along * line + np.sqrt(max(upper**2 - along**2, 0.0)) * pole
    to_wrist = distance * line - to_elbow
    hinge, rest_hinge = np.cross(to_elbow, to_wrist), np.array([0.0, -sign, 0.0])
    rest_hand = _frame(np.array([sign, 0.0, 0.0]), np.array([0.0, -1.0, 0.0]))
    return (
        Rotation.from_matrix(_frame(to_elbow, hinge) @ _frame(rest_upper, rest_hinge).T),
        Rotation.from_matrix(_frame(to_wrist, hinge) @ _frame(rest_fore, rest_hinge).T),
        Rotation.from_matrix(_frame(goal.fingers, goal.palm) @ rest_hand.T),
    )


def _share_twist(bend: Rotation, turn: Rotation, forearm: Float[np.ndarray, "3"]) -> tuple[Rotation, Rotation]:
    """Moves part of the wrist's twist about the forearm (T-pose direction) into the elbow: (elbow, wrist)."""
    axis = forearm / np.linalg.norm(forearm)
    x, y, z, w = turn.as_quat()
    twist = 2.0 * np.arctan2(axis @ np.array([x, y, z]), w)
    twist = (twist + np.pi) % (2.0 * np.pi) - np.pi
    shared = Rotation.from_rotvec(_TWIST_SHARE * twist * axis)
    return bend * shared, shared.inv() * turn


def _frame(x: Float[np.ndarray, "3"], y: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Columns: x, y made orthogonal to it, and their cross product; all unit."""
    x = x / np.linalg.norm(x)
    y = y - x * (x @ y)
    y = y / np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)], axis=1)
