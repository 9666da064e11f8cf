"""`XrSession`: a running connection to a headset: states, frames, poses, pictures."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import xr
from jaxtyping import Float

from inperson.render.xr.events import Event, SessionState
from inperson.render.xr.graphics import Graphics
from inperson.render.xr.poses import EyePoses
from inperson.render.xr.runtime import XrRuntime
from inperson.render.xr.swapchains import EyeSwapchains
from inperson.render.xr.visibility import HiddenArea


@dataclass(frozen=True, slots=True)
class FrameTiming:
    """When a frame will be seen."""

    xr_time: int
    """XrTime of display, for calls into OpenXR."""
    display_time_ns: int
    """The same instant, monotonic nanoseconds."""
    period_ns: int
    """Until the next display; rises when the runtime throttles, so count misses against `nominal_period_ns`."""
    should_render: bool
    """Whether drawing would be seen. A frame that would not still is begun and ended."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A finished pair of pictures, as it was drawn."""

    poses: EyePoses
    """What it was drawn with, as `locate_views` gave it."""
    width: int
    height: int
    """Pixels drawn in each eye's lower-left corner."""
    near: float
    far: float
    """Planes of the projection that wrote window depth 0 and 1, metres."""


class XrSession:
    """A session of `runtime` that draws with `graphics`, whose context must be current. Use from one thread.

    The frame loop: `poll` until `running`; then `wait_frame`, `begin_frame`, `locate_head`, (pose), `locate_views`,
    `swapchains.acquire`, (draw), `swapchains.release`, `end_frame`. Every method but `close` may raise `RuntimeLost`.

    Args:
        passthrough: blend over the real world where the runtime offers it.
        max_refresh_rate: the display runs at the highest offered rate up to this, hertz.

    Raises:
        DeviceError: the context's OpenGL is too old for the runtime, or it offers no SRGB8_ALPHA8 pictures.
    """

    runtime: XrRuntime
    handle: xr.Session
    swapchains: EyeSwapchains

    def __init__(
        self,
        runtime: XrRuntime,
        graphics: Graphics,
        *,
        passthrough: bool = False,
        max_refresh_rate: float = 120.0,
    ) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def state(self) -> SessionState:
        """The present state."""
        raise NotImplementedError

    @property
    def states(self) -> tuple[SessionState, ...]:
        """Every state so far, in order."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        """Between begin and end: frames must be waited for."""
        raise NotImplementedError

    @property
    def focused(self) -> bool:
        """Whether input arrives (actions may be synchronised)."""
        raise NotImplementedError

    @property
    def exited(self) -> bool:
        """Whether the session reached EXITING: close it and do not come back."""
        raise NotImplementedError

    @property
    def play_space(self) -> xr.Space:
        """The play space for xrLocate...: ask for it each frame, since recentring replaces it (in `wait_frame`)."""
        raise NotImplementedError

    @property
    def refresh_rate(self) -> float:
        """The display's nominal rate, hertz."""
        raise NotImplementedError

    @property
    def nominal_period_ns(self) -> int:
        """Between displays at the nominal rate."""
        raise NotImplementedError

    @property
    def passthrough(self) -> bool:
        """Whether the real world is seen where alpha is below 1."""
        raise NotImplementedError

    @property
    def hidden_areas(self) -> tuple[HiddenArea, HiddenArea]:
        """What the lenses never show of each eye's picture; empty where the runtime does not say."""
        raise NotImplementedError

    def poll(self) -> list[Event]:
        """What happened since the last call, after reacting to it: begins the session when READY, ends it when
        STOPPING.

        Raises:
            RuntimeLost: LOSS_PENDING, an instance loss is pending, or the runtime is gone.
        """
        raise NotImplementedError

    def wait_frame(self) -> FrameTiming:
        """Sleep until the next frame should begin."""
        raise NotImplementedError

    def begin_frame(self) -> None:
        """Start drawing the frame waited for."""
        raise NotImplementedError

    def locate(self, space: xr.Space, timing: FrameTiming) -> Float[np.ndarray, "4 4"] | None:
        """`T_play_from_space` at display time; None where its position or orientation is not valid."""
        raise NotImplementedError

    def locate_head(self, timing: FrameTiming) -> Float[np.ndarray, "4 4"] | None:
        """`T_play_from_head` (VIEW space) at display time."""
        raise NotImplementedError

    def locate_views(self, timing: FrameTiming) -> EyePoses | None:
        """Both eyes at display time, as late as possible before drawing; None while the head is not tracked."""
        raise NotImplementedError

    def end_frame(self, timing: FrameTiming, submission: Submission | None = None) -> None:
        """Hand the frame over; with nothing when nothing was drawn."""
        raise NotImplementedError

    def recenter(self) -> None:
        """From the next frame on, the play space's origin is on the floor under the head, -z where it looks."""
        raise NotImplementedError

    def request_exit(self) -> None:
        """Ask to leave; the states up to EXITING then arrive through `poll`. Ignored while not running."""
        raise NotImplementedError

    def close(self) -> None:
        """Destroy everything of the session; a second time, or after a loss, does no harm."""
        raise NotImplementedError
