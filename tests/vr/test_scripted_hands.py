"""Show 5: hands scripted through a running Monado drive the avatar's fingers, joint by joint.

A script goes its whole way: the driver's curls, the runtime's joints, the input, the fusion, the posed body. The body
is compared with both ends: its bones with the joints' positions as the runtime reported them, its joints' rotations
with the curls that were scripted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from smplx.vertex_ids import vertex_ids

from inperson.avatar.body import JOINT_NAMES, BodyModel, load_body
from inperson.avatar.headset_pose import HAND_JOINTS, HandJoints, HeadsetPose
from inperson.avatar.skinning import BodyPoser, PosedBody
from inperson.avatar.state import BodyState, Source
from inperson.render.xr.graphics import open_graphics
from inperson.tracking.headset import HeadsetFusion
from tests.vr.driver_hands import BENDS
from tests.vr.input_client import InputClient
from tests.vr.monado import MonadoService
from tests.vr.remote_devices import FINGERS, Controller, RemoteDevices, Wearer, pose

WITHIN_DEGREES = 2.0
"""The issue asks for 10."""
SIDES = ("left", "right")
GRIPS = (
    {"left": pose(-0.2, 1.25, -0.35), "right": pose(0.2, 1.25, -0.35)},
    {"left": pose(-0.3, 1.1, -0.3, yaw=-30, pitch=50, roll=-60), "right": pose(0.25, 1.4, -0.25, yaw=25, pitch=60)},
)
"""Palms down and fingers ahead; and raised, as in talking."""
STRAIGHT = (0.0, 0.0, 0.0, 0.0, 0.0)
CURLS = (
    STRAIGHT,
    *(tuple(curl if name == finger else 0.0 for name in FINGERS) for finger in FINGERS for curl in (0.25, 0.6, 1.0)),
    (0.1, 0.3, 0.5, 0.7, 0.9),
    (0.8, 0.2, 0.9, 0.1, 0.4),
    (1.0, 1.0, 1.0, 1.0, 1.0),
)
"""Little finger to thumb: straight, each finger alone, mixtures, a fist. The right hand takes them from the end."""


@dataclass(frozen=True)
class Scripted:
    """One scripted state and what came of it."""

    grips: int
    curls: dict[str, tuple[float, ...]]
    reported: HeadsetPose
    state: BodyState
    posed: PosedBody

    def hand(self, side: str) -> HandJoints:
        found = getattr(self.reported, f"{side}_hand")
        assert found is not None
        return found

    def rotations(self, side: str) -> Rotation:
        """The hand's 15 joints from the flat hand."""
        return Rotation.from_rotvec(getattr(self.state, f"{side}_hand_pose"))


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body("neutral")


@pytest.fixture(scope="module")
def scripts(monado_runtime: None, body: BodyModel) -> Iterator[list[Scripted]]:
    """Every pair of curls with every pair of grips, read from one session and fused in time order."""
    betas = np.zeros(body.num_betas, np.float32)
    fusion, poser = HeadsetFusion(body, betas, None), BodyPoser(body, betas)
    graphics = open_graphics("egl")
    found = []
    service = MonadoService("null", devices="remote")
    with service, service.activate(), RemoteDevices(service) as devices, InputClient(graphics) as client:
        client.focus()
        for grips, (left, right) in product(range(len(GRIPS)), zip(CURLS, reversed(CURLS), strict=True)):
            curls = {"left": left, "right": right}
            devices.hold(Wearer(**{side: Controller(GRIPS[grips][side], curls=curls[side]) for side in SIDES}))
            reported = client.read()
            state = fusion.fuse(None, reported)
            found.append(Scripted(grips, curls, reported, state, poser.pose(state)))
    yield found
    graphics.close()


def body_joints(side: str, finger: str) -> list[int]:
    """A finger's three joints among SMPL-X's 55."""
    return [JOINT_NAMES.index(f"{side}_{smplx_name(finger)}{k}") for k in (1, 2, 3)]


def smplx_name(finger: str) -> str:
    return "pinky" if finger == "little" else finger


def xr_joints(finger: str) -> list[int]:
    """The same three joints and the tip, among OpenXR's 26."""
    bones = ("proximal", "intermediate", "distal", "tip")
    thumb_bones = ("metacarpal", "proximal", "distal", "tip")
    return [HAND_JOINTS.index(f"{finger}_{bone}") for bone in (thumb_bones if finger == "thumb" else bones)]


def directions(points: np.ndarray) -> np.ndarray:
    bones = np.diff(points.astype(np.float64), axis=0)
    return bones / np.linalg.norm(bones, axis=1, keepdims=True)


def degrees(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angles between rows of unit vectors."""
    return np.rad2deg(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(axis=-1)))


@pytest.mark.parametrize(("side", "finger"), product(SIDES, FINGERS))
def test_every_bone_points_where_the_runtime_says(scripts, side, finger):
    tip = vertex_ids["smplx"][f"{side[0]}{smplx_name(finger)}"]
    for script in scripts:
        posed = np.vstack([script.posed.joints[body_joints(side, finger)], script.posed.vertices[tip]])
        reported = script.hand(side).positions[xr_joints(finger)]
        assert degrees(directions(posed), directions(reported)).max() < WITHIN_DEGREES


@pytest.mark.parametrize(("side", "finger"), product(SIDES, FINGERS))
def test_every_joint_bends_as_far_as_its_curl(scripts, side, finger):
    first = JOINT_NAMES.index(f"{side}_index1")
    rows = [joint - first for joint in body_joints(side, finger)]
    straight = {script.grips: script.rotations(side) for script in scripts if script.curls[side] == STRAIGHT}
    for script in scripts:
        curl = script.curls[side][FINGERS.index(finger)]
        turned = straight[script.grips][rows].inv() * script.rotations(side)[rows]
        expected = np.abs(curl * np.rad2deg(BENDS[finger]))
        np.testing.assert_allclose(np.rad2deg(turned.magnitude()), expected, atol=WITHIN_DEGREES)


@pytest.mark.parametrize(("side", "finger"), product(SIDES, FINGERS[:4]))
def test_the_back_of_every_finger_is_the_back(scripts, side, finger):
    for script in scripts:
        hand, joints = script.hand(side), xr_joints(finger)[:3]
        frames = Rotation.from_quat(hand.quats_xyzw[joints]).as_matrix()
        # The body's flat rest hand lies palm down; what was up there is the back of each bone, across the bone.
        back = script.posed.T_posed_from_rest[body_joints(side, finger), :, 1].astype(np.float64)
        along = frames[:, :, 2]
        back -= (back * along).sum(axis=1, keepdims=True) * along
        back /= np.linalg.norm(back, axis=1, keepdims=True)
        assert degrees(back, frames[:, :, 1]).max() < WITHIN_DEGREES


def test_the_fingers_are_the_headsets(scripts):
    for script in scripts:
        assert script.state.source[1:3] == (Source.HEADSET, Source.HEADSET)
        assert script.state.time_ns == script.reported.time_ns
