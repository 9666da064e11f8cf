"""A pose sent out as VMC and taken in as VMC is the same body; parts, losses and mixtures."""

import socket
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.app.outputs.addresses import Address, find_address
from inperson.app.outputs.live_outputs import LiveOutputs
from inperson.app.outputs.options import Outputs, PartName, VmcOutput
from inperson.app.outputs.shown import Shown
from inperson.app.outputs.vmc import VmcPerformer
from inperson.app.vmc_input.heard import VmcHeard, VmcListener
from inperson.app.vmc_input.osc_reading import read_packet
from inperson.app.vmc_input.parts import FRESH_NS, JOINTS, ExternalParts
from inperson.app.vmc_input.receiver import VmcReceiver
from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import PARTS, BodyState, Source
from inperson.errors import DeviceError
from inperson.paths import assets_dir
from inperson.tracking.motion_file import load_motion
from tests.app.outputs.hearing import standing, states, turned, wait_until

EVERY: tuple[PartName, ...] = ("body", "left_hand", "right_hand", "face", "eyes")
SENT_NS = 10_000_000_000


def free_address() -> Address:
    """Any port that is free."""
    address = find_address("--vmc-input", "on", 39540)
    assert address is not None
    return replace(address, port=0, resolved=("127.0.0.1", 0))


def heard_of(state: BodyState, body: BodyModel | None = None, bones: tuple[str, ...] | None = None) -> VmcHeard:
    """What somebody hears of a state, of some bones only if they are named."""
    listener = VmcListener()
    for datagram in VmcPerformer(body or load_body(), ("vrm0", "vrm1", "arkit"))(Shown(state, in_play_space=True)):
        for message in read_packet(datagram):
            is_bone = message.address == "/VMC/Ext/Bone/Pos"
            if bones is None or (is_bone and message.arguments[0] in bones):
                listener.listen(message, SENT_NS)
    return listener.heard


def camera_of(state: BodyState) -> BodyState:
    """Somebody of the same shape who does something else, seen by a camera."""
    other = turned(standing(betas=state.betas, time_ns=state.time_ns), left_shoulder=(0, 0, -1.2), neck=(0, 0.5, 0))
    return replace(other, source=(Source.CAMERA,) * 5, confidence=np.full(5, 0.5, np.float32))


def same_body(a: BodyState, b: BodyState, body: BodyModel) -> None:
    """Within 2 degrees at every joint and 5 mm at every vertex that moves with the skeleton."""
    turns = Rotation.from_rotvec(a.full_pose).inv() * Rotation.from_rotvec(b.full_pose)
    assert np.degrees(turns.magnitude()).max() < 2.0
    poser = BodyPoser(body, a.betas)
    first, second = (poser.pose(state).vertices for state in (a, b))
    assert np.linalg.norm(first - second, axis=1).max() < 0.005


@given(states())
@settings(max_examples=25)
def test_a_pose_there_and_back_is_the_same_body(state: BodyState) -> None:
    body = load_body()
    received = ExternalParts(body, EVERY)(camera_of(state), heard_of(state), SENT_NS)
    looks = [name.startswith("eyeLook") for name in body.expr_names or ()]
    state = replace(state, expression=np.where(looks, received.expression, state.expression))  # those are the eyes'
    same_body(state, received, body)
    np.testing.assert_allclose(received.expression, state.expression, atol=1e-6)
    assert received.source == (Source.EXTERNAL,) * 5
    np.testing.assert_array_equal(received.confidence, 1.0)
    assert received.time_ns == state.time_ns


def test_a_tracked_motion_there_and_back_over_the_network() -> None:
    motion = load_motion(assets_dir() / "performer" / "performer.npz")
    body = load_body(motion.body_name or "neutral")
    with VmcReceiver(free_address()) as receiver:
        for frame in range(0, len(motion), max(1, len(motion) // 8)):
            state = motion.state(frame)
            before = receiver.packets
            with LiveOutputs(Outputs(vmc=VmcOutput(f":{receiver.port}")), body) as outputs:
                outputs.show(state, in_play_space=True)
            wait_until(lambda before=before: receiver.packets - before == 6)
            wait_until(lambda: receiver.heard.blendshapes)
            heard = receiver.heard
            now = max(bone.heard_ns for bone in heard.bones.values())
            received = ExternalParts(body, EVERY)(camera_of(state), heard, now)
            same_body(replace(state, expression=received.expression), received, body)
        assert (receiver.malformed, receiver.refused) == (0, 0)


@given(states(), st.sets(st.sampled_from(EVERY)))
@settings(max_examples=15)
def test_only_the_parts_asked_for_come_from_the_other_program(state: BodyState, parts: set[PartName]) -> None:
    body, camera = load_body(), camera_of(state)
    mixed = ExternalParts(body, tuple(parts))(camera, heard_of(state), SENT_NS)
    for k, part in enumerate(PARTS):
        joints = JOINTS[part]
        origin = state if part in parts else camera
        turns = Rotation.from_rotvec(origin.full_pose[joints]).inv() * Rotation.from_rotvec(mixed.full_pose[joints])
        assert np.degrees(turns.magnitude()).max() < 0.1
        assert mixed.source[k] == (Source.EXTERNAL if part in parts else Source.CAMERA)
        assert mixed.confidence[k] == (1.0 if part in parts else 0.5)
    np.testing.assert_allclose(mixed.transl, (state if "body" in parts else camera).transl, atol=1e-5)
    smile = (body.expr_names or ()).index("mouthSmileLeft")
    assert mixed.expression[smile] == pytest.approx(
        (state if "face" in parts else camera).expression[smile], abs=1e-6
    )


def test_who_sends_a_head_only_moves_the_head_only() -> None:
    state, body = turned(standing(), head=(0.3, 0.2, 0), right_shoulder=(0, 0, 1)), load_body()
    camera = camera_of(state)
    mixed = ExternalParts(body, ("body",))(camera, heard_of(state, bones=("Head",)), SENT_NS)
    expected = turned(camera, head=(0.3, 0.2, 0))
    np.testing.assert_allclose(mixed.full_pose, expected.full_pose, atol=1e-5)
    np.testing.assert_array_equal(mixed.transl, camera.transl)
    assert mixed.source[0] == Source.EXTERNAL


def test_vrms_presets_move_the_face_of_who_sends_no_others() -> None:
    heard = VmcHeard(blendshapes={"Blink": 1.0, "A": 0.5}, blendshapes_ns=SENT_NS)
    body = load_body()
    mixed = ExternalParts(body, ("face", "eyes"))(camera_of(standing()), heard, SENT_NS)
    values = dict(zip(body.expr_names or (), mixed.expression, strict=True))
    assert (values["eyeBlinkLeft"], values["eyeBlinkRight"], values["jawOpen"]) == (1.0, 1.0, 0.5)
    assert mixed.source == (*(Source.CAMERA,) * 3, Source.EXTERNAL, Source.HELD)  # nothing is said of the eyes


def test_what_stops_coming_is_held_then_eases_to_rest_and_comes_back_without_a_jump() -> None:
    body = load_body()
    state = turned(standing(transl=np.array([1.0, 0.2, 0.0], np.float32)), pelvis=(0, 1, 0), right_elbow=(0, 1.5, 0))
    camera, heard = camera_of(state), heard_of(state)
    parts = ExternalParts(body, ("body",))
    elbow, frame_ns = 18, 20_000_000
    shown = [parts(camera, heard, SENT_NS + k * frame_ns) for k in range(140)]
    bent = np.array([np.linalg.norm(s.body_pose[elbow]) for s in shown])
    fresh = FRESH_NS // frame_ns
    assert [s.source[0] for s in shown] == [Source.EXTERNAL] * fresh + [Source.HELD] * (140 - fresh)
    np.testing.assert_allclose(bent[: 2 * fresh], 1.5, atol=1e-4)  # held for as long again
    assert abs(bent[-1] - 1.5) > 0.5  # at rest
    assert np.abs(np.diff(bent)).max() < 0.1
    confidence = np.array([s.confidence[0] for s in shown])
    assert (confidence[:fresh] == 1.0).all()
    assert (np.diff(confidence) <= 0).all()
    assert confidence[-1] == 0.0
    for s in shown:  # stands where it stood, facing as it did
        np.testing.assert_allclose(s.transl, state.transl, atol=1e-5)
        np.testing.assert_allclose(s.global_orient, state.global_orient, atol=1e-5)
    again = heard_of(state)
    later = SENT_NS + 140 * frame_ns
    again = replace(again, bones={name: replace(bone, heard_ns=later) for name, bone in again.bones.items()})
    back = [np.linalg.norm(parts(camera, again, later + k * frame_ns).body_pose[elbow]) for k in range(12)]
    assert abs(back[0] - bent[-1]) < 0.3
    assert back[-1] == pytest.approx(1.5, abs=1e-3)


def test_a_sender_that_says_it_tracks_nobody_counts_as_lost() -> None:
    state = standing()
    heard = replace(heard_of(state), tracking=False)
    mixed = ExternalParts(load_body(), EVERY)(camera_of(state), heard, SENT_NS)
    assert mixed.source == (Source.HELD,) * 5
    np.testing.assert_array_equal(mixed.confidence, 0.0)


def test_an_address_in_use_is_one_clear_error() -> None:
    with VmcReceiver(free_address()) as first:
        taken = find_address("--vmc-input", str(first.port), 1)
        assert taken is not None
        with pytest.raises(DeviceError, match=f"cannot listen on 127.0.0.1:{first.port}"):
            VmcReceiver(taken)
    VmcReceiver(taken).close()  # the port was given back


def test_what_is_not_osc_is_counted_and_ignored() -> None:
    with (
        VmcReceiver(free_address()) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        good = VmcPerformer(load_body(), ())(Shown(standing()))
        for data in (b"", b"\xff" * 100, b"#bundle\0", *good, b"/VMC/Ext/OK\0,s\0\0no\0\0"):
            stranger.sendto(data, ("127.0.0.1", receiver.port))
        wait_until(lambda: receiver.packets == len(good) + 4)
        wait_until(lambda: receiver.refused == 1)
        assert receiver.malformed == 3
        assert receiver.figures == (
            f"VMC input: {len(good) + 4} packets; ignored: 3 that were not OSC, 1 messages that cannot be meant"
        )
        assert len(receiver.heard.bones) == 55
