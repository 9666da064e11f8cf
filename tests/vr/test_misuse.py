"""Show 7: OpenXR is never misused in a normal run, and every misuse would be noticed.

A run is watched from three sides: the runtime's answers, the core validation layer, and a recording of every call
that `call_rules` judges. The first half commits each misuse on purpose, with a client of the tests' own, and sees it
reported; the second half watches the product.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xr
import xr.api_layer

from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.lod import levels_of_detail
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.paths import assets_dir
from inperson.render.pacing import Rung
from inperson.render.scene.scenes import SceneName
from inperson.render.xr.buttons import InputEvent
from inperson.render.xr.events import SessionState
from tests.vr.call_rules import violations
from tests.vr.headset_run import headset_run, standing
from tests.vr.monado import MonadoService
from tests.vr.raw_client import RawClient
from tests.vr.recording import RecordingLayer
from tests.vr.remote_devices import Controller, RemoteDevices, Wearer, pose

MOTION = str(assets_dir() / "performer" / "performer.npz")
CORE_VALIDATION = xr.api_layer.LUNARG_core_validation_APILAYER_NAME


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordingLayer:
    """A recording layer, found by its name until the test ends."""
    monkeypatch.setenv("XR_API_LAYER_PATH", "")  # put back afterwards; the layers add their own folders
    xr.api_layer.expose_packaged_api_layers()
    return RecordingLayer(tmp_path / "layer")


@pytest.fixture(scope="module")
def service(monado_runtime: None) -> Iterator[MonadoService]:
    """One service for all deliberate misuse: a bad client must not spoil it for the next."""
    with MonadoService() as service, service.activate():
        yield service


@pytest.fixture
def client(service: MonadoService, recorder: RecordingLayer) -> Iterator[RawClient]:
    client = RawClient([recorder.name, CORE_VALIDATION])
    yield client
    client.close()


def validation_errors(said: str) -> list[str]:
    """What the core validation layer complained about: VUIDs."""
    return re.findall(r"\[VALID_(?:ERROR|WARNING)\|([^|\]]+)", said)


def runtime_refusals(said: str) -> list[str]:
    """What Monado's client library complained about."""
    return [line for line in said.splitlines() if line.startswith(("XR_ERROR", "ERROR", " ERROR"))]


def attempt(misuse: Callable[[], Any]) -> None:
    """A refusal is an answer here; the recording has it."""
    with suppress(xr.exception.ResultException):
        misuse()


# --- misuse on purpose ------------------------------------------------------------------------------------------


def test_a_correct_client_is_not_reported(client: RawClient, recorder: RecordingLayer, capfd: pytest.CaptureFixture):
    client.connect()
    for _ in range(4):
        client.frame()
    client.leave()
    client.close()
    said = "".join(capfd.readouterr())
    assert violations(recorder.recording.calls) == []
    assert validation_errors(said) == []
    assert runtime_refusals(said) == []
    assert len(recorder.recording.of("xrEndFrame")) >= 4


def begin_without_running(client: RawClient) -> None:
    client.ask_requirements()
    client.create_session()
    client.begin()


def begin_session_too_early(client: RawClient) -> None:
    client.ask_requirements()
    client.create_session()
    xr.begin_session(client.session, xr.SessionBeginInfo(xr.ViewConfigurationType.PRIMARY_STEREO))


@pytest.mark.parametrize(
    ("misuse", "reported"),
    [
        (RawClient.create_session, "xrCreateSession: answered ERROR_GRAPHICS_REQUIREMENTS_CALL_MISSING"),
        (begin_without_running, "xrBeginFrame: answered ERROR_SESSION_NOT_RUNNING"),
        (begin_session_too_early, "xrBeginSession: in the state None"),
    ],
)
def test_misuse_before_the_first_frame_is_reported(
    client: RawClient, recorder: RecordingLayer, misuse: Callable[[RawClient], None], reported: str
):
    attempt(lambda: misuse(client))
    assert reported in violations(recorder.recording.calls)


def zero_quaternion(client: RawClient) -> None:
    client.draw()
    layer = client.projection()
    layer.views[1].pose.orientation = xr.Quaternionf(0.0, 0.0, 0.0, 0.0)
    client.end([layer])


def long_quaternion(client: RawClient) -> None:
    client.draw()
    layer = client.projection()
    turned = layer.views[0].pose.orientation
    layer.views[0].pose.orientation = xr.Quaternionf(*(1.002 * part for part in turned))
    client.end([layer])


def another_pose(client: RawClient) -> None:
    client.draw()
    layer = client.projection()
    layer.views[0].pose.position.x += 0.01
    client.end([layer])


def another_field_of_view(client: RawClient) -> None:
    client.draw()
    layer = client.projection()
    layer.views[1].fov.angle_up += 0.05
    client.end([layer])


def shown_again(client: RawClient) -> None:
    client.end([client.projection()])


def still_acquired(client: RawClient) -> None:
    client.acquire()
    client.end()


def acquired_twice(client: RawClient) -> None:
    client.draw()
    client.draw()


def released_unwaited(client: RawClient) -> None:
    client.acquire()
    client.release()


def begun_twice(client: RawClient) -> None:
    client.wait()
    client.begin()


def destroyed_twice(client: RawClient) -> None:
    xr.destroy_swapchain(client.swapchain)
    xr.destroy_swapchain(client.swapchain)


def ended_twice(client: RawClient) -> None:
    client.end()
    client.end()


def wrong_type(client: RawClient) -> None:
    info = xr.ReferenceSpaceCreateInfo(reference_space_type=xr.ReferenceSpaceType.LOCAL)
    info._type = 9999
    xr.create_reference_space(client.session, info)


def located_for_another_time(client: RawClient) -> None:
    client.end([client.projection(at=5_000_000)])


ENDED_EARLY = "xrEndFrame: for another time than the frame's predicted display time"
IN_A_FRAME: list[tuple[Callable[[RawClient], Any], str]] = [
    (zero_quaternion, "xrEndFrame: answered ERROR_POSE_INVALID"),
    (long_quaternion, "xrEndFrame: with a quaternion of length 1.0020"),
    (another_pose, "xrEndFrame: with another pose or field of view than was located for eye 0"),
    (another_field_of_view, "xrEndFrame: with another pose or field of view than was located for eye 1"),
    (lambda c: c.end([c.projection(views=1)]), "xrEndFrame: answered ERROR_VALIDATION_FAILURE"),
    (lambda c: c.end([c.projection(width=65)]), "xrEndFrame: answered ERROR_SWAPCHAIN_RECT_INVALID"),
    (lambda c: c.end(blend_mode=xr.EnvironmentBlendMode.ALPHA_BLEND), "ERROR_ENVIRONMENT_BLEND_MODE_UNSUPPORTED"),
    (lambda c: c.end(time=0), "xrEndFrame: answered ERROR_TIME_INVALID"),
    (lambda c: c.end(time=c.time + 1_000_000), ENDED_EARLY),
    (located_for_another_time, "xrLocateViews: for another time than the frame's predicted display time"),
    (shown_again, "xrEndFrame: with a swapchain whose image was not released for this frame"),
    (ended_twice, "xrEndFrame: answered ERROR_CALL_ORDER_INVALID"),
    (begun_twice, "xrWaitFrame: after a frame was begun, not ended"),
    (begun_twice, "xrBeginFrame: answered FRAME_DISCARDED"),
    (still_acquired, "xrEndFrame: while an image is still acquired"),
    (acquired_twice, "xrAcquireSwapchainImage: twice in one frame"),
    (released_unwaited, "xrReleaseSwapchainImage: answered ERROR_CALL_ORDER_INVALID"),
    (RawClient.release, "xrReleaseSwapchainImage: answered ERROR_CALL_ORDER_INVALID"),
    (lambda c: c.create_space(w=0.0), "xrCreateReferenceSpace: answered ERROR_POSE_INVALID"),
    (lambda c: c.create_swapchain(form=0x1234), "xrCreateSwapchain: answered ERROR_SWAPCHAIN_FORMAT_UNSUPPORTED"),
    (wrong_type, "xrCreateReferenceSpace: answered ERROR_VALIDATION_FAILURE"),
    (destroyed_twice, "xrDestroySwapchain: answered ERROR_HANDLE_INVALID"),
    (lambda c: xr.end_session(c.session), "xrEndSession: answered ERROR_SESSION_NOT_STOPPING"),
]


@pytest.mark.parametrize(("misuse", "reported"), IN_A_FRAME)
def test_misuse_in_a_frame_is_reported(
    client: RawClient, recorder: RecordingLayer, misuse: Callable[[RawClient], Any], reported: str
):
    client.connect()
    client.frame()
    client.wait()
    client.begin()
    before = len(recorder.recording.calls)
    assert all(line.endswith("never destroyed") for line in violations(recorder.recording.calls))
    attempt(lambda: misuse(client))
    found = violations(recorder.recording.calls)
    assert any(reported in line for line in found), (found, recorder.recording.calls[before:])


def test_a_layer_whose_image_was_never_released_is_reported(client: RawClient, recorder: RecordingLayer):
    client.connect()
    client.wait()
    client.begin()
    attempt(lambda: client.end([client.projection()]))
    assert "xrEndFrame: answered ERROR_LAYER_INVALID" in violations(recorder.recording.calls)


def test_a_forgotten_handle_is_reported(client: RawClient, recorder: RecordingLayer):
    client.connect()
    assert "xrCreateSwapchain: what it made was never destroyed" in violations(recorder.recording.calls)
    xr.destroy_session(client.session)
    left = [line for line in violations(recorder.recording.calls) if line.endswith("never destroyed")]
    assert left == ["xrCreateInstance: what it made was never destroyed"]


@pytest.mark.parametrize(
    ("misuse", "vuid"),
    [
        (wrong_type, "VUID-XrReferenceSpaceCreateInfo-type-type"),
        (destroyed_twice, "VUID-xrDestroySwapchain-swapchain-parameter"),
    ],
)
def test_the_validation_layer_is_awake(
    client: RawClient, capfd: pytest.CaptureFixture, misuse: Callable[[RawClient], None], vuid: str
):
    client.connect()
    attempt(lambda: misuse(client))
    assert vuid in validation_errors("".join(capfd.readouterr()))


# --- the product --------------------------------------------------------------------------------------------------

ABOUT_TIMING = ("Frame late by", "Dropping old missed frame", "Session is visible but not active")
"""What Monado warns of when a frame comes late or a session comes and goes: no misuse."""


def service_complaints(service: MonadoService) -> list[str]:
    """What the service warned of, but for timing."""
    lines = [line for line in service.log_text().splitlines() if line.lstrip().startswith(("WARN", "ERROR"))]
    return [line for line in lines if not any(known in line for known in ABOUT_TIMING)]


@pytest.fixture(scope="module")
def levels() -> tuple[AvatarPoser, AvatarPoser]:
    avatar = load_avatar("ada")
    body = load_body(avatar.body_name)
    return AvatarPoser(avatar, body), AvatarPoser(levels_of_detail(avatar, body)[2], body)


@pytest.mark.parametrize("scene", ["mirror", "embodied", "face-to-face"])
def test_nothing_is_misused_whatever_the_wearer_and_the_machine_do(
    monado_remote: MonadoService,
    wearer: RemoteDevices,
    recorder: RecordingLayer,
    levels: tuple[AvatarPoser, AvatarPoser],
    scene: SceneName,
    capfd: pytest.CaptureFixture,
):
    body = levels[0].body
    layers = (recorder.name, CORE_VALIDATION, xr.api_layer.KHRONOS_best_practices_validation_APILAYER_NAME)
    rungs = (Rung(1.0, 0, 1.0, 1.0), Rung(0.6, 1, 0.36, 0.25))
    slow = True

    def pose_at(headset: HeadsetPose) -> BodyState:
        if slow:
            time.sleep(0.1)  # two refreshes: late frames, and the pacing has to step down
        return replace(standing(body, 0.0, -1.0, 0.0), time_ns=headset.time_ns)

    with headset_run(levels, pose_at, scene=scene, rungs=rungs, api_layers=layers) as run:
        wearer.stream(lambda now: Wearer(pose(0.1 * np.sin(now * 1e-9), 1.6, yaw=20 * np.cos(now * 1e-9))))
        run.rendered(8)
        slow = False
        for step in (
            Wearer(right=Controller(pose(0.2, 1.3, -0.5), pressed=frozenset({"thumbstick_click"}))),
            Wearer(left=Controller(pose(-0.2, 1.3, -0.5), active=False, hand_active=False)),
            Wearer(pose(y=1.2, pitch=-30), right=Controller(pose(0.2, 1.0, -0.4), hand_active=False)),
            Wearer(),
        ):
            wearer.hold(step)
            run.rendered(3)
        states = run.leave()
    said = "".join(capfd.readouterr())
    assert states[-1] is SessionState.EXITING
    assert {record.scale for record in run.records} == {1.0, 0.6}
    assert run.asked == [InputEvent.RECENTER]
    assert len(recorder.recording.of("xrEndFrame")) == len(run.records) > 20
    assert violations(recorder.recording.calls) == []
    assert validation_errors(said) == []
    assert runtime_refusals(said) == []
    assert "Core Validation Layer is initialized" in said
    assert service_complaints(monado_remote) == []


def test_the_whole_program_misuses_nothing(monado_null: MonadoService, tmp_path: Path):
    told = tmp_path / "validation.txt"
    env = monado_null.env | {
        "XR_ENABLE_API_LAYERS": CORE_VALIDATION,
        "XR_CORE_VALIDATION_EXPORT_TYPE": "text",
        "XR_CORE_VALIDATION_FILE_NAME": str(told),
    }
    command = [sys.executable, "-m", "inperson", "live", "--view", "headset", "--frames", "20"]
    done = subprocess.run([*command, "--input", MOTION], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Core Validation Layer is initialized" in told.read_text()
    assert validation_errors(told.read_text()) == []
    assert service_complaints(monado_null) == []
