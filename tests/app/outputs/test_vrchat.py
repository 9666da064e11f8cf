"""VRChat's trackers as another OSC library hears them."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.app.outputs.live_outputs import LiveOutputs
from inperson.app.outputs.options import Outputs, VrchatOutput
from inperson.app.outputs.shown import Shown
from inperson.app.outputs.vrchat import VrchatTrackers
from inperson.avatar.body import load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from tests.app.outputs.hearing import JOINT, listening, read_by_oscpy, standing, turned, wait_until

EVERY = ("hip", "chest", "feet", "knees", "elbows")
ORDER = (
    "pelvis",
    "spine3",
    "left_ankle",
    "right_ankle",
    "left_knee",
    "right_knee",
    "left_elbow",
    "right_elbow",
    "head",
)


def trackers_of(state: BodyState, which=EVERY, height: float | None = None) -> dict[str, np.ndarray]:
    datagrams = VrchatTrackers(load_body(), which, height)(Shown(state, in_play_space=True))
    return {address: np.array(values) for address, values in read_by_oscpy(datagrams)}


def test_eight_trackers_and_the_head_arrive_over_the_network() -> None:
    with listening() as (port, heard):
        with LiveOutputs(Outputs(vrchat=VrchatOutput(f"127.0.0.1:{port}")), load_body()) as outputs:
            outputs.show(standing())
        wait_until(lambda: len(heard) == 18)
    names = [*map(str, range(1, 9)), "head"]
    assert [address for address, _ in heard] == [
        f"/tracking/trackers/{name}/{what}" for name in names for what in ("position", "rotation")
    ]
    assert all(len(values) == 3 for _, values in heard)


def test_positions_are_joints_in_unitys_axes_and_metres() -> None:
    state = turned(standing(transl=np.array([0.5, 1.2, -0.3], np.float32)), right_hip=(-0.7, 0, 0.2))
    _, joints, _ = BodyPoser(load_body(), state.betas).joint_transforms(state)
    heard = trackers_of(state)
    for number, joint in enumerate(ORDER, 1):
        name = "head" if joint == "head" else number
        expected = joints[JOINT[joint]] * [-1, 1, 1]
        np.testing.assert_allclose(heard[f"/tracking/trackers/{name}/position"], expected, atol=1e-5)


def test_rotations_are_zero_in_the_t_pose_and_the_raised_right_arm_turns_about_z() -> None:
    """The shipped body's own rest is within two degrees of the T-pose along the arms."""
    for address, values in trackers_of(standing()).items():
        if address.endswith("rotation"):
            np.testing.assert_allclose(values, 0.0, atol=2.0)
    heard = trackers_of(turned(standing(), right_shoulder=(0, 0, -np.pi / 2)))
    np.testing.assert_allclose(heard["/tracking/trackers/8/rotation"], [0, 0, 90], atol=2.0)  # +x to +y in Unity
    np.testing.assert_allclose(heard["/tracking/trackers/7/rotation"], [0, 0, 0], atol=2.0)
    raised, elbow = heard["/tracking/trackers/8/position"], heard["/tracking/trackers/7/position"]
    assert raised[1] - elbow[1] > 0.2
    assert raised[0] > 0 > elbow[0]  # the person's right is Unity's +x


def test_a_step_to_the_left_and_a_look_to_the_left() -> None:
    here, there = standing(), standing(transl=np.array([0.5, 0, 0], np.float32))
    before, after = trackers_of(here), trackers_of(turned(there, head=(0, np.pi / 6, 0)))
    for name in (*range(1, 9), "head"):
        address = f"/tracking/trackers/{name}/position"
        np.testing.assert_allclose(after[address] - before[address], [-0.5, 0, 0], atol=1e-6)
    np.testing.assert_allclose(after["/tracking/trackers/head/rotation"], [0, -30, 0], atol=1e-4)


def test_fewer_trackers_are_numbered_from_one() -> None:
    heard = trackers_of(standing(), ("feet", "hip"))
    assert {address.split("/")[3] for address in heard} == {"1", "2", "3", "head"}
    hip, foot = (heard[f"/tracking/trackers/{k}/position"] for k in (1, 2))
    assert hip[1] > foot[1]
    assert foot[0] < 0  # the left one is the first


@pytest.mark.parametrize("height", [1.5, 2.0])
def test_a_known_height_scales_the_person(height: float) -> None:
    body = load_body()
    found = float(np.ptp(body.v_template[:, 1]))
    plain, scaled = trackers_of(standing()), trackers_of(standing(), height=height)
    for address, values in plain.items():
        factor = height / found if address.endswith("position") else 1.0
        np.testing.assert_allclose(scaled[address], values * factor, atol=0.01)


def test_before_a_webcam_the_feet_are_on_the_floor() -> None:
    state = replace(standing(), transl=np.array([0.1, 0.3, -2.0], np.float32))
    datagrams = VrchatTrackers(load_body(), EVERY, None)(Shown(state))
    heard = dict(read_by_oscpy(datagrams))
    assert 0.0 < heard["/tracking/trackers/3/position"][1] < 0.12
