"""What `render.xr` computes without a runtime: clocks, rates, places, events, formats, structures."""

import ctypes
import math
import sys
import time
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import xr
from hypothesis import given
from hypothesis import strategies as st

from inperson.errors import DeviceError
from inperson.render.xr.clock import XrClock
from inperson.render.xr.events import (
    EventsLost,
    InstanceLossPending,
    InteractionProfileChanged,
    ReferenceSpaceChanged,
    RefreshRateChanged,
    SessionState,
    StateChanged,
    VisibilityMaskChanged,
    parse_event,
)
from inperson.render.xr.graphics import GraphicsKind, open_graphics
from inperson.render.xr.loss import RuntimeLost, check, destroy, noticing_loss
from inperson.render.xr.poses import EyePoses, matrix_from_posef, posef_from_matrix
from inperson.render.xr.refresh import SETTLING_FRAMES, RefreshRate, choose_rate
from inperson.render.xr.session import choose_blend_mode
from inperson.render.xr.spaces import under_head
from inperson.render.xr.swapchains import COLOR_FORMAT, DEPTH_FORMATS, choose_formats
from tests.render.xr_poses import rigid, rotation

RGBA16 = 0x805B
angles = st.floats(-math.pi, math.pi)
metres = st.floats(-3.0, 3.0)


# --- clocks and rates -------------------------------------------------------------------------------------------


@given(st.integers(-(2**60), 2**60), st.integers(0, 2**60))
def test_clocks_differ_by_their_zero_only(offset: int, xr_time: int):
    clock = XrClock(offset)
    assert clock.xr_time(clock.monotonic_ns(xr_time)) == xr_time
    assert clock.monotonic_ns(xr_time + 5) - clock.monotonic_ns(xr_time) == 5


def test_windows_asks_by_its_performance_counter(monkeypatch: pytest.MonkeyPatch):
    def query_performance_counter(counter: object) -> None:
        ctypes.cast(counter, ctypes.POINTER(ctypes.c_longlong))[0] = time.monotonic_ns() // 100

    kernel32 = SimpleNamespace(QueryPerformanceCounter=query_performance_counter)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel32), raising=False)
    monkeypatch.setattr(
        xr,
        "convert_win32_performance_counter_to_time_khr",
        lambda instance, counter: xr.Time(counter.value * 100 - 7_000_000_000),
        raising=False,
    )
    monkeypatch.setattr("inperson.render.xr.clock.sys", SimpleNamespace(platform="win32"))
    offset = XrClock.of(xr.Instance()).offset_ns
    assert offset == pytest.approx(7_000_000_000, abs=5_000_000)


@pytest.mark.parametrize(
    ("offered", "limit", "chosen"),
    [((60.0, 72.0, 90.0, 120.0), 90.0, 90.0), ((72.0, 80.0), 120.0, 80.0), ((90.0, 144.0), 60.0, 90.0)],
)
def test_the_highest_rate_up_to_the_limit(offered: tuple[float, ...], limit: float, chosen: float):
    assert choose_rate(offered, limit) == chosen


def test_a_rate_that_nobody_names_is_the_shortest_settled_period():
    rate = RefreshRate(xr.Session(), frozenset(), 120.0)
    assert rate.offered == ()
    with pytest.raises(ValueError, match="from the first frame on"):
        _ = rate.period_ns
    for _ in range(SETTLING_FRAMES - 1):
        rate.predicted(8_000_000)  # a guess, too short
    assert rate.period_ns == 8_000_000
    for period in (0, 11_111_112, 22_222_222, 11_111_111, 33_333_333):
        rate.predicted(period)
    assert rate.period_ns == 11_111_111
    rate.changed(72.0)
    assert rate.period_ns == 13_888_889


# --- places -----------------------------------------------------------------------------------------------------


@given(angles, st.floats(-1.2, 1.2), angles, metres, metres, metres)
def test_recentring_leaves_height_pitch_and_roll(yaw: float, pitch: float, roll: float, x: float, y: float, z: float):
    T_play_from_head = rigid(rotation(yaw, pitch, roll), (x, y, z))
    T_new_from_head = np.linalg.inv(under_head(T_play_from_head)) @ T_play_from_head
    np.testing.assert_allclose(T_new_from_head, rigid(rotation(0.0, pitch, roll), (0.0, y, 0.0)), atol=1e-6)


@pytest.mark.parametrize("pitch", [-90.0, -80.0, 80.0, 90.0])
def test_recentring_while_looking_at_the_floor_or_the_sky(pitch: float):
    yaw = math.radians(35.0)
    recentred = under_head(rigid(rotation(yaw, math.radians(pitch), 0.0), (1.0, 1.5, 2.0)))
    np.testing.assert_allclose(recentred, rigid(rotation(yaw, 0.0, 0.0), (1.0, 0.0, 2.0)), atol=1e-9)


@given(angles, angles, angles, metres, metres, metres)
def test_poses_go_to_openxr_and_back(yaw: float, pitch: float, roll: float, x: float, y: float, z: float):
    matrix = rigid(rotation(yaw, pitch, roll), (x, y, z))
    np.testing.assert_allclose(matrix_from_posef(posef_from_matrix(matrix)), matrix, atol=1e-6)


def test_eyes_are_submitted_to_the_bit_as_they_were_located():
    rng = np.random.default_rng(4)
    located = (xr.View * 2)(xr.View(), xr.View())
    for view in located:
        quat = rng.normal(size=4).astype(np.float32)
        view.pose = xr.Posef(xr.Quaternionf(*quat / np.linalg.norm(quat)), xr.Vector3f(*rng.normal(size=3)))
        view.fov = xr.Fovf(-0.9, 0.7, 0.8, -0.85)
    eyes = EyePoses.from_xr(*located)
    for index, view in enumerate(located):
        assert bytes(eyes.xr_pose(index)) == bytes(view.pose)
        assert bytes(eyes.xr_fov(index)) == bytes(view.fov)
        np.testing.assert_allclose(eyes.T_play_from_eye[index], matrix_from_posef(view.pose), atol=1e-12)
    left, right = eyes.views(200, 300, 0.1, 20.0)
    assert (right.angle_left, right.angle_right) == pytest.approx((-0.9, 0.7))
    assert (right.angle_up, right.angle_down) == pytest.approx((0.8, -0.85))
    assert (left.width, left.height, left.near, left.far) == (200, 300, 0.1, 20.0)
    np.testing.assert_array_equal(right.T_world_from_eye, eyes.T_play_from_eye[1])


# --- events -----------------------------------------------------------------------------------------------------


def buffer_of(event: ctypes.Structure) -> xr.EventDataBuffer:
    """As xrPollEvent fills it."""
    buffer = xr.EventDataBuffer()
    ctypes.memmove(ctypes.byref(buffer), ctypes.byref(event), ctypes.sizeof(event))
    return buffer


@pytest.mark.parametrize(
    ("event", "parsed"),
    [
        (xr.EventDataInstanceLossPending(loss_time=77), InstanceLossPending(77)),
        (
            xr.EventDataReferenceSpaceChangePending(
                reference_space_type=xr.ReferenceSpaceType.LOCAL_FLOOR, change_time=5
            ),
            ReferenceSpaceChanged(xr.ReferenceSpaceType.LOCAL_FLOOR, 5),
        ),
        (xr.EventDataInteractionProfileChanged(), InteractionProfileChanged()),
        (xr.EventDataVisibilityMaskChangedKHR(view_index=1), VisibilityMaskChanged(1)),
        (
            xr.EventDataDisplayRefreshRateChangedFB(from_display_refresh_rate=72.0, to_display_refresh_rate=90.0),
            RefreshRateChanged(72.0, 90.0),
        ),
        (xr.EventDataEventsLost(lost_event_count=3), EventsLost(3)),
        (xr.EventDataPerfSettingsEXT(), None),
    ],
)
def test_events_become_dataclasses(event: ctypes.Structure, parsed: object):
    assert parse_event(buffer_of(event)) == parsed


@pytest.mark.parametrize("state", list(SessionState))
def test_every_session_state_is_known(state: SessionState):
    event = xr.EventDataSessionStateChanged(state=xr.SessionState[state.name])
    assert parse_event(buffer_of(event)) == StateChanged(state)


def test_every_openxr_session_state_has_a_name_here():
    assert {state.name: state.value for state in xr.SessionState} == {s.name: s.value for s in SessionState}


def test_an_event_of_the_future_is_passed_over():
    buffer = xr.EventDataBuffer()
    ctypes.cast(ctypes.byref(buffer), ctypes.POINTER(ctypes.c_int))[0] = 1_999_999_999
    assert parse_event(buffer) is None


# --- loss -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "result",
    [
        xr.Result.ERROR_INSTANCE_LOST,
        xr.Result.ERROR_SESSION_LOST,
        xr.Result.SESSION_LOSS_PENDING,
        xr.Result.ERROR_RUNTIME_FAILURE,
    ],
)
def test_loss_has_one_name(result: xr.Result):
    with pytest.raises(RuntimeLost), noticing_loss():
        check(result)


def test_a_mistake_of_ours_is_no_loss():
    with pytest.raises(xr.exception.ValidationFailureError), noticing_loss():
        check(xr.Result.ERROR_VALIDATION_FAILURE)
    check(xr.Result.SUCCESS)


def test_destroying_what_is_lost_does_no_harm():
    def lost(handle: object) -> None:
        raise xr.exception.InstanceLostError

    destroy(lost, xr.Space())


# --- formats and modes ------------------------------------------------------------------------------------------


def test_the_runtimes_favourite_format_is_not_ours():
    assert choose_formats((RGBA16, COLOR_FORMAT, DEPTH_FORMATS[1], DEPTH_FORMATS[0])) == (
        COLOR_FORMAT,
        DEPTH_FORMATS[0],
    )
    assert choose_formats((COLOR_FORMAT, DEPTH_FORMATS[-1])) == (COLOR_FORMAT, DEPTH_FORMATS[-1])
    assert choose_formats((COLOR_FORMAT,)) == (COLOR_FORMAT, None)


def test_no_srgb_pictures():
    with pytest.raises(DeviceError, match="no SRGB8_ALPHA8"):
        choose_formats((RGBA16, *DEPTH_FORMATS))


@pytest.mark.parametrize(
    ("offered", "passthrough", "chosen"),
    [
        (("OPAQUE", "ALPHA_BLEND"), False, "OPAQUE"),
        (("OPAQUE", "ALPHA_BLEND"), True, "ALPHA_BLEND"),
        (("OPAQUE",), True, "OPAQUE"),
        (("ADDITIVE",), True, "ADDITIVE"),
        (("ADDITIVE",), False, "ADDITIVE"),
    ],
)
def test_blend_modes(offered: tuple[str, ...], passthrough: bool, chosen: str):
    assert choose_blend_mode(offered, passthrough).name == chosen


# --- graphics ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["glx", "wgl", "wayland"])
def test_a_platform_that_is_not_here(kind: GraphicsKind, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(DeviceError):
        open_graphics(kind)


def test_egl_contexts_do_not_stay_current():
    first = open_graphics("egl")
    second = open_graphics("egl")
    first.make_current()
    binding = first.binding()
    assert ctypes.cast(binding.context, ctypes.c_void_p).value
    assert ctypes.cast(binding.config, ctypes.c_void_p).value
    assert ctypes.cast(binding.get_proc_address, ctypes.c_void_p).value
    assert bytes(binding.context) != bytes(second.binding().context)
    for graphics in (first, second):
        graphics.close()
    egl = ctypes.CDLL("libEGL.so.1")
    egl.eglGetCurrentContext.restype = ctypes.c_void_p
    assert egl.eglGetCurrentContext() is None


def test_a_wayland_binding_points_at_the_display():
    from inperson.render.xr.graphics_wayland import wayland_binding

    binding = wayland_binding(0x7F0012345678)
    assert binding.type == xr.StructureType.GRAPHICS_BINDING_OPENGL_WAYLAND_KHR
    assert ctypes.cast(binding.display, ctypes.c_void_p).value == 0x7F0012345678


def test_a_windows_binding_holds_both_contexts(monkeypatch: pytest.MonkeyPatch):
    """pyopenxr defines this structure on Windows only, by PyOpenGL's WGL: its module is loaded here without it."""
    wgl = ModuleType("OpenGL.WGL")
    wgl.HGLRC = ctypes.c_void_p  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "OpenGL.WGL", wgl)
    monkeypatch.setattr("OpenGL.WGL", wgl, raising=False)
    from xr.platform import windows

    monkeypatch.setattr(xr, "GraphicsBindingOpenGLWin32KHR", windows.GraphicsBindingOpenGLWin32KHR, raising=False)
    from inperson.render.xr.graphics_wgl import wgl_binding

    binding = wgl_binding(0x1234, 0x7F0012345678)
    assert binding.type == xr.StructureType.GRAPHICS_BINDING_OPENGL_WIN32_KHR
    assert ctypes.cast(binding.h_dc, ctypes.c_void_p).value == 0x1234
    assert ctypes.cast(binding.h_glrc, ctypes.c_void_p).value == 0x7F0012345678
