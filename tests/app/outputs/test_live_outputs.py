"""All outputs of a session together: what is on, said and refused; the virtual camera at the driver's boundary."""

import sys
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import pyvirtualcam.camera

from inperson.app.outputs.live_outputs import LiveOutputs
from inperson.app.outputs.options import ArkitOutput, Outputs, VirtualCameraOutput, VmcOutput, VrchatOutput
from inperson.app.outputs.standing import SETTLING_STATES
from inperson.avatar.body import load_body
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError, DeviceError
from tests.app.outputs.hearing import listening, named, standing, wait_until


def test_nothing_is_on_unless_asked_for() -> None:
    with LiveOutputs(Outputs(), load_body(), (64, 48)) as outputs:
        outputs.show(standing())
        assert outputs.notices == []
        outputs.show_picture(np.zeros((48, 64, 3), np.uint8))
        assert outputs.figures == []


def test_what_leaves_the_machine_is_said() -> None:
    options = Outputs(vmc=VmcOutput("192.0.2.7"), vrchat=VrchatOutput("on"), arkit=ArkitOutput("[::1]:5"))
    with LiveOutputs(options, load_body()) as outputs:
        assert outputs.notices == [
            "VMC to 192.0.2.7:39539: your movements leave this machine",
            "VRChat trackers to 127.0.0.1:9000",
            "ARKit blendshapes to [::1]:5",
        ]


def test_several_receivers_hear_the_same_state() -> None:
    with listening() as (first, vmc), listening() as (second, arkit):
        options = Outputs(vmc=VmcOutput(f":{first}"), arkit=ArkitOutput(f":{second}"))
        with LiveOutputs(options, load_body()) as outputs:
            outputs.show(standing(expression=np.full(52, 0.5, np.float32)))
        wait_until(lambda: len(arkit) == 52 and ("/VMC/Ext/Blend/Apply", ()) in vmc)
    assert outputs.figures == [f"{what}: 1 states sent" for what in outputs.notices]
    assert ("/jawOpen", (0.5,)) in arkit
    assert ("/VMC/Ext/Blend/Val", ("jawOpen", 0.5)) in vmc


def test_recentring_and_another_avatars_body_are_followed() -> None:
    here = standing(transl=np.array([0.0, 0.0, -1.0], np.float32))
    there = replace(here, transl=np.array([0.5, 0.0, -1.0], np.float32))
    others = load_body("male")
    with listening() as (port, heard), LiveOutputs(Outputs(vmc=VmcOutput(f":{port}")), load_body()) as outputs:

        def root_and_hips(state: BodyState) -> np.ndarray:
            heard.clear()
            outputs.show(state)
            wait_until(lambda: ("/VMC/Ext/Blend/Apply", ()) in heard)
            root = named(heard, "/VMC/Ext/Root/Pos")["root"][:3]
            return np.append(root, named(heard, "/VMC/Ext/Bone/Pos")["Hips"][1])

        for _ in range(SETTLING_STATES):
            at_first = root_and_hips(here)
        assert root_and_hips(there)[0] == pytest.approx(-0.5, abs=1e-6)
        outputs.recenter()
        np.testing.assert_allclose(root_and_hips(there), at_first, atol=1e-6)
        outputs.change_body(others)
        hips = float((others.J_regressor @ others.v_template)[0, 1] - others.v_template[:, 1].min())
        np.testing.assert_allclose(root_and_hips(there), [0, 0, 0, hips], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (Outputs(vmc=VmcOutput("nowhere:x")), "--vmc nowhere:x"),
        (Outputs(vrchat=VrchatOutput("on", height=17.5)), "--vrchat-height 17.5"),
        (Outputs(arkit=ArkitOutput("on", prefix="face")), "--arkit-osc-prefix face"),
    ],
)
def test_what_cannot_be_is_refused(options: Outputs, what: str) -> None:
    with pytest.raises(BadInputError) as refused:
        LiveOutputs(options, load_body())
    assert refused.value.what.startswith(what)


class FakeCamera:
    """A backend as pyvirtualcam's drivers are; keeps what it is sent."""

    sent: ClassVar[list[np.ndarray]] = []
    made: ClassVar[list[dict]] = []
    fails = False

    def __init__(self, **wanted: object) -> None:
        if wanted["device"] not in (None, "/dev/video7"):
            raise RuntimeError(f"{wanted['device']} is not a loopback device")
        self.made.append(wanted)

    def send(self, frame: np.ndarray) -> None:
        if self.fails:
            raise RuntimeError("write failed")
        self.sent.append(frame.copy())

    def close(self) -> None:
        self.made.clear()

    def device(self) -> str:
        return "/dev/video7"

    def native_fourcc(self) -> None:
        return None


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> type[FakeCamera]:
    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {"fake": FakeCamera})
    monkeypatch.setattr(FakeCamera, "fails", False)
    FakeCamera.sent.clear()
    return FakeCamera


@pytest.mark.parametrize("device", ["on", "/dev/video7"])
def test_the_mirrors_pictures_go_to_the_virtual_camera(driver: type[FakeCamera], device: str) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    options = Outputs(virtual_camera=VirtualCameraOutput(device))
    with LiveOutputs(options, load_body(), (64, 48), rate=30.0) as outputs:
        assert outputs.notices == ["virtual camera: the mirror is at /dev/video7"]
        (made,) = driver.made
        assert (made["width"], made["height"], made["fps"]) == (64, 48, 30.0)
        outputs.show_picture(picture)
    np.testing.assert_array_equal(driver.sent[-1].reshape(picture.shape), picture)
    assert driver.made == []  # given back


@pytest.mark.parametrize("device", ["on", "/dev/video3"])
def test_no_virtual_camera_names_the_mend(
    monkeypatch: pytest.MonkeyPatch, driver: type[FakeCamera], device: str
) -> None:
    if device == "on":
        monkeypatch.setattr("pyvirtualcam.camera.BACKENDS", {})
    with pytest.raises(DeviceError) as refused:
        LiveOutputs(Outputs(virtual_camera=VirtualCameraOutput(device)), load_body(), (64, 48))
    assert "v4l2loopback" in refused.value.mend
    assert "OBS" in refused.value.mend
    assert "64x48" in refused.value.what


def test_without_pyvirtualcam_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(DeviceError, match=r"inperson\[virtualcam\]"):
        LiveOutputs(Outputs(virtual_camera=VirtualCameraOutput("on")), load_body(), (64, 48))


def test_a_virtual_camera_that_goes_away_is_one_error(
    driver: type[FakeCamera], monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = LiveOutputs(Outputs(virtual_camera=VirtualCameraOutput("on")), load_body(), (64, 48))
    monkeypatch.setattr(driver, "fails", True)
    outputs.show_picture(np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(DeviceError, match="went away"):
        outputs.close()
    assert driver.made == []
