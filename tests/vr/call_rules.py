"""What a correct client's recorded calls obey, also where neither the runtime nor a validation layer looks.

The Khronos best-practices layer has some of these rules, but outside Windows and Android it says nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import xr

from tests.vr.recording import Call, Projected


def violations(calls: Iterable[Call]) -> list[str]:
    """One line for each breach, in the order of the calls; nothing for a correct client.

    The rules: no call is refused; frames are waited for, begun and ended in turn; a frame is ended for the display
    time that was predicted for it, and everything in it is located for that time; actions are synchronised once a
    frame at most; each acquired image is waited for and
    released once, before the frame that shows it ends; a projection layer has two views, with unit quaternions, the
    very poses and fields of view that were located, and rectangles inside their swapchains; depth runs from 0 to 1
    between two different planes; sessions begin when READY and end when STOPPING; handles are used while they live,
    and none outlives the recording.
    """
    judge = _Judge()
    for call in calls:
        judge.hear(call)
    judge.hear_nothing_more()
    return judge.said


_QUALIFIED = (xr.Result.SUCCESS, xr.Result.EVENT_UNAVAILABLE, xr.Result.SESSION_NOT_FOCUSED)


@dataclass
class _Image:
    """A swapchain's rotation: "free", "acquired", "ready" or "released" (since the last frame's end)."""

    stage: str = "free"
    size: tuple[int, int] = (0, 0)


@dataclass
class _Judge:
    said: list[str] = field(default_factory=list)
    living: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Handle to what created it and its parent."""
    images: dict[int, _Image] = field(default_factory=dict)
    stage: str = "ended"
    """Of the frame: "waited", "begun" or "ended"."""
    time: int | None = None
    located: tuple[tuple[float, ...], ...] = ()
    synchronised: int = 0
    state: xr.SessionState | None = None

    def hear(self, call: Call) -> None:
        if call.result not in _QUALIFIED:
            self._say(call, f"answered {call.result.name}")
            return
        if call.handle and call.handle not in self.living:
            self._say(call, "called with a handle that does not live")
        if call.created is not None:
            self.living[call.created] = (call.name, call.handle)
        match call.name:
            case "xrCreateSwapchain" if call.created is not None and call.size is not None:
                self.images[call.created] = _Image(size=call.size)
            case "xrPollEvent" if call.state is not None:
                self.state = call.state
            case "xrBeginSession" if self.state != xr.SessionState.READY:
                self._say(call, f"in the state {self.state}")
            case "xrEndSession" if self.state != xr.SessionState.STOPPING:
                self._say(call, f"in the state {self.state}")
            case "xrWaitFrame":
                self._advance(call, "ended", "waited")
                self.time = call.time
                self.synchronised = 0
            case "xrBeginFrame":
                self._advance(call, "waited", "begun")
            case "xrLocateSpace" | "xrLocateViews":
                if call.time != self.time:
                    self._say(call, "for another time than the frame's predicted display time")
                self.located = call.views or self.located
            case "xrSyncActions":
                self.synchronised += 1
                if self.synchronised > 1:
                    self._say(call, "more than once in a frame")
            case "xrEndFrame":
                self._advance(call, "begun", "ended")
                self._end(call)
            case "xrAcquireSwapchainImage":
                self._turn(call, ("free", "released"), "acquired")
            case "xrWaitSwapchainImage":
                self._turn(call, ("acquired",), "ready")
            case "xrReleaseSwapchainImage":
                self._turn(call, ("ready",), "released")
            case name if name.startswith("xrDestroy"):
                self._bury(call.handle)

    def hear_nothing_more(self) -> None:
        for created_by, _ in self.living.values():
            self.said.append(f"{created_by}: what it made was never destroyed")

    def _say(self, call: Call, breach: str) -> None:
        self.said.append(f"{call.name}: {breach}")

    def _advance(self, call: Call, before: str, after: str) -> None:
        if self.stage != before:
            self._say(call, f"after a frame was {self.stage}, not {before}")
        self.stage = after

    def _turn(self, call: Call, before: tuple[str, ...], after: str) -> None:
        image = self.images.setdefault(call.handle, _Image())
        if image.stage not in before:
            self._say(call, f"while the image is {image.stage}, not {' or '.join(before)}")
        if call.name == "xrAcquireSwapchainImage" and image.stage == "released":
            self._say(call, "twice in one frame")
        image.stage = after

    def _bury(self, handle: int) -> None:
        for child in [child for child, (_, parent) in self.living.items() if parent == handle]:
            self._bury(child)
        self.living.pop(handle, None)

    def _end(self, call: Call) -> None:
        if call.time != self.time:
            self._say(call, "for another time than the frame's predicted display time")
        for layer in call.layers:
            if len(layer) != 2:
                self._say(call, f"with {len(layer)} views")
            for eye, view in enumerate(layer):
                self._look_at(call, eye, view)
        for image in self.images.values():
            if image.stage == "released":
                image.stage = "free"
            elif image.stage != "free":
                self._say(call, f"while an image is still {image.stage}")

    def _look_at(self, call: Call, eye: int, view: Projected) -> None:
        if abs(np.linalg.norm(view.quat_xyzw) - 1.0) > 1e-3:
            self._say(call, f"with a quaternion of length {np.linalg.norm(view.quat_xyzw):.4f}")
        drawn = (*view.quat_xyzw, *view.position, *view.fov)
        if eye < len(self.located) and not _same_view(drawn, self.located[eye]):
            self._say(call, f"with another pose or field of view than was located for eye {eye}")
        x, y, width, height = view.rectangle
        for swapchain in (view.swapchain, *(view.depth or ())[:1]):
            image = self.images.setdefault(swapchain, _Image())
            if image.stage != "released":
                self._say(call, "with a swapchain whose image was not released for this frame")
            if min(x, y) < 0 or x + width > image.size[0] or y + height > image.size[1] or min(width, height) < 1:
                self._say(call, f"with the rectangle {view.rectangle} of a picture of {image.size}")
        if view.depth is not None:
            _, nearest, farthest, near, far = view.depth
            if not 0.0 <= nearest < farthest <= 1.0:
                self._say(call, f"with a depth range of {nearest} to {farthest}")
            if near == far or min(near, far) < 0.0:
                self._say(call, f"with depth planes at {near} and {far} m")


def _same_view(drawn: tuple[float, ...], located: tuple[float, ...]) -> bool:
    """Whether quaternion (whose sign means nothing), position and field of view agree."""
    sign = 1.0 if np.dot(drawn[:4], located[:4]) >= 0.0 else -1.0
    return np.allclose((*(sign * np.array(drawn[:4])), *drawn[4:]), located, rtol=0.0, atol=1e-5)
