"""`XrSession`: a running connection to a headset: states, frames, poses, pictures."""

import ctypes
from contextlib import ExitStack, suppress
from typing import Self

import moderngl
import numpy as np
import xr
from jaxtyping import Float
from xr import exception, raw_functions

from inperson.errors import DeviceError
from inperson.render.xr import extensions
from inperson.render.xr.clock import XrClock
from inperson.render.xr.events import (
    Event,
    InstanceLossPending,
    ReferenceSpaceChanged,
    RefreshRateChanged,
    SessionState,
    StateChanged,
    VisibilityMaskChanged,
    parse_event,
)
from inperson.render.xr.frames import FrameTiming, ProjectionLayer, Submission
from inperson.render.xr.graphics import Graphics
from inperson.render.xr.loss import RuntimeLost, check, destroy, noticing_loss
from inperson.render.xr.poses import EyePoses
from inperson.render.xr.refresh import RefreshRate
from inperson.render.xr.runtime import STEREO, XrRuntime
from inperson.render.xr.spaces import PlaySpace
from inperson.render.xr.swapchains import EyeSwapchains
from inperson.render.xr.visibility import HiddenArea, read_hidden_area

_VIEWS_VALID = xr.ViewStateFlags.ORIENTATION_VALID_BIT | xr.ViewStateFlags.POSITION_VALID_BIT


class XrSession:
    """A session of `runtime` that draws with `graphics`. Use from one thread.

    The frame loop: `poll` until `running`; then `wait_frame`, `begin_frame`, `locate_head`, (pose), `locate_views`,
    `swapchains.acquire`, (draw), `swapchains.release`, `end_frame`. Every method but `close` may raise `RuntimeLost`.

    Args:
        passthrough: blend over the real world where the runtime offers it.
        max_refresh_rate: the display runs at the highest offered rate up to this, hertz.

    Raises:
        DeviceError: the context's OpenGL is too old for the runtime, or it offers no SRGB8_ALPHA8 pictures.
        RuntimeLost: the runtime went away.
    """

    def __init__(
        self,
        runtime: XrRuntime,
        graphics: Graphics,
        *,
        passthrough: bool = False,
        max_refresh_rate: float = 120.0,
    ) -> None:
        self.runtime = runtime
        self._graphics = graphics
        self._states: list[SessionState] = []
        self._running = False
        self._exit_asked = False
        self._exited = False
        self._blend_mode = choose_blend_mode(runtime.info.blend_modes, passthrough)
        graphics.make_current()
        with noticing_loss(), ExitStack() as cleanup:
            self.handle = _create(runtime, graphics)
            cleanup.callback(destroy, xr.destroy_session, self.handle)
            self._play = PlaySpace(self.handle)
            cleanup.callback(self._play.close)
            self.swapchains = EyeSwapchains(
                self.handle,
                graphics.context,
                *runtime.info.eye_size,
                submit_depth=extensions.DEPTH_LAYER in runtime.enabled,
            )
            cleanup.callback(self.swapchains.close)
            self._clock = XrClock.of(runtime.instance)
            self._rate = RefreshRate(self.handle, runtime.enabled, max_refresh_rate)
            self._hidden = [read_hidden_area(self.handle, runtime.enabled, eye) for eye in range(2)]
            self._cleanup = cleanup.pop_all()
        self._layer = ProjectionLayer(self.swapchains, blended=self.passthrough)
        self._located = (xr.View * 2)(xr.View(), xr.View())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def context(self) -> moderngl.Context:
        """The OpenGL context to draw with."""
        return self._graphics.context

    @property
    def state(self) -> SessionState:
        """The present state; UNKNOWN until the first `poll`."""
        return self._states[-1] if self._states else SessionState.UNKNOWN

    @property
    def states(self) -> tuple[SessionState, ...]:
        """Every state so far, in order."""
        return tuple(self._states)

    @property
    def running(self) -> bool:
        """Between begin and end: frames must be waited for."""
        return self._running

    @property
    def focused(self) -> bool:
        """Whether input arrives (actions may be synchronised)."""
        return self.state is SessionState.FOCUSED

    @property
    def exited(self) -> bool:
        """Whether the session reached EXITING: close it and do not come back."""
        return self._exited

    @property
    def play_space(self) -> xr.Space:
        """The play space for xrLocate...: ask for it each frame, since `wait_frame` may replace it."""
        return self._play.handle

    @property
    def T_base_from_play(self) -> Float[np.ndarray, "4 4"]:
        """Where the play space lies in the runtime's own space; another array after every recentring."""
        return self._play.T_base_from_play

    @property
    def refresh_rates(self) -> tuple[float, ...]:
        """What the display offers, hertz, rising; empty where the runtime lets nobody choose."""
        return self._rate.offered

    @property
    def nominal_period_ns(self) -> int:
        """Between two displays at the nominal rate; known from the first `wait_frame` on."""
        return self._rate.period_ns

    @property
    def passthrough(self) -> bool:
        """Whether the real world is seen where alpha is below 1."""
        return self._blend_mode is xr.EnvironmentBlendMode.ALPHA_BLEND

    @property
    def hidden_areas(self) -> tuple[HiddenArea, HiddenArea]:
        """What the lenses never show of each eye's picture; empty where the runtime does not say."""
        return self._hidden[0], self._hidden[1]

    @property
    def clock(self) -> XrClock:
        """XrTime on the monotonic clock."""
        return self._clock

    @noticing_loss()
    def poll(self) -> list[Event]:
        """What happened since the last call, after reacting to it: begins the session when READY, ends it when
        STOPPING.

        Raises:
            RuntimeLost: LOSS_PENDING, an instance loss is pending, or the runtime is gone.
        """
        events = []
        while (buffer := _next_event(self.runtime.instance)) is not None:
            event = parse_event(buffer)
            if event is not None:
                self._react(event)
                events.append(event)
        return events

    @noticing_loss()
    def wait_frame(self) -> FrameTiming:
        """Sleep until the next frame should begin."""
        frame = xr.wait_frame(self.handle, xr.FrameWaitInfo())
        self._rate.predicted(frame.predicted_display_period)
        self._play.update(frame.predicted_display_time)
        return FrameTiming(
            xr_time=frame.predicted_display_time,
            display_time_ns=self._clock.monotonic_ns(frame.predicted_display_time),
            period_ns=frame.predicted_display_period,
            should_render=bool(frame.should_render),
        )

    @noticing_loss()
    def begin_frame(self) -> None:
        """Start drawing the frame waited for."""
        with suppress(exception.FrameDiscarded):  # a success: the frame before was begun, but never ended
            xr.begin_frame(self.handle, xr.FrameBeginInfo())

    @noticing_loss()
    def locate(self, space: xr.Space, timing: FrameTiming) -> Float[np.ndarray, "4 4"] | None:
        """`T_play_from_space` at display time; None where its position or orientation is not valid."""
        return self._play.locate(space, timing.xr_time)

    @noticing_loss()
    def locate_head(self, timing: FrameTiming) -> Float[np.ndarray, "4 4"] | None:
        """`T_play_from_head` (VIEW space) at display time."""
        return self._play.locate_head(timing.xr_time)

    @noticing_loss()
    def locate_views(self, timing: FrameTiming) -> EyePoses | None:
        """Both eyes at display time, as late as possible before drawing; None while the head is not tracked."""
        state, count = xr.ViewState(), ctypes.c_uint32()
        info = xr.ViewLocateInfo(STEREO, timing.xr_time, self._play.handle)
        # pyopenxr's wrapper asks twice, once only to learn that two eyes are two.
        check(
            raw_functions.xrLocateViews(self.handle, info, ctypes.byref(state), 2, ctypes.byref(count), self._located)
        )
        valid = state.view_state_flags & _VIEWS_VALID == _VIEWS_VALID
        return EyePoses.from_xr(*self._located) if valid else None

    @noticing_loss()
    def end_frame(self, timing: FrameTiming, submission: Submission | None = None) -> None:
        """Hand the frame over; with nothing when nothing was drawn."""
        layers = [] if submission is None else [self._layer.filled(submission, self._play.handle)]
        xr.end_frame(
            self.handle,
            xr.FrameEndInfo(display_time=timing.xr_time, environment_blend_mode=self._blend_mode, layers=layers),
        )

    def recenter(self) -> None:
        """From the next frame on, the play space's origin is on the floor under the head, -z where it looks."""
        self._play.recenter()

    @noticing_loss()
    def request_exit(self) -> None:
        """Ask to leave; the states up to EXITING then arrive through `poll`. Does nothing while not running, and
        nothing more when asked again (Monado would stop the session twice)."""
        if self._running and not self._exit_asked:
            self._exit_asked = True
            xr.request_exit_session(self.handle)

    def close(self) -> None:
        """Destroy everything of the session; a second time, or after a loss, does no harm."""
        self._graphics.make_current()
        self._cleanup.close()

    def _react(self, event: Event) -> None:
        match event:
            case StateChanged(state):
                self._states.append(state)
                self._enter(state)
            case InstanceLossPending():
                raise RuntimeLost("the OpenXR runtime announces its end")
            case ReferenceSpaceChanged(space, change_xr_time) if space is self._play.base_type:
                self._play.base_moves(change_xr_time)
            case RefreshRateChanged(to_rate=rate):
                self._rate.changed(rate)
            case VisibilityMaskChanged(eye):
                self._hidden[eye] = read_hidden_area(self.handle, self.runtime.enabled, eye)

    def _enter(self, state: SessionState) -> None:
        match state:
            case SessionState.READY:
                xr.begin_session(self.handle, xr.SessionBeginInfo(STEREO))
                self._running = True
            case SessionState.SYNCHRONIZED | SessionState.VISIBLE | SessionState.FOCUSED:
                pass  # frames say themselves whether they are seen (`should_render`), and input asks `focused`
            case SessionState.STOPPING:
                self._running = False
                xr.end_session(self.handle)
            case SessionState.IDLE | SessionState.UNKNOWN:
                pass  # READY follows when the headset is put on, EXITING when it is time to go
            case SessionState.EXITING:
                self._exited = True
            case SessionState.LOSS_PENDING:
                self._running = False
                raise RuntimeLost("the OpenXR runtime is losing the session")


def choose_blend_mode(offered: tuple[str, ...], passthrough: bool) -> xr.EnvironmentBlendMode:
    """ALPHA_BLEND where it is asked for and offered, else OPAQUE, else what the display can do (see-through
    displays only add light)."""
    wanted = ("ALPHA_BLEND", "OPAQUE") if passthrough else ("OPAQUE",)
    name = next((mode for mode in wanted if mode in offered), offered[0])
    return xr.EnvironmentBlendMode[name]


def _create(runtime: XrRuntime, graphics: Graphics) -> xr.Session:
    # Runtimes refuse a session whose application never asked for their requirements.
    required = xr.get_opengl_graphics_requirements_khr(runtime.instance, runtime.system_id)
    major, minor = divmod(graphics.context.version_code // 10, 10)
    if xr.Version(major, minor) < required.min_api_version_supported:
        needed = required.min_api_version_supported
        raise DeviceError(
            f"OpenGL {major}.{minor} is too old for the OpenXR runtime, which needs {needed}",
            "update the graphics driver",
        )
    binding = graphics.binding()  # only pointed at: alive until the call returns
    create_info = xr.SessionCreateInfo(system_id=runtime.system_id, next=ctypes.addressof(binding))
    try:
        return xr.create_session(runtime.instance, create_info)
    except (exception.GraphicsDeviceInvalidError, exception.InitializationFailedError) as error:
        raise DeviceError(
            f"the OpenXR runtime cannot share OpenGL by {graphics.kind} ({error})",
            "update the graphics driver, or try another binding",
        ) from error


def _next_event(instance: xr.Instance) -> xr.EventDataBuffer | None:
    try:
        return xr.poll_event(instance)
    except exception.EventUnavailable:
        return None
