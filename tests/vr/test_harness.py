"""The test runtime itself: what a test scripts is what an OpenXR client is told, and nothing outlives a test.

The client here is as small as can be and shares no code with the product: raw pyopenxr, no graphics.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import xr
from scipy.spatial.transform import Rotation

from tests.vr.monado import MonadoService
from tests.vr.remote_devices import Controller, Eye, RemoteDevices, Wearer, pose
from tests.vr.screen import VirtualScreen

STEREO = xr.ViewConfigurationType.PRIMARY_STEREO
HANDS = ("/user/hand/left", "/user/hand/right")


class HeadlessClient:
    """An OpenXR session without graphics (XR_MND_headless) that only asks where things are, in STAGE."""

    def __init__(self) -> None:
        extensions = ["XR_MND_headless", "XR_EXT_hand_tracking", "XR_KHR_convert_timespec_time"]
        application = xr.ApplicationInfo(application_name="harness", api_version=xr.Version(1, 0, 0))
        self.instance = xr.create_instance(
            xr.InstanceCreateInfo(application_info=application, enabled_extension_names=extensions)
        )
        system = xr.get_system(self.instance, xr.SystemGetInfo(xr.FormFactor.HEAD_MOUNTED_DISPLAY))
        self.session = xr.create_session(self.instance, xr.SessionCreateInfo(system_id=system))
        self.stage = self._reference_space(xr.ReferenceSpaceType.STAGE)
        self.view = self._reference_space(xr.ReferenceSpaceType.VIEW)
        self.actions = xr.create_action_set(self.instance, xr.ActionSetCreateInfo("main", "Main", 0))
        self.hands = (xr.Path * 2)(*(xr.string_to_path(self.instance, hand) for hand in HANDS))
        self.grip = self._action("grip", xr.ActionType.POSE_INPUT)
        self.press = self._action("press", xr.ActionType.BOOLEAN_INPUT)
        bindings = [
            xr.ActionSuggestedBinding(action, xr.string_to_path(self.instance, f"{hand}/input/{name}"))
            for hand in HANDS
            for action, name in ((self.grip, "grip/pose"), (self.press, "a/click"))
        ]
        xr.suggest_interaction_profile_bindings(
            self.instance,
            xr.InteractionProfileSuggestedBinding(
                interaction_profile=xr.string_to_path(self.instance, "/interaction_profiles/valve/index_controller"),
                suggested_bindings=(xr.ActionSuggestedBinding * len(bindings))(*bindings),
            ),
        )
        xr.attach_session_action_sets(self.session, xr.SessionActionSetsAttachInfo(action_sets=[self.actions]))
        self.grips = [
            xr.create_action_space(self.session, xr.ActionSpaceCreateInfo(self.grip, hand)) for hand in self.hands
        ]
        self.tracker = xr.create_hand_tracker_ext(
            self.session, xr.HandTrackerCreateInfoEXT(xr.HandEXT.RIGHT, xr.HandJointSetEXT.DEFAULT)
        )
        self._begin()

    def _reference_space(self, kind: xr.ReferenceSpaceType) -> xr.Space:
        return xr.create_reference_space(self.session, xr.ReferenceSpaceCreateInfo(reference_space_type=kind))

    def _action(self, name: str, kind: xr.ActionType) -> xr.Action:
        return xr.create_action(self.actions, xr.ActionCreateInfo(name, kind, 2, self.hands, name.title()))

    def _begin(self) -> None:
        give_up = time.monotonic() + 20.0
        while time.monotonic() < give_up:
            try:
                event = xr.poll_event(self.instance)
            except xr.EventUnavailable:
                time.sleep(0.005)
                continue
            if event.type != xr.StructureType.EVENT_DATA_SESSION_STATE_CHANGED.value:
                continue
            changed = ctypes.cast(ctypes.byref(event), ctypes.POINTER(xr.EventDataSessionStateChanged)).contents
            if changed.state == xr.SessionState.READY.value:
                xr.begin_session(self.session, xr.SessionBeginInfo(STEREO))
            if changed.state == xr.SessionState.FOCUSED.value:
                return
        raise AssertionError("the headless session is never focused")

    def now(self) -> int:
        """An XrTime: Monado counts from its own start."""
        ns = time.monotonic_ns()
        return xr.convert_timespec_time_to_time_khr(self.instance, xr.timespec(ns // 10**9, ns % 10**9))

    def locate(self, space: xr.Space) -> np.ndarray:
        """T_stage_from_space now."""
        return matrix(xr.locate_space(space, self.stage, self.now()).pose)

    def locate_views(self) -> list[xr.View]:
        """Both eyes now, in the head's space."""
        return list(xr.locate_views(self.session, xr.ViewLocateInfo(STEREO, self.now(), self.view))[1])

    def pressed(self, hand: int) -> bool:
        """Whether the A button of the left (0) or right (1) hand is down."""
        active = (xr.ActiveActionSet * 1)(xr.ActiveActionSet(self.actions, xr.NULL_PATH))
        xr.sync_actions(self.session, xr.ActionsSyncInfo(active_action_sets=active))
        got = xr.get_action_state_boolean(self.session, xr.ActionStateGetInfo(self.press, self.hands[hand]))
        assert got.is_active
        return bool(got.current_state)

    def index_finger_bend(self) -> float:
        """Degrees between the right index finger's first and last bone."""
        info = xr.HandJointsLocateInfoEXT(base_space=self.stage, time=self.now())
        joints = (xr.HandJointLocationEXT * xr.HAND_JOINT_COUNT_EXT)()
        located = xr.HandJointLocationsEXT(joint_locations=joints)
        locate = xr.get_instance_proc_addr(self.instance, "xrLocateHandJointsEXT")  # pyopenxr's own allocates none
        ctypes.cast(locate, xr.PFN_xrLocateHandJointsEXT)(self.tracker, ctypes.byref(info), ctypes.byref(located))
        assert located.is_active
        near, far = (
            Rotation.from_matrix(matrix(joints[name.value].pose)[:3, :3])
            for name in (xr.HandJointEXT.INDEX_METACARPAL, xr.HandJointEXT.INDEX_DISTAL)
        )
        return float(np.rad2deg((near.inv() * far).magnitude()))

    def close(self) -> None:
        xr.destroy_hand_tracker_ext(self.tracker)
        xr.destroy_session(self.session)
        xr.destroy_instance(self.instance)


def matrix(located: xr.Posef) -> np.ndarray:
    q, p = located.orientation, located.position
    T = np.eye(4)
    T[:3, :3] = Rotation.from_quat([q.x, q.y, q.z, q.w]).as_matrix()
    T[:3, 3] = p.x, p.y, p.z
    return T


@pytest.fixture
def client(monado_remote: MonadoService) -> Iterator[HeadlessClient]:
    client = HeadlessClient()
    yield client
    client.close()


def test_a_client_is_told_what_the_test_scripts(client: HeadlessClient, wearer: RemoteDevices):
    head = pose(0.3, 1.71, -0.2, yaw=35, pitch=-12, roll=5)
    left, right = pose(-0.4, 1.1, -0.3, yaw=20), pose(0.35, 1.2, -0.45, pitch=40)
    eyes = (
        Eye(pose(-0.03, yaw=4), left=-0.9, right=0.7, up=0.8, down=-0.85),
        Eye(pose(0.033, yaw=-4), left=-0.7, right=0.9, up=0.8, down=-0.85),
    )
    wearer.hold(Wearer(head, Controller(left), Controller(right, pressed=frozenset({"a_click"})), eyes))
    assert [client.pressed(hand) for hand in (0, 1)] == [False, True]
    np.testing.assert_allclose(client.locate(client.view), head, atol=1e-5)
    np.testing.assert_allclose(client.locate(client.grips[0]), left, atol=1e-5)
    np.testing.assert_allclose(client.locate(client.grips[1]), right, atol=1e-5)
    for told, scripted in zip(client.locate_views(), eyes, strict=True):
        np.testing.assert_allclose(matrix(told.pose), scripted.T_head_from_eye, atol=1e-5)
        fov = (told.fov.angle_left, told.fov.angle_right, told.fov.angle_up, told.fov.angle_down)
        np.testing.assert_allclose(fov, (scripted.left, scripted.right, scripted.up, scripted.down), atol=1e-6)


def test_curls_bend_the_fingers_they_name(client: HeadlessClient, wearer: RemoteDevices):
    bends = []
    for curls in ((0, 0, 0, 0, 0), (0, 0, 0, 0.5, 0), (0, 0, 0, 1, 0), (1, 1, 1, 0, 1)):
        wearer.hold(Wearer(right=Controller(pose(0.2, 1.3, -0.5), curls=curls)))
        bends.append(client.index_finger_bend())
    assert bends[0] + 20 < bends[1] < bends[2] - 20
    assert bends[3] == pytest.approx(bends[0], abs=1e-3)


def test_a_stream_moves_the_head_with_the_clock(client: HeadlessClient, wearer: RemoteDevices):
    start = time.monotonic_ns()
    speed = 0.5  # metres a second

    def moving(now: int) -> Wearer:
        return Wearer(pose(x=speed * (now - start) * 1e-9, y=1.6))

    wearer.stream(moving)
    time.sleep(0.2)
    lags = []
    for _ in range(20):
        seen = client.locate(client.view)[0, 3]
        lags.append((time.monotonic_ns() - start) * 1e-9 - seen / speed)
        time.sleep(0.013)
    assert 0.0 <= np.median(lags) < 0.1
    wearer.hold(Wearer(pose(x=-3.0)))
    assert client.locate(client.view)[0, 3] == pytest.approx(-3.0, abs=1e-5)


def test_the_devices_can_be_scripted_again_after_the_service_came_back(monado_remote: MonadoService):
    with RemoteDevices(monado_remote) as devices:
        monado_remote.restart()
        devices.connect()
        devices.hold(Wearer(pose(x=0.7)))
        client = HeadlessClient()
        assert client.locate(client.view)[0, 3] == pytest.approx(0.7, abs=1e-5)
        client.close()


def test_two_services_side_by_side_do_not_meet(monado_runtime: None):
    where = []
    with MonadoService(devices="remote") as one, MonadoService(devices="remote") as other:
        with RemoteDevices(one) as here, RemoteDevices(other) as there:
            here.hold(Wearer(pose(x=1.0)))
            there.hold(Wearer(pose(x=2.0)))
        for service in (one, other):
            with service.activate():
                client = HeadlessClient()
                where.append(client.locate(client.view)[0, 3])
                client.close()
    assert where == pytest.approx([1.0, 2.0], abs=1e-5)


def test_activating_puts_the_environment_back(monado_runtime: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/somewhere")
    monkeypatch.delenv("XR_RUNTIME_JSON", raising=False)
    before = dict(os.environ)
    with MonadoService() as service:
        with service.activate():
            assert os.environ["XDG_RUNTIME_DIR"] == service.env["XDG_RUNTIME_DIR"] != "/run/somewhere"
            assert "XR_RUNTIME_JSON" in os.environ
        assert dict(os.environ) == before
        with pytest.raises(ZeroDivisionError), service.activate():
            raise ZeroDivisionError
    assert dict(os.environ) == before


def gone(pid: int) -> bool:
    """Whether no such process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def eventually(true: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + 10.0
    while not true():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.01)
    return True


def test_a_failing_test_leaves_no_process_and_no_file(monado_runtime: None):
    seen: list[MonadoService] = []

    def failing_test() -> None:
        with MonadoService("xcb") as service:
            seen.append(service)
            pids.extend(service.pids)
            assert len(pids) == 2
            assert not any(gone(pid) for pid in pids)
            service.suspend()
            raise ZeroDivisionError

    pids: list[int] = []
    with pytest.raises(ZeroDivisionError):
        failing_test()
    assert [gone(pid) for pid in pids] == [True, True]
    assert not Path(seen[0].env["XDG_RUNTIME_DIR"]).exists()


def test_a_killed_test_run_leaves_no_process(monado_runtime: None):
    script = """
import time
from tests.vr.monado import MonadoService
with MonadoService("xcb") as service:
    print(service.env["XDG_RUNTIME_DIR"], *service.pids, flush=True)
    time.sleep(60)
"""
    root = Path(__file__).parents[2]
    run = subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    folder, *numbers = run.stdout.readline().split()
    pids = [int(number) for number in numbers]
    assert [gone(pid) for pid in pids] == [False, False]
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()
    assert eventually(lambda: all(gone(pid) for pid in pids))
    shutil.rmtree(folder)


def test_a_picture_of_the_screen_has_its_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    screen = VirtualScreen(tmp_path, 320, 200)
    try:
        monkeypatch.setenv("DISPLAY", screen.name)
        script = "\n".join(
            [
                "import glfw, moderngl, sys",
                "assert glfw.init()",
                "glfw.window_hint(glfw.DECORATED, False)",
                "window = glfw.create_window(320, 100, 'red', None, None)",
                "glfw.set_window_pos(window, 0, 0)",
                "glfw.make_context_current(window)",
                "moderngl.create_context().clear(1.0, 0.5, 0.0)",
                "glfw.swap_buffers(window); glfw.poll_events()",
                "print('shown', flush=True); sys.stdin.read()",
            ]
        )
        shown = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert shown.stdout is not None
        assert shown.stdout.readline() == b"shown\n"
        assert eventually(lambda: screen.picture()[50, 160].any())
        picture = screen.picture()
        shown.communicate(b"")
    finally:
        screen.close()
    assert picture.shape == (200, 320, 3)
    assert np.abs(picture[5:95, 5:315].astype(int) - (255, 128, 0)).max() <= 1
    assert not picture[105:].any()
