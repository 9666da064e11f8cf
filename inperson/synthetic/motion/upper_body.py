"""Puts hands, face and a swaying torso together into the states of someone at a webcam."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.avatar.body import JOINT_NAMES
from inperson.avatar.state import BodyState
from inperson.synthetic.arm_ik import reach
from inperson.synthetic.dressing import DressedPerson
from inperson.synthetic.hand_shapes import hand_pose
from inperson.synthetic.motion.clip import MotionClip
from inperson.synthetic.motion.gestures import HandKey, hand_track
from inperson.synthetic.motion.smooth import bump, wander
from inperson.synthetic.motion.talking import Speech, glances, talking_face

WEBCAM_DISTANCE = 1.0
"""Metres from the camera to the shoulders; people with longer arms sit farther back in proportion."""
SHOULDERS_ABOVE_CAMERA = 0.04
_WRITTEN_FOR_ARM = 0.52
"""Metres from shoulder to wrist of the person whose gestures the keyframes describe."""
_SPINE = ("spine1", "spine2", "spine3")


@dataclass(frozen=True, slots=True)
class Script:
    """What to do: keyframes of both hands (told as for the left), speech, and how lively the torso is."""

    seconds: float
    left: tuple[HandKey, ...]
    right: tuple[HandKey, ...]
    speech: Speech
    sway: float = 1.0
    """Multiplies body sway, breathing and the drift of held hands; 0 is a statue."""
    turn: float = 0.0
    """Of the whole body to its left, radians."""


def perform(person: DressedPerson, script: Script, fps: float = 30.0, seed: int = 0) -> MotionClip:
    """States of the person before the webcam at the world's origin. The same seed gives the same motion."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(script.seconds * fps)) / fps
    drift = 0.006 * script.sway * wander(times, rng, 6)
    joints = person.poser.rest_joints
    scale = float(np.linalg.norm(joints[20] - joints[16])) / _WRITTEN_FOR_ARM
    left = hand_track(script.left, times, True, drift[:, :3], scale)
    right = hand_track(script.right, times, False, drift[:, 3:], scale)
    faces = talking_face(times, script.speech, person.body.expr_names, rng)
    torso, neck = _torso_and_neck(times, script, rng)
    gaze = glances(times, rng) if script.speech.phrases else np.zeros((len(times), 2))
    base = _placed(person, script.turn, WEBCAM_DISTANCE * max(1.0, scale))
    states = []
    for i, t in enumerate(times):
        pose = base.body_pose.copy()
        for joint, share in zip(_SPINE, (0.3, 0.35, 0.35), strict=True):
            pose[JOINT_NAMES.index(joint) - 1] = share * torso[i]
        pose[JOINT_NAMES.index("neck") - 1] = 0.4 * neck[i]
        pose[JOINT_NAMES.index("head") - 1] = 0.6 * neck[i]
        for joint, goal, sign in (("left_collar", left.goals[i], 1.0), ("right_collar", right.goals[i], -1.0)):
            lift = np.clip((goal.position[1] + 0.12) / 0.4, 0.0, 1.0)
            pose[JOINT_NAMES.index(joint) - 1] = (0.0, 0.0, sign * 0.22 * lift)
        head_yaw = torso[i, 1] + neck[i, 1] + script.turn
        look = np.array([gaze[i, 0] - 0.7 * (torso[i, 0] + neck[i, 0]), gaze[i, 1] - 0.8 * head_yaw, 0.0])
        state = replace(
            base,
            body_pose=pose,
            left_hand_pose=hand_pose(left.curls[i], left=True),
            right_hand_pose=hand_pose(right.curls[i], left=False),
            leye_pose=look.astype(np.float32),
            reye_pose=look.astype(np.float32),
            expression=faces[i],
            time_ns=round(t * 1e9),
        )
        states.append(reach(state, person.poser.rest_joints, left.goals[i], right.goals[i]))
    return MotionClip(tuple(states), fps)


def _torso_and_neck(
    times: Float[np.ndarray, " T"], script: Script, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "T 3"], Float[np.ndarray, "T 3"]]:
    """Axis-angle of torso and neck in all: sway, nods on stressed words, a tilt now and then."""
    torso = script.sway * wander(times, rng, 3) * np.array([0.022, 0.035, 0.018])
    neck = script.sway * wander(times, rng, 3, fastest=1.4) * np.array([0.035, 0.075, 0.03])
    for moment in script.speech.stresses:
        nod = bump(times, moment - 0.15, moment + 0.08, moment + 0.5)
        neck[:, 0] += rng.uniform(0.08, 0.16) * nod
        torso[:, 0] += 0.03 * nod
    return torso, neck


def _placed(person: DressedPerson, turn: float, distance: float) -> BodyState:
    """Rest pose with the shoulders `distance` metres before the camera."""
    joints = person.poser.rest_joints
    shoulders = 0.5 * (joints[16] + joints[17])
    turned = joints[0] + Rotation.from_rotvec([0.0, turn, 0.0]).apply(shoulders - joints[0])
    target = np.array([0.0, SHOULDERS_ABOVE_CAMERA, -distance])
    return replace(
        person.rest(),
        global_orient=np.array([0.0, turn, 0.0], np.float32),
        transl=(target - turned).astype(np.float32),
    )
