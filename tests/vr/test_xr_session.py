"""Sessions on a running Monado: states, time, places, recentring, loss."""

import ctypes
import gc
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import xr
from OpenGL import GL

from inperson.render.xr import extensions
from inperson.render.xr.events import (
    ReferenceSpaceChanged,
    RefreshRateChanged,
    SessionState,
    StateChanged,
    VisibilityMaskChanged,
)
from inperson.render.xr.graphics import open_graphics
from inperson.render.xr.loss import RuntimeLost
from inperson.render.xr.refresh import SETTLING_FRAMES
from inperson.render.xr.spaces import DEFAULT_EYE_HEIGHT
from tests.vr.monado import MonadoService, prefix
from tests.vr.remote_devices import RemoteDevices, Wearer, pose
from tests.vr.session_client import SessionClient

ROOT = Path(__file__).parents[2]

FROM_START_TO_EXIT = (
    *(SessionState.IDLE, SessionState.READY),
    *(SessionState.SYNCHRONIZED, SessionState.VISIBLE, SessionState.FOCUSED),
    *(SessionState.VISIBLE, SessionState.SYNCHRONIZED),
    *(SessionState.STOPPING, SessionState.IDLE, SessionState.EXITING),
)


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """As if the runtime did not offer these extensions."""
    offered = tuple(name for name in extensions.OPTIONAL if name not in names)
    monkeypatch.setattr(extensions, "OPTIONAL", offered)


def test_every_state_from_start_to_exit(monado_null: MonadoService):
    with SessionClient() as client:
        assert client.session.state is SessionState.UNKNOWN
        client.session.request_exit()  # not running yet: nothing happens
        client.show()
        assert client.session.focused
        client.leave()
        assert client.session.states == FROM_START_TO_EXIT
        assert [event.state for event in client.events if isinstance(event, StateChanged)] == list(FROM_START_TO_EXIT)
        assert client.session.exited
        assert not client.session.running


def test_glx_too(monado_xcb: MonadoService):
    """In a process of its own: a thread that another test left with a current EGL context cannot use GLX."""
    program = """
from tests.vr.session_client import SessionClient
with SessionClient("glx") as client:
    client.show()
    client.leave()
    print(*(state.name for state in client.session.states))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], env=monado_xcb.env, cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == [state.name for state in FROM_START_TO_EXIT]


def test_a_first_frame_that_is_not_seen_is_still_ended(monado_null: MonadoService):
    with SessionClient() as client:
        first, *later = client.frames(6)
        assert not first.should_render
        assert any(timing.should_render for timing in later)


def test_display_times_are_on_the_monotonic_clock(monado_null: MonadoService):
    with SessionClient() as client:
        client.show()
        period = client.session.nominal_period_ns
        assert period == 50_000_000
        assert client.session.refresh_rates == (20.0,)
        for _ in range(5):
            timing = client.frame()
            ahead = timing.display_time_ns - time.monotonic_ns()
            assert abs(ahead) < 3 * period  # XrTime itself starts with the service
            assert client.session.clock.xr_time(timing.display_time_ns) == timing.xr_time


def test_without_a_named_rate_the_shortest_period_counts(monado_null: MonadoService, monkeypatch: pytest.MonkeyPatch):
    without(monkeypatch, extensions.REFRESH_RATE)
    with SessionClient() as client:
        assert client.session.refresh_rates == ()
        client.frames(SETTLING_FRAMES + 1)
        assert client.session.nominal_period_ns == 50_000_000


def test_the_eyes_are_beside_the_scripted_head(wearer: RemoteDevices):
    head = pose(0.2, 1.7, 0.3, yaw=40.0, pitch=-10.0)
    wearer.hold(Wearer(T_stage_from_head=head))
    with SessionClient() as client:
        client.show()
        timing = client.frame()
        np.testing.assert_allclose(client.session.locate_head(timing), head, atol=1e-5)
        eyes = client.session.locate_views(timing)
        assert eyes is not None
        for x, T_play_from_eye in zip((-0.0315, 0.0315), eyes.T_play_from_eye, strict=True):
            np.testing.assert_allclose(T_play_from_eye, head @ pose(x=x), atol=1e-5)
        left, right = eyes.views(100, 90, 0.1, 50.0)
        assert (left.width, left.height, right.near, right.far) == (100, 90, 0.1, 50.0)
        np.testing.assert_array_equal(left.T_world_from_eye, eyes.T_play_from_eye[0])
        assert left.angle_left < 0 < left.angle_right
        assert left.angle_down < 0 < left.angle_up


def test_recentring_puts_the_origin_under_the_head(wearer: RemoteDevices):
    wearer.hold(Wearer(T_stage_from_head=pose(1.0, 1.7, -2.0, yaw=70.0, pitch=-20.0)))
    with SessionClient() as client:
        client.show()
        client.session.recenter()
        before = client.session.locate_head(client.frame())  # recentred inside this frame's wait
        np.testing.assert_allclose(before, pose(0.0, 1.7, 0.0, pitch=-20.0), atol=1e-5)
        # Half a metre ahead of where it looked is half a metre along -z now.
        ahead = pose(1.0, 1.7, -2.0, yaw=70.0) @ pose(z=-0.5)
        wearer.hold(Wearer(T_stage_from_head=ahead))
        np.testing.assert_allclose(client.session.locate_head(client.frame()), pose(0.0, 1.7, -0.5), atol=1e-5)
        client.session.recenter()  # from an already recentred space
        np.testing.assert_allclose(client.session.locate_head(client.frame()), pose(0.0, 1.7, 0.0), atol=1e-5)


def test_the_runtimes_own_recentring_replaces_ours(wearer: RemoteDevices, monado_remote: MonadoService):
    wearer.hold(Wearer(T_stage_from_head=pose(1.0, 1.7, -2.0, yaw=70.0)))
    with SessionClient() as client:
        client.show()
        client.session.recenter()
        client.frame()
        np.testing.assert_allclose(client.session.T_base_from_play, pose(1.0, 0.0, -2.0, yaw=70.0), atol=1e-5)
        wearer.hold(Wearer(T_stage_from_head=pose(2.0, 1.5, -1.0, yaw=10.0)))
        client.frame()
        subprocess.run(
            [prefix() / "bin" / "monado-ctl", "-c"], env=monado_remote.env, check=True, capture_output=True
        )
        timing = client.frames(2)[-1]
        moved = [event.space.name for event in client.events if isinstance(event, ReferenceSpaceChanged)]
        assert "LOCAL_FLOOR" in moved
        np.testing.assert_array_equal(client.session.T_base_from_play, np.eye(4))
        np.testing.assert_allclose(client.session.locate_head(timing), pose(0.0, 1.5, 0.0), atol=1e-5)


def test_without_local_floor_the_stage_says_where_the_floor_is(
    wearer: RemoteDevices, monkeypatch: pytest.MonkeyPatch
):
    without(monkeypatch, extensions.LOCAL_FLOOR)
    head = pose(0.1, 1.25, 0.2, yaw=15.0)
    wearer.hold(Wearer(T_stage_from_head=head))
    with SessionClient() as client:
        assert client.session.T_base_from_play[1, 3] == -DEFAULT_EYE_HEIGHT  # until the stage is tracked
        client.show()
        np.testing.assert_allclose(client.session.locate_head(client.frame()), head, atol=1e-5)
        client.session.recenter()
        np.testing.assert_allclose(client.session.locate_head(client.frame()), pose(y=1.25), atol=1e-5)


def test_hidden_areas_lie_in_view(monado_null: MonadoService):
    with SessionClient() as client:
        client.show()
        eyes = client.session.locate_views(client.frame())
        assert eyes is not None
        for area, angles in zip(client.session.hidden_areas, eyes.fov_angles, strict=True):
            assert len(area.triangles)
            assert area.triangles.max() < len(area.vertices)
            left, right, up, down = np.tan(angles)
            x, y = area.vertices.T
            assert left - 1e-4 <= x.min() < x.max() <= right + 1e-4
            assert down - 1e-4 <= y.min() < y.max() <= up + 1e-4


def test_nothing_hidden_where_the_runtime_does_not_say(monado_null: MonadoService, monkeypatch: pytest.MonkeyPatch):
    without(monkeypatch, extensions.VISIBILITY_MASK)
    with SessionClient() as client:
        assert [len(area.triangles) for area in client.session.hidden_areas] == [0, 0]


def test_passthrough_only_where_it_is_offered(monado_null: MonadoService):
    with SessionClient() as client:
        assert not client.session.passthrough


def test_a_lost_runtime_is_noticed_left_and_found_again(monado_null: MonadoService):
    with closing(open_graphics()) as graphics:
        kept = graphics.context.texture((4, 4), 4, bytes(range(64)))
        with SessionClient(graphics=graphics) as client:
            client.show()
            monado_null.kill()
            with pytest.raises(RuntimeLost):
                client.frames(3)
            with pytest.raises(RuntimeLost):
                client.session.poll()
            client.session.close()
        monado_null.start()
        with SessionClient(graphics=graphics) as client:
            client.show()
            client.leave()
            assert client.session.states == FROM_START_TO_EXIT
        assert kept.read() == bytes(range(64))


def report(monkeypatch: pytest.MonkeyPatch, event: ctypes.Structure) -> None:
    """Let the runtime's next event be one that Monado never sends by itself."""
    buffer = xr.EventDataBuffer()
    ctypes.memmove(ctypes.byref(buffer), ctypes.byref(event), ctypes.sizeof(event))
    waiting = [buffer]
    really_poll = xr.poll_event
    monkeypatch.setattr(xr, "poll_event", lambda instance: waiting.pop() if waiting else really_poll(instance))


@pytest.mark.parametrize(
    "announcement",
    [
        xr.EventDataSessionStateChanged(state=xr.SessionState.LOSS_PENDING),
        xr.EventDataInstanceLossPending(loss_time=1),
    ],
    ids=["session", "instance"],
)
def test_an_announced_loss_is_a_loss(
    monado_null: MonadoService, monkeypatch: pytest.MonkeyPatch, announcement: ctypes.Structure
):
    with SessionClient() as client:
        client.show()
        report(monkeypatch, announcement)
        with pytest.raises(RuntimeLost):
            client.session.poll()
        assert not client.session.exited  # it may come back, unlike after EXITING


def test_a_changed_rate_and_a_changed_mask_count_at_once(monado_null: MonadoService, monkeypatch: pytest.MonkeyPatch):
    with SessionClient() as client:
        client.show()
        report(
            monkeypatch,
            xr.EventDataDisplayRefreshRateChangedFB(from_display_refresh_rate=20.0, to_display_refresh_rate=90.0),
        )
        assert RefreshRateChanged(20.0, 90.0) in client.session.poll()
        assert client.session.nominal_period_ns == 11_111_111
        before = client.session.hidden_areas
        report(monkeypatch, xr.EventDataVisibilityMaskChangedKHR(view_index=1))
        assert VisibilityMaskChanged(1) in client.session.poll()
        after = client.session.hidden_areas
        assert after[0] is before[0]
        assert after[1] is not before[1]
        np.testing.assert_array_equal(after[1].vertices, before[1].vertices)


def test_nothing_is_left_behind(monado_null: MonadoService):
    def held() -> tuple[int, int, int, int]:
        gc.collect()
        names = range(1, 400)
        return (
            len(os.listdir("/proc/self/fd")),
            len(os.listdir("/proc/self/task")),
            sum(bool(GL.glIsTexture(name)) for name in names),
            sum(bool(GL.glIsFramebuffer(name)) for name in names),
        )

    with closing(open_graphics()) as graphics:
        counts = []
        for kill in (False, True, False, True):
            with SessionClient(graphics=graphics) as client:
                client.show(frames=1)
                if kill:
                    monado_null.kill()
                    with pytest.raises(RuntimeLost):
                        client.frames(3)
            if kill:
                monado_null.start()
            counts.append(held())
        assert len(set(counts)) == 1
        assert counts[0][2:] == (0, 0)


def test_drawing_goes_on_while_the_pictures_are_lost(monado_xcb: MonadoService):
    """A software OpenGL still fills them on its own threads when the runtime is noticed to be gone."""
    with SessionClient() as client:
        client.show()
        program = client.session.context.program(
            vertex_shader="""
                #version 330
                void main() { gl_Position = vec4(gl_VertexID & 1, gl_VertexID >> 1, 0.0, 0.25); }
            """,
            fragment_shader="""
                #version 330
                out vec4 color;
                void main() {
                    float x = gl_FragCoord.x;
                    for (int i = 0; i < 500; i++) x = sin(x) + 1.5;
                    color = vec4(x);
                }
            """,
        )
        triangle = client.session.context.vertex_array(program, [])
        timing = client.session.wait_frame()
        client.session.begin_frame()
        for target in client.session.swapchains.acquire():
            target.framebuffer.use()
            triangle.render(vertices=3)
        monado_xcb.kill()
        with pytest.raises(RuntimeLost):
            client.session.swapchains.release()
        assert timing.xr_time > 0
