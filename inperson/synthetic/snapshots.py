"""Random poses, cameras and light for pictures of people as they are taken: somebody stands before a camera, upper
body or whole, arms down, raised or before the chest, and is seen from before or a little from the side."""

from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import JOINT_NAMES
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.render.views import EyeView, look_at
from inperson.synthetic.avatar_captures import SessionPose, session_state
from inperson.synthetic.cameras import framed_point
from inperson.synthetic.dressing import DressedPerson
from inperson.synthetic.faces import FACES
from inperson.synthetic.hand_shapes import SHAPES
from inperson.synthetic.lights import Light, blended, capture_light, direction, sample_light
from inperson.synthetic.surfaces import BodyPose

SNAPSHOT_ARMS: tuple[str, ...] = ("down", "down", "chest", "wide", "forward", "raised")
"""Arms of people in photos; those that hang are the commonest."""
_LEFT_ARM = tuple(JOINT_NAMES.index(f"left_{name}") - 1 for name in ("collar", "shoulder", "elbow", "wrist"))
_SWAY = {"spine1": 0.05, "spine2": 0.05, "spine3": 0.05, "left_shoulder": 0.08, "right_shoulder": 0.08}
"""Standard deviation of random rotations on top of the pose, radians."""
_ACROSS: dict[str, tuple[float, float]] = {"upper": (0.95, 1.5), "body": (1.9, 2.4)}
"""Metres that the picture (upper: its short side; body: its height) covers at the person's distance."""
_FOVS = (0.6, 1.15)
"""Radians over the same side, from a short telephoto lens to a webcam's."""


def sample_light_on_snapshot(rng: np.random.Generator) -> Light:
    """Something between light from everywhere and a room with a window."""
    return blended(capture_light(), sample_light(rng), float(rng.uniform(0.0, 0.7)))


def sample_state(
    person: DressedPerson, rng: np.random.Generator, arms: tuple[str, ...] = SNAPSHOT_ARMS, alike: float = 0.6
) -> BodyState:
    """A person standing at the origin, facing +z, with each arm, hand and the face doing something.

    Args:
        arms: goals to choose from (keys of `avatar_captures.ARM_GOALS`).
        alike: how often both arms do the same.
    """
    poses = [_sample_pose(rng, arms) for _ in range(2)]
    state, other = (session_state(person, pose) for pose in poses)
    body_pose = state.body_pose.copy()
    if rng.random() > alike:
        body_pose[list(_LEFT_ARM)] = other.body_pose[list(_LEFT_ARM)]
    for name, size in _SWAY.items():
        body_pose[JOINT_NAMES.index(name) - 1] += rng.normal(0.0, size, 3).astype(np.float32)
    return replace(state, body_pose=body_pose)


def _sample_pose(rng: np.random.Generator, arms: tuple[str, ...]) -> SessionPose:
    faces, hands = tuple(FACES), tuple(SHAPES)
    return SessionPose(
        face=faces[rng.integers(len(faces))],
        left_hand=hands[rng.integers(len(hands))],
        right_hand=hands[rng.integers(len(hands))],
        arms=arms[rng.integers(len(arms))],
        head_turn=(float(rng.normal(0, 0.1)), float(rng.normal(0, 0.2)), float(rng.normal(0, 0.06))),
        gaze=(float(rng.normal(0, 0.08)), float(rng.normal(0, 0.15))),
        legs=float(rng.choice([0.0, 0.15])),
    )


def snapshot_view(
    pose: BodyPose, framing: Literal["upper", "body"], rng: np.random.Generator, width: int, height: int
) -> EyeView:
    """A camera held by somebody: within 35 degrees of the person's front, of any usual focal length."""
    least, most = _ACROSS[framing]
    across, fov = rng.uniform(least, most), rng.uniform(*_FOVS)
    azimuth, elevation = rng.uniform(-0.6, 0.6), rng.normal(0.0, 0.1)
    side = height if framing == "body" else min(width, height)
    focal = side / (2.0 * np.tan(fov / 2.0))
    distance = across / (2.0 * np.tan(fov / 2.0))
    aim = framed_point(pose, framing).astype(float) + rng.normal(0.0, 0.04, 3) * across
    K = Intrinsics(focal, focal, width / 2, height / 2, width, height)
    return EyeView.from_intrinsics(K, look_at(aim + distance * direction(azimuth, elevation), aim))


def turns_around(count: int, rng: np.random.Generator) -> Float[np.ndarray, " count"]:
    """Azimuths evenly round the person, from a random start, radians."""
    return 2.0 * np.pi * (np.arange(count) + rng.random()) / count
