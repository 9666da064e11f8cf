"""The headset's input against a running Monado: what the remote driver is told is what `HeadsetPose` says.

The driver's hands hang from their grip pose, which is the wrist, and bend by their curls (`driver_hands`).
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xr.api_layer
from scipy.spatial.transform import Rotation

from inperson.avatar.headset_pose import HAND_JOINTS, HandJoints, HeadsetPose
from inperson.conventions import invert_rigid
from inperson.render.xr.buttons import HOLD_TO_QUIT_NS, InputEvent
from inperson.render.xr.graphics import Graphics, open_graphics
from inperson.render.xr.input import HeadsetInput
from inperson.render.xr.loss import RuntimeLost
from inperson.render.xr.runtime import XrRuntime
from inperson.render.xr.session import XrSession
from tests.vr.driver_hands import BENDS, THUMB_AT_REST
from tests.vr.input_client import InputClient
from tests.vr.monado import MonadoService
from tests.vr.recording import RecordingLayer
from tests.vr.remote_devices import FINGERS, Controller, RemoteDevices, Wearer, pose

INDEX_CONTROLLER = "/interaction_profiles/valve/index_controller"


@pytest.fixture(scope="module")
def graphics() -> Iterator[Graphics]:
    opened = open_graphics("egl")
    yield opened
    opened.close()


@pytest.fixture
def client(wearer: RemoteDevices, graphics: Graphics) -> Iterator[InputClient]:
    with InputClient(graphics) as client:
        client.focus()
        yield client


HEADS = (pose(y=1.6), pose(0.4, 1.72, -0.3, yaw=70, pitch=-25, roll=10), pose(-0.2, 1.1, 0.5, yaw=-160, pitch=40))
LEFT_GRIPS = (
    pose(-0.2, 1.3, -0.5),
    pose(-0.5, 1.0, -0.1, yaw=20, pitch=70, roll=-30),
    pose(-0.1, 1.8, 0.3, roll=170),
)
RIGHT_GRIPS = (pose(0.2, 1.3, -0.5), pose(0.4, 0.9, -0.6, yaw=-50, pitch=15, roll=90), pose(0.6, 0.3, 0.2, pitch=-80))
CURLS = ((0.0, 0.0, 0.0, 0.0, 0.0), (0.1, 0.3, 0.5, 0.7, 0.9), (1.0, 1.0, 1.0, 1.0, 1.0))


def scripted(k: int, **changes: object) -> Wearer:
    """The k-th of three states in which nothing is where it was in the others."""
    wearer = Wearer(
        T_stage_from_head=HEADS[k],
        left=Controller(LEFT_GRIPS[k], curls=CURLS[k]),
        right=Controller(RIGHT_GRIPS[k], curls=CURLS[-1 - k]),
    )
    return replace(wearer, **changes)


def joint_pose(hand: HandJoints, name: str) -> np.ndarray:
    T = np.eye(4)
    k = HAND_JOINTS.index(name)
    T[:3, :3] = Rotation.from_quat(hand.quats_xyzw[k]).as_matrix()
    T[:3, 3] = hand.positions[k]
    return T


def from_wrist(hand: HandJoints) -> np.ndarray:
    """(26, 4, 4): every joint in the wrist's frame."""
    T_wrist_from_play = np.linalg.inv(joint_pose(hand, "wrist"))
    return np.stack([T_wrist_from_play @ joint_pose(hand, name) for name in HAND_JOINTS])


def expect_located(headset: HeadsetPose, wearer: Wearer, T_play_from_stage: np.ndarray) -> None:
    for found, T_stage_from_part in (
        (headset.T_play_from_head, wearer.T_stage_from_head),
        (headset.T_play_from_left_grip, wearer.left.T_stage_from_grip),
        (headset.T_play_from_right_grip, wearer.right.T_stage_from_grip),
        (joint_pose(headset.left_hand, "wrist"), wearer.left.T_stage_from_grip),
        (joint_pose(headset.right_hand, "wrist"), wearer.right.T_stage_from_grip),
    ):
        np.testing.assert_allclose(found, T_play_from_stage @ T_stage_from_part, atol=2e-6)


def test_head_controllers_and_wrists_are_where_they_were_put(client, wearer):
    for k in range(3):
        wearer.hold(scripted(k))
        timing, headset, events = client.frame()
        assert headset.time_ns == timing.display_time_ns
        assert not events
        expect_located(headset, scripted(k), np.eye(4))


def test_everything_moves_along_when_the_play_space_is_recentred(client, wearer):
    wearer.hold(scripted(1))
    before = client.read()
    client.session.recenter()
    after = client.read()
    # The head looked 70 degrees to the left at (0.4, -0.3): that place is the origin now, that direction ahead.
    T_play_from_stage = invert_rigid(pose(0.4, 0.0, -0.3, yaw=70))
    expect_located(after, scripted(1), T_play_from_stage)
    for old, new in ((before.left_hand, after.left_hand), (before.right_hand, after.right_hand)):
        moved = old.positions @ T_play_from_stage[:3, :3].T + T_play_from_stage[:3, 3]
        np.testing.assert_allclose(new.positions, moved, atol=2e-6)
        np.testing.assert_allclose(from_wrist(new), from_wrist(old), atol=1e-5)
    wearer.hold(scripted(2))
    expect_located(client.read(), scripted(2), T_play_from_stage)


def test_hands_hang_rigidly_from_the_wrist_and_are_mirror_images(client, wearer):
    curls = (0.2, 0.4, 0.6, 0.8, 0.3)
    hands = []
    for k in range(2):
        wearer.hold(
            Wearer(left=Controller(LEFT_GRIPS[k], curls=curls), right=Controller(RIGHT_GRIPS[k], curls=curls))
        )
        headset = client.read()
        hands += [from_wrist(headset.left_hand), from_wrist(headset.right_hand)]
    left, right, left_again, right_again = hands
    np.testing.assert_allclose(left_again, left, atol=1e-5)
    np.testing.assert_allclose(right_again, right, atol=1e-5)
    np.testing.assert_allclose(right[:, :3, 3], left[:, :3, 3] * [-1, 1, 1], atol=1e-5)


def bends(hand: HandJoints, finger: str) -> list[float]:
    """How far each joint beyond the metacarpal bends towards the palm (about its -x), radians."""
    bones = ("metacarpal", "proximal", *(() if finger == "thumb" else ("intermediate",)), "distal")
    frames = [joint_pose(hand, f"{finger}_{bone}")[:3, :3] for bone in bones]
    return [-Rotation.from_matrix(parent.T @ child).as_rotvec()[0] for parent, child in pairwise(frames)]


@pytest.mark.parametrize("side", ["left", "right"])
def test_each_finger_bends_by_its_own_curl(client, wearer, side):
    for curl in (0.0, 0.35, 1.0):
        for finger in FINGERS:
            curls = tuple(curl if name == finger else 0.0 for name in FINGERS)
            wearer.hold(Wearer(**{side: Controller(pose(0.1, 1.2, -0.4, yaw=30), curls=curls)}))
            hand = getattr(client.read(), f"{side}_hand")
            assert hand.valid.all()
            for other in FINGERS:
                expected = np.multiply(BENDS[other], curl if other == finger else 0.0)
                if other == "thumb":
                    expected = expected[1:] + THUMB_AT_REST
                np.testing.assert_allclose(bends(hand, other), expected, atol=2e-3)


def test_joints_have_their_size_and_point_to_the_tip(client, wearer):
    wearer.hold(scripted(1))
    headset = client.read()
    for hand in (headset.left_hand, headset.right_hand):
        assert hand.valid.all()
        assert hand.from_controller is None  # Monado does not say
        assert ((hand.radii > 0.005) & (hand.radii < 0.025)).all()
        for finger in ("index", "middle", "ring", "little"):
            bones = [
                joint_pose(hand, f"{finger}_{b}") for b in ("metacarpal", "proximal", "intermediate", "distal", "tip")
            ]
            for joint, following in pairwise(bones):
                along = following[:3, 3] - joint[:3, 3]
                np.testing.assert_allclose(along / np.linalg.norm(along), -joint[:3, 2], atol=1e-4)


def test_lost_controllers_and_hands_are_none_and_come_back(client, wearer):
    wearer.hold(scripted(0, right=Controller(RIGHT_GRIPS[0], active=False, hand_active=False)))
    headset = client.read()
    assert headset.T_play_from_right_grip is None
    assert headset.right_hand is None
    assert headset.T_play_from_left_grip is not None
    assert headset.left_hand is not None
    wearer.hold(scripted(0, left=Controller(LEFT_GRIPS[0], hand_active=False)))
    headset = client.read()
    assert headset.left_hand is None
    assert headset.T_play_from_left_grip is not None
    assert headset.T_play_from_right_grip is not None
    wearer.hold(scripted(2))
    expect_located(client.read(), scripted(2), np.eye(4))


def pressing(*buttons: str, side: str = "right", **changes: object) -> Wearer:
    return Wearer(**{side: Controller(pose(0.2, 1.3, -0.5), pressed=frozenset(buttons), **changes)})


@pytest.mark.parametrize("side", ["left", "right"])
def test_buttons_ask_once(client, wearer, side):
    wearer.hold(pressing("thumbstick_click", side=side))
    assert client.events() == [InputEvent.RECENTER]
    wearer.hold(Wearer())
    assert client.events() == []
    wearer.hold(pressing("b_click", side=side))
    assert client.events() == []
    wearer.hold(Wearer())
    assert client.events() == [InputEvent.RECENTER]
    wearer.hold(pressing("a_click", "trigger_click", "system_click", side=side, trigger=1.0))
    assert client.events() == []


def test_holding_menu_leaves(client, wearer):
    wearer.hold(pressing("b_click"))
    started, found = time.monotonic_ns(), []
    while not found and time.monotonic_ns() < started + 4 * HOLD_TO_QUIT_NS:
        found = client.events(1)
    assert found == [InputEvent.QUIT]
    assert time.monotonic_ns() - started > 0.9 * HOLD_TO_QUIT_NS
    wearer.hold(Wearer())
    assert client.events() == []


def test_a_controller_that_comes_back_with_a_button_down_presses_nothing(client, wearer):
    both_gone = {side: Controller(pose(y=1.0), active=False) for side in ("left", "right")}
    wearer.hold(Wearer(**both_gone))
    client.frame()
    wearer.hold(replace(pressing("thumbstick_click"), left=both_gone["left"]))
    assert client.events() == []


def test_before_focus_there_is_a_head_but_no_controller(wearer, graphics):
    wearer.hold(pressing("thumbstick_click"))
    with InputClient(graphics) as client:
        unfocused = 0
        while not client.session.focused:
            _, headset, events = client.frame()
            if client.session.focused:
                break
            unfocused += 1
            assert headset.T_play_from_head is not None
            assert headset.T_play_from_left_grip is None
            assert not events
        assert unfocused > 0
        assert client.events() == []  # it was down all along
        assert client.read().T_play_from_left_grip is not None


def test_interaction_profile_is_told(client):
    assert client.input.profiles == (INDEX_CONTROLLER, INDEX_CONTROLLER)
    assert client.input.parts == ("hands",)


@pytest.mark.parametrize(
    ("controllers", "profile"),
    [
        ("simple", "/interaction_profiles/khr/simple_controller"),
        ("wmr", "/interaction_profiles/microsoft/motion_controller"),
        (None, None),
    ],
)
def test_other_controllers_and_none_at_all(monado_runtime, graphics, controllers, profile):
    with (
        MonadoService("null", controllers=controllers) as service,
        service.activate(),
        InputClient(graphics) as client,
    ):
        client.focus()
        headset = client.read()
        assert client.input.profiles == (profile, profile)
        assert (headset.T_play_from_left_grip is not None) == (controllers is not None)
        assert (headset.T_play_from_right_grip is not None) == (controllers is not None)
        assert headset.T_play_from_head is not None
        assert client.input.parts == ()
        assert headset.left_hand is headset.right_hand is headset.T_play_from_gaze is headset.face is None


def test_a_lost_runtime_is_told_and_a_new_one_read(monado_remote, wearer, graphics):
    with InputClient(graphics) as client:
        client.focus()
        timing, _, _ = client.frame()
        monado_remote.kill()
        with pytest.raises(RuntimeLost):
            client.input.read(timing)
        with pytest.raises(RuntimeLost):
            _ = client.input.profiles
        client.input.close()
    monado_remote.start()
    wearer.connect()
    wearer.hold(scripted(1))
    with InputClient(graphics) as client:
        client.focus()
        expect_located(client.read(), scripted(1), np.eye(4))


def living(layer: RecordingLayer) -> Counter[str]:
    """What was created and not destroyed yet, by the function that made it; actions end with their set."""
    alive: dict[int, str] = {}
    for call in layer.recording.calls:
        if call.name.startswith("xrDestroy"):
            alive.pop(call.handle, None)
        elif call.created is not None and call.name != "xrCreateAction":
            alive[call.created] = call.name
    return Counter(alive.values())


def test_everything_created_is_destroyed_session_after_session(wearer, graphics, tmp_path: Path):
    layer = RecordingLayer(tmp_path / "layer")
    with XrRuntime.open("egl", api_layers=(layer.name,)) as runtime:
        for _ in range(3):
            with XrSession(runtime, graphics) as session:
                before = living(layer)
                opened = HeadsetInput(session)
                made = {"xrCreateActionSet": 1, "xrCreateActionSpace": 2, "xrCreateHandTrackerEXT": 2}
                assert living(layer) - before == Counter(made)
                opened.close()
                opened.close()
                assert living(layer) == before


def test_validation_layer_and_runtime_have_nothing_to_say(wearer, graphics, capfd):
    with InputClient(graphics, (xr.api_layer.LUNARG_core_validation_APILAYER_NAME,)) as client:
        client.focus()
        for k in range(3):
            wearer.hold(scripted(k))
            client.session.recenter()
            client.read()
        assert client.input.profiles == (INDEX_CONTROLLER, INDEX_CONTROLLER)
    said = "".join(capfd.readouterr())
    assert "Core Validation Layer is initialized" in said
    assert "VALID_WARNING" not in said
    assert "ERROR" not in said
