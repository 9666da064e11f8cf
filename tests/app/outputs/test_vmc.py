"""VMC as a Marionette hears it through another OSC library: every message, Unity's axes, the order, the sizes."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.app.outputs.blendshapes import ARKIT
from inperson.app.outputs.humanoid import BONES
from inperson.app.outputs.live_outputs import LiveOutputs
from inperson.app.outputs.options import Outputs, VmcOutput
from inperson.app.outputs.osc import MAX_DATAGRAM
from inperson.app.outputs.shown import Shown
from inperson.app.outputs.vmc import VmcPerformer
from inperson.avatar.body import load_body
from inperson.avatar.state import BodyState
from tests.app.outputs.hearing import (
    Heard,
    listening,
    named,
    read_by_oscpy,
    standing,
    turned,
    unity_turn,
    wait_until,
)

ALL = ("vrm0", "vrm1", "arkit")
RAISED = np.pi / 2


def heard_of(*states: BodyState, in_play_space: bool = True, names=ALL) -> list[Heard]:
    performer = VmcPerformer(load_body(), names)
    return [read_by_oscpy(performer(Shown(state, in_play_space))) for state in states]


def test_everything_of_the_protocol_arrives_over_the_network() -> None:
    state = turned(standing(time_ns=5_000_000_000), left_elbow=(0, 0.4, 0))
    with listening() as (port, heard):
        with LiveOutputs(Outputs(vmc=VmcOutput(f"127.0.0.1:{port}")), load_body()) as outputs:
            assert outputs.notices == [f"VMC to 127.0.0.1:{port}"]
            outputs.show(state)
        wait_until(lambda: ("/VMC/Ext/Blend/Apply", ()) in heard)
    assert heard == read_by_oscpy(VmcPerformer(load_body(), ALL)(Shown(state)))


def test_what_is_sent_and_in_which_order() -> None:
    performer = VmcPerformer(load_body(), ALL)
    datagrams = performer(Shown(standing()))
    assert max(map(len, datagrams)) <= MAX_DATAGRAM
    assert all(datagram.startswith(b"#bundle\0\0\0\0\0\0\0\0\1") for datagram in datagrams)
    heard = read_by_oscpy(datagrams)
    assert heard[0] == ("/VMC/Ext/OK", (1, 3, 0, 1))
    assert heard[1] == ("/VMC/Ext/T", (0.0,))
    assert [address for address, _ in heard[2:]] == [
        "/VMC/Ext/Root/Pos",
        *["/VMC/Ext/Bone/Pos"] * 55,
        *["/VMC/Ext/Blend/Val"] * (7 + 7 + 52),
        "/VMC/Ext/Blend/Apply",
    ]
    assert [values[0] for address, values in heard if address == "/VMC/Ext/Bone/Pos"] == [*BONES]
    vowels_and_blinks = {"A", "I", "U", "E", "O", "Blink_L", "Blink_R"}
    vrm1 = {"aa", "ih", "ou", "ee", "oh", "blinkLeft", "blinkRight"}
    assert named(heard, "/VMC/Ext/Blend/Val").keys() == {*ARKIT, *vowels_and_blinks, *vrm1}


def test_names_can_be_left_out() -> None:
    (heard,) = heard_of(standing(), names=("vrm0",))
    assert len(named(heard, "/VMC/Ext/Blend/Val")) == 7
    (heard,) = heard_of(standing(), names=())
    assert not [address for address, _ in heard if "Blend" in address]


def test_the_senders_time_and_whether_somebody_is_seen() -> None:
    first = standing(time_ns=70_000_000_000)
    lost = replace(first, time_ns=71_500_000_000, confidence=np.zeros(5, np.float32))
    heard, later = heard_of(first, lost)
    assert [heard[0][1], later[0][1]] == [(1, 3, 0, 1), (1, 3, 0, 0)]
    assert [heard[1][1], later[1][1]] == [(0.0,), (1.5,)]


def test_a_raised_right_arm_is_the_right_arm_up_in_unity() -> None:
    """SMPL-X's right arm points along -x; a negative turn about z raises it. In Unity it points along +x."""
    (heard,) = heard_of(turned(standing(), right_shoulder=(0, 0, -RAISED), right_wrist=(0, 0.3, 0)))
    bones = named(heard, "/VMC/Ext/Bone/Pos")
    right, left = (bones[f"{side}UpperArm"][3:] for side in ("Right", "Left"))
    np.testing.assert_allclose(unity_turn(right, (1, 0, 0)), [0, 1, 0], atol=0.02)
    np.testing.assert_allclose(unity_turn(left, (-1, 0, 0)), [-1, 0, 0], atol=0.02)
    assert bones["RightUpperArm"][0] > 0 > bones["LeftUpperArm"][0]  # the right is at +x
    # The hand swings forward; its own rest droops two degrees below the T-pose.
    np.testing.assert_allclose(
        unity_turn(bones["RightHand"][3:], (1, 0, 0)), [np.cos(0.3), 0, np.sin(0.3)], atol=0.05
    )


def test_a_step_to_the_persons_left_is_minus_x_and_forward_is_plus_z() -> None:
    here = standing()
    steps = [
        replace(here, transl=here.transl + np.float32(step)) for step in ([0.5, 0, 0], [0, 0, 0.25], [0, 0.1, 0])
    ]
    still, left, forward, up = heard_of(here, *steps)
    root = lambda heard: named(heard, "/VMC/Ext/Root/Pos")["root"]  # noqa: E731
    hips = lambda heard: named(heard, "/VMC/Ext/Bone/Pos")["Hips"]  # noqa: E731
    np.testing.assert_allclose(root(left) - root(still), [-0.5, 0, 0, 0, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(root(forward) - root(still), [0, 0, 0.25, 0, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(root(up), root(still), atol=1e-6)
    np.testing.assert_allclose(hips(up) - hips(still), [0, 0.1, 0, 0, 0, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(root(still)[3:], [0, 0, 0, 1])


def test_a_turn_to_the_left_and_a_nod() -> None:
    state = turned(standing(), pelvis=(0, np.pi / 2, 0), head=(0.4, 0, 0))  # ours: +y to the left, +x down
    bones = named(heard_of(state)[0], "/VMC/Ext/Bone/Pos")
    np.testing.assert_allclose(unity_turn(bones["Hips"][3:], (0, 0, 1)), [-1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(unity_turn(bones["Head"][3:], (0, 0, 1)), [0, -np.sin(0.4), np.cos(0.4)], atol=1e-6)


def test_before_a_webcam_the_hips_are_as_high_as_somebody_stands() -> None:
    before = standing(transl=np.array([0.2, 0.1, -2.0], np.float32))
    (heard,) = heard_of(before, in_play_space=False)
    np.testing.assert_allclose(named(heard, "/VMC/Ext/Root/Pos")["root"][:3], 0.0, atol=1e-6)
    body = load_body()
    pelvis_above_soles = (body.J_regressor @ body.v_template)[0, 1] - body.v_template[:, 1].min()
    assert named(heard, "/VMC/Ext/Bone/Pos")["Hips"][1] == pytest.approx(pelvis_above_soles, abs=1e-5)


def test_blinks_and_vowels_follow_the_face() -> None:
    names = load_body().expr_names
    assert names is not None
    expression = np.zeros(len(names), np.float32)
    for name, value in (("eyeBlinkLeft", 0.8), ("jawOpen", 0.6), ("mouthFunnel", 1.0)):
        expression[names.index(name)] = value
    blend = named(heard_of(standing(expression=expression))[0], "/VMC/Ext/Blend/Val")
    for name, value in {
        "Blink_L": 0.8,
        "blinkLeft": 0.8,
        "eyeBlinkLeft": 0.8,
        "Blink_R": 0.0,
        "eyeBlinkRight": 0.0,
        "O": 0.6,
        "oh": 0.6,
        "A": 0.0,
        "aa": 0.0,
        "U": 0.4,
        "jawOpen": 0.6,
        "mouthFunnel": 1.0,
    }.items():
        assert blend[name][0] == pytest.approx(value, abs=1e-6), name


def test_nobody_listening_costs_nothing() -> None:
    with listening() as (port, _):
        pass
    with LiveOutputs(Outputs(vmc=VmcOutput(f"127.0.0.1:{port}")), load_body()) as outputs:
        for _ in range(20):
            outputs.show(standing())
