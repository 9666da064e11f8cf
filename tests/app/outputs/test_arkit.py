"""ARKit's blendshapes: as heard by another library, from poses and back, and from VRM's presets."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.app.outputs.arkit import ArkitBlendshapes
from inperson.app.outputs.blendshapes import ARKIT, LOOK_PITCH, LOOK_YAW, ArkitFace, arkit_from, presets_of
from inperson.app.outputs.live_outputs import LiveOutputs
from inperson.app.outputs.options import ArkitOutput, Outputs
from inperson.app.outputs.shown import Shown
from inperson.avatar.body import load_body
from tests.app.outputs.hearing import listening, read_by_oscpy, standing, wait_until

values_of_all = st.lists(st.floats(0, 1), min_size=52, max_size=52).map(lambda v: dict(zip(ARKIT, v, strict=True)))


def test_all_52_arrive_by_arkits_names() -> None:
    names = load_body().expr_names
    assert names is not None
    assert sorted(ARKIT) == sorted(names)
    expression = np.linspace(0, 1, 52, dtype=np.float32)
    with listening() as (port, heard):
        with LiveOutputs(Outputs(arkit=ArkitOutput(f"127.0.0.1:{port}")), load_body()) as outputs:
            outputs.show(standing(expression=expression))
        wait_until(lambda: len(heard) == 52)
    said = dict(heard)
    for name, value in zip(names, expression, strict=True):
        if not name.startswith("eyeLook"):  # those are the eyes' own
            assert said[f"/{name}"][0] == pytest.approx(value, abs=1e-6)


def test_the_prefix_goes_before_every_name() -> None:
    datagrams = ArkitBlendshapes(load_body(), "/avatar/parameters/")(Shown(standing()))
    addresses = [address for address, _ in read_by_oscpy(datagrams)]
    assert addresses == [f"/avatar/parameters/{name}" for name in ARKIT]


def test_eyes_look_where_their_poses_do() -> None:
    """+y turns an eye to the person's left, +x down; out is away from the nose."""
    to_left_and_up = np.array([-0.5 * LOOK_PITCH, 0.5 * LOOK_YAW, 0.0], np.float32)
    state = standing(leye_pose=to_left_and_up, reye_pose=to_left_and_up, expression=np.ones(52, np.float32))
    values = ArkitFace(load_body()).values(state)
    for name in ("OutLeft", "InRight", "UpLeft", "UpRight"):
        assert values[f"eyeLook{name}"] == pytest.approx(0.5, abs=0.03), name
    for name in ("InLeft", "OutRight", "DownLeft", "DownRight"):
        assert values[f"eyeLook{name}"] == 0.0, name


@given(values_of_all)
def test_a_face_there_and_back(values: dict[str, float]) -> None:
    for side in ("Left", "Right"):  # an eye looks one way at a time
        values |= {f"eyeLookIn{side}": 0.0, f"eyeLookUp{side}": 0.0}
    face = ArkitFace(load_body())
    pose = face.face(values)
    state = standing(expression=pose.expression, leye_pose=pose.leye_pose, reye_pose=pose.reye_pose)
    again = face.values(state)
    assert again == pytest.approx(values, abs=1e-6)


def test_a_body_without_names_says_what_its_jaw_and_eyes_do() -> None:
    face = ArkitFace(replace(load_body(), expr_names=None))
    assert sum(face.values(standing(expression=np.ones(52, np.float32))).values()) == 0.0
    pose = face.face({"jawOpen": 0.5, "jawLeft": 0.25, "mouthSmileLeft": 1.0, "eyeLookDownLeft": 1.0})
    assert not pose.expression.any()
    values = face.values(standing(jaw_pose=pose.jaw_pose, leye_pose=pose.leye_pose))
    for name, value in (("jawOpen", 0.5), ("jawLeft", 0.25), ("jawRight", 0.0), ("eyeLookDownLeft", 1.0)):
        assert values[name] == pytest.approx(value), name


@given(values_of_all)
def test_presets_never_open_a_mouth_more_than_the_jaw_and_lips_do(values: dict[str, float]) -> None:
    presets = presets_of(values)
    vowels = [presets[name] for name in ("aa", "ih", "ou", "ee", "oh")]
    assert all(-1e-9 <= value <= 1.0 for value in presets.values())
    assert sum(vowels) <= 1.0 + 1e-9


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"A": 0.7}, {"jawOpen": 0.7}),
        ({"aa": 0.7}, {"jawOpen": 0.7}),
        ({"BLINK_L": 1.0}, {"eyeBlinkLeft": 1.0}),
        ({"blink": 0.5, "blinkRight": 0.9}, {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.9}),
        ({"Joy": 0.4, "jawopen": 0.2}, {"jawOpen": 0.2}),  # ARKit's names say it better
        ({"MyHat": 1.0}, {}),
    ],
)
def test_received_names_of_all_three_kinds(said: dict[str, float], meant: dict[str, float]) -> None:
    assert arkit_from(said) == meant


@pytest.mark.parametrize("preset", ["aa", "ih", "ou", "ee", "oh", "blinkLeft", "blinkRight"])
def test_a_preset_received_is_the_preset_sent(preset: str) -> None:
    arkit = dict.fromkeys(ARKIT, 0.0) | arkit_from({preset: 1.0})
    sent = presets_of(arkit)
    assert sent.pop(preset) == pytest.approx(1.0)
    assert max(sent.values()) == pytest.approx(0.0)
