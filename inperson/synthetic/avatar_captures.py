"""The capture session that a Gaussian avatar is fitted to: one person, many poses and faces, views from all round.

Light is near-ambient and the same from everywhere; colour is over black with an anti-aliased alpha. Every state
is seen whole, from the waist up, and close: head, mouth, both hands.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inperson.avatar.body import JOINT_NAMES
from inperson.avatar.state import BodyState
from inperson.render.views import EyeView
from inperson.synthetic.arm_ik import HandGoal, reach
from inperson.synthetic.cameras import Framing, framed_view
from inperson.synthetic.captures import CaptureSet, write_index, write_picture
from inperson.synthetic.dressing import DressedPerson
from inperson.synthetic.faces import FACES, expression_vector
from inperson.synthetic.hand_shapes import SHAPES, hand_pose
from inperson.synthetic.lights import capture_light
from inperson.synthetic.stage import Stage


@dataclass(frozen=True, slots=True)
class SessionPose:
    """One state of the session. `arms` names a goal of both hands."""

    face: str
    left_hand: str
    right_hand: str
    arms: str
    head_turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gaze: tuple[float, float] = (0.0, 0.0)
    """Pitch (down is positive) and yaw (to the left is positive), radians."""
    jaw: float = 0.0
    """Opening of SMPL-X's jaw joint, radians (faces open the mouth by expression instead)."""
    legs: float = 0.0
    """Stride: hips swing apart by this many radians."""


SESSION: tuple[SessionPose, ...] = (
    SessionPose("pleasant", "relaxed", "relaxed", "down"),
    SessionPose("neutral", "open", "open", "level"),
    SessionPose("grin", "open", "open", "chest", gaze=(0.05, 0.2)),
    SessionPose("open", "fist", "fist", "wide", legs=0.25),
    SessionPose("oo", "loose", "point", "forward", head_turn=(0.0, 0.35, 0.0), gaze=(0.0, -0.25)),
    SessionPose("smile", "two", "three", "raised", head_turn=(0.05, -0.35, 0.05)),
    SessionPose("blink", "pinch", "loose", "down", head_turn=(0.2, 0.0, 0.12)),
    SessionPose("surprise", "open", "thumb up", "chest", head_turn=(-0.18, 0.1, -0.1), gaze=(-0.15, 0.0)),
    SessionPose("ee", "relaxed", "open", "raised", legs=0.15),
    SessionPose("pleasant", "open", "fist", "down", jaw=0.28, gaze=(0.0, -0.3)),
)

_SHOTS: tuple[tuple[Framing, int], ...] = (
    ("body", 3),
    ("upper", 3),
    ("head", 4),
    ("mouth", 1),
    ("left_hand", 1),
    ("right_hand", 1),
)
"""How many views of each framing one state gets."""


def session_state(person: DressedPerson, pose: SessionPose) -> BodyState:
    """The state of the body in one pose of the session, at the origin, facing +z."""
    state = _with_arms(person.rest(), person, pose.arms)
    body_pose = state.body_pose.copy()
    neck, head = JOINT_NAMES.index("neck") - 1, JOINT_NAMES.index("head") - 1
    body_pose[neck] = 0.4 * np.array(pose.head_turn)
    body_pose[head] = 0.6 * np.array(pose.head_turn)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        body_pose[JOINT_NAMES.index(f"{side}_hip") - 1] = (-sign * pose.legs, 0.0, 0.35 * sign * pose.legs)
        body_pose[JOINT_NAMES.index(f"{side}_knee") - 1] = (0.9 * pose.legs, 0.0, 0.0)
    gaze = np.array([*pose.gaze, 0.0], np.float32)
    return replace(
        state,
        body_pose=body_pose,
        left_hand_pose=hand_pose(SHAPES[pose.left_hand].curls(), left=True),
        right_hand_pose=hand_pose(SHAPES[pose.right_hand].curls(), left=False),
        jaw_pose=np.array([pose.jaw, 0.0, 0.0], np.float32),
        leye_pose=gaze,
        reye_pose=gaze,
        expression=expression_vector(person.body.expr_names, FACES[pose.face]),
    )


ARM_GOALS: dict[str, tuple[tuple[float, float, float], ...]] = {
    # wrist position, finger direction, palm direction, elbow direction; of the left arm, torso frame
    "down": ((0.36, -0.52, 0.05), (0.35, -1.0, 0.25), (-1.0, -0.2, 0.2), (0.4, -0.4, -1.0)),
    "level": ((0.70, 0.00, 0.05), (1.0, 0.0, 0.05), (0.0, -0.4, 1.0), (0.3, -1.0, -0.5)),
    "chest": ((0.17, -0.18, 0.34), (-0.25, 0.9, 0.35), (-0.7, -0.1, -0.6), (0.7, -1.0, -0.2)),
    "wide": ((0.58, -0.34, 0.16), (0.9, -0.5, 0.4), (0.1, -0.7, 0.7), (0.4, -1.0, -0.8)),
    "forward": ((0.22, -0.12, 0.50), (0.0, 0.1, 1.0), (-0.3, -1.0, 0.0), (0.6, -1.0, 0.0)),
    "raised": ((0.38, 0.16, 0.22), (0.1, 1.0, 0.1), (-0.1, 0.0, 1.0), (0.5, -1.0, -0.2)),
}


def _with_arms(state: BodyState, person: DressedPerson, name: str) -> BodyState:
    """Both arms at a named goal, the right one mirrored."""
    mirror = np.array([-1.0, 1.0, 1.0])
    left = [np.array(v) for v in ARM_GOALS[name]]
    size = np.linalg.norm(person.poser.rest_joints[20] - person.poser.rest_joints[16]) / 0.52
    left[0] = left[0] * size
    return reach(state, person.poser.rest_joints, HandGoal(*left), HandGoal(*(v * mirror for v in left)))


def capture_session(
    person: DressedPerson, stage: Stage, folder: Path, *, size: int = 640, rounds: int = 1, seed: int = 0
) -> CaptureSet:
    """Renders the session into a folder: 13 views of each of 10 states, times `rounds`.

    The same person, size and seed give the same pictures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    states = [person.posed(session_state(person, pose)) for pose in SESSION]
    views: list[EyeView] = []
    kinds: list[str] = []
    state_of_view: list[int] = []
    for index, posed in enumerate(states):
        stage.set_scene(posed, capture_light())
        for framing, azimuth, elevation in _session_shots(rng, index, len(states), rounds):
            view = framed_view(posed.pose, framing, azimuth, elevation, size, zoom=float(rng.uniform(0.92, 1.08)))
            write_picture(folder, len(views), stage.shoot(view, geometry=False, supersample=3))
            views.append(view)
            kinds.append(framing)
            state_of_view.append(index)
    captures = CaptureSet(
        folder=folder,
        person=person.name,
        body_name=person.body.name,
        body_sha256=person.body.sha256,
        states=tuple(posed.state for posed in states),
        state_of_view=np.array(state_of_view),
        views=tuple(views),
        kinds=tuple(kinds),
    )
    write_index(captures)
    return captures


def _session_shots(
    rng: np.random.Generator, state: int, num_states: int, rounds: int
) -> Iterator[tuple[Framing, float, float]]:
    """Framing, azimuth and elevation of the shots of one state; over all states they go evenly round the person."""
    for framing, count in _SHOTS:
        total = count * rounds
        for k in range(total):
            turn = (k + state / num_states) / total + rng.uniform(-0.04, 0.04)
            azimuth = 2.0 * np.pi * turn
            elevation = rng.uniform(-0.25, 0.6)
            if framing == "head" and k % 2 == 0:  # every other head from the front half
                azimuth = rng.uniform(-1.1, 1.1)
                elevation = rng.uniform(-0.3, 0.35)
            elif framing == "mouth":
                azimuth, elevation = rng.uniform(-0.6, 0.6), rng.uniform(-0.3, 0.2)
            yield framing, float(azimuth), float(elevation)
