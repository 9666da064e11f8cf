"""Whole live sessions that speak with other programs: processes, sockets, a scripted camera, a point rasteriser."""

import io
import re
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
import pyvirtualcam.camera
from rich.console import Console

from inperson.app.commands.live import Live
from inperson.app.live.plan import plan_session
from inperson.app.live.setup import run_session
from inperson.app.motion.pipeline import Pipeline
from inperson.app.outputs.live_outputs import LiveOutputs
from inperson.app.outputs.options import Inputs, Outputs, VirtualCameraOutput, VmcInput, VmcOutput, VrchatOutput
from inperson.app.vmc_input.pipeline import WithVmcInput
from inperson.avatar.body import load_body
from inperson.errors import BadInputError, DeviceError
from inperson.paths import assets_dir
from tests.app import tracking_doubles as doubles
from tests.app.outputs.hearing import listening, named, standing, turned, unity_turn, wait_until
from tests.app.outputs.test_live_outputs import FakeCamera
from tests.app.vmc_input.pipeline_doubles import scripted_with_vmc


@pytest.fixture
def live(workplace: Path, avatar_file: Path):
    """Options of a session."""

    def make(**changes: object) -> Live:
        standard = {"input": "demo", "avatar": str(avatar_file), "size": (64, 48), "view": "none"}
        return Live(**(standard | changes))  # type: ignore[arg-type]

    return make


def console() -> Console:
    return Console(file=io.StringIO(), width=160)


def test_every_state_that_is_shown_is_sent(live) -> None:
    said = console()
    with listening() as (first, vmc), listening() as (second, vrchat):
        outputs = Outputs(vmc=VmcOutput(f":{first}"), vrchat=VrchatOutput(f":{second}"))
        run_session(live(outputs=outputs), said, doubles.ScriptedPipeline)
        wait_until(lambda: ("/VMC/Ext/Blend/Apply", ()) in vmc and len(vrchat) >= 18)
    times = [values[0] for address, values in vmc if address == "/VMC/Ext/T"]
    assert times == sorted(times)
    assert len(vrchat) % 18 == 0
    words = said.file.getvalue()  # type: ignore[attr-defined]
    assert f"VMC to 127.0.0.1:{first}\n" in words
    assert f"VMC to 127.0.0.1:{first}: {len(times)} states sent\n" in words
    assert f"VRChat trackers to 127.0.0.1:{second}: " in words


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_another_programs_arm_moves_the_avatar(live) -> None:
    """Sent in as VMC, mixed in the tracking process, shown, sent out as VMC, heard by another library."""
    port, over = free_port(), threading.Event()
    raised = turned(standing(), right_shoulder=(0, 0, -np.pi / 2))

    def send() -> None:
        with LiveOutputs(Outputs(vmc=VmcOutput(f":{port}")), load_body()) as sender:
            while not over.wait(0.02):
                sender.show(raised)

    sending = threading.Thread(target=send)
    sending.start()
    said = console()
    try:
        with listening() as (out, heard):
            options = live(
                outputs=Outputs(vmc=VmcOutput(f":{out}")),
                inputs=Inputs(vmc=VmcInput(f":{port}", ("body", "left_hand"))),
                seconds=0.5,
            )
            run_session(options, said, scripted_with_vmc)
            wait_until(lambda: ("/VMC/Ext/Blend/Apply", ()) in heard)
    finally:
        over.set()
        sending.join()
    arm = named(heard, "/VMC/Ext/Bone/Pos")["RightUpperArm"][3:]
    np.testing.assert_allclose(unity_turn(arm, (1, 0, 0)), [0, 1, 0], atol=0.02)
    words = said.file.getvalue()  # type: ignore[attr-defined]
    assert f"VMC input (body, left_hand) on 127.0.0.1:{port}\n" in words
    assert re.search(r"^VMC input: \d+ packets$", words, re.MULTILINE)


def test_an_address_in_use_is_found_out_before_the_camera_is_opened() -> None:
    def open_camera() -> Pipeline:
        raise AssertionError("the camera was opened")

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with pytest.raises(DeviceError, match=f"VMC input cannot listen on 127.0.0.1:{port}"):
            WithVmcInput(open_camera, VmcInput(str(port)), load_body())


def test_the_mirror_goes_to_the_virtual_camera(live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {"fake": FakeCamera})
    FakeCamera.sent.clear()
    options = live(outputs=Outputs(virtual_camera=VirtualCameraOutput("on")), view="stereo", out=Path("m.mp4"))
    run_session(options, console(), doubles.ScriptedPipeline)
    assert FakeCamera.sent
    shown = FakeCamera.sent[-1].reshape(48, 128, 3).astype(int)
    somebody = np.abs(shown - shown[2, 2]).sum(axis=-1) > 150
    assert somebody[10:, 16:48].any()  # in both of a stereo pair
    assert somebody[10:, 80:112].any()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"view": "headset", "outputs": Outputs(virtual_camera=VirtualCameraOutput("on"))}, "--virtual-camera"),
        ({"outputs": Outputs(vrchat=VrchatOutput("on", height=9.0))}, "--vrchat-height 9.0"),
        (
            {"input": str(assets_dir() / "performer" / "performer.npz"), "inputs": Inputs(vmc=VmcInput("on"))},
            "--vmc-input: ",
        ),
    ],
)
def test_options_that_say_nothing_together(live, changes: dict[str, object], what: str) -> None:
    with pytest.raises(BadInputError) as refused:
        plan_session(live(**changes))
    assert refused.value.what.startswith(what)
