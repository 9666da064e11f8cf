"""The headset's frame loop: one thread that waits, reads, poses, draws and submits, at the display's rate.

    loop = HeadsetLoop(session, headset_input, painter, posers, pose_at, pacing, gpu_timer)
    while not session.exited:
        record = loop.step()

A step is one frame. The wearer's body is posed for the moment the frame will be seen, once for both eyes; the eyes
are located last, when everything that does not depend on them is done, and what is submitted is exactly the poses and
fields of view that were drawn. A frame that took too long is submitted all the same: the runtime reprojects it from
its own pose to the present one, and `Pacing` draws the next ones with less.

Nothing else belongs on this thread: no files, no printing, no waiting for other processes. Python's garbage collector
waits until a frame has been handed over; a process that runs the loop should freeze its heap (gc.freeze), or else a
full collection takes longer than a frame.
"""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float, UInt8

from inperson.avatar.gaussians import PosedGaussians
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.state import BodyState
from inperson.render.frame_times import FrameRecord
from inperson.render.gpu_timer import GpuTimer
from inperson.render.pacing import Pacing, Rung
from inperson.render.scene.painter import ScenePainter
from inperson.render.views import EyeView
from inperson.render.xr.buttons import InputEvent
from inperson.render.xr.events import VisibilityMaskChanged
from inperson.render.xr.frames import FrameTiming, Submission
from inperson.render.xr.session import XrSession
from inperson.render.xr.swapchains import EyeTarget

NEAR, FAR = 0.05, 50.0
"""Planes of the projection, metres: nearer than a hand before the eyes, farther than the room."""
IDLE_S = 0.01
"""Sleep between looks for news from a runtime that wants no frames."""


class Poser(Protocol):
    """One level of detail of the avatar (`inperson.avatar.posing.AvatarPoser`)."""

    def pose(self, state: BodyState) -> PosedGaussians:
        """The Gaussians of the avatar in this state."""
        ...


class WearerInput(Protocol):
    """What the wearer does (`inperson.render.xr.input.HeadsetInput`)."""

    def read(self, timing: FrameTiming) -> tuple[HeadsetPose, tuple[InputEvent, ...]]:
        """Everything located for a frame's display time, and what was asked for since the last frame."""
        ...


@dataclass(frozen=True, slots=True)
class ShadingTimes:
    """What the video shader took of one frame's drawing, milliseconds."""

    conditions_ms: float
    shade_ms: float


class Shading(Protocol):
    """The video shader, which refines what the painter's pictures show. It must know more than the Gaussians."""

    def begin(self, rung: Rung, state: BodyState, time_ns: int) -> None:
        """The next drawing shows the avatar's `rung.level` in this state at this time."""
        ...

    def take_times(self) -> ShadingTimes | None:
        """Of the newest drawing, once; None where it was not shaded."""
        ...


PoseAt = Callable[[HeadsetPose], BodyState | None]
"""The wearer's body at the pose's own time, in the play space; None while there is nobody to show yet."""


@dataclass(frozen=True, slots=True)
class DrawnFrame:
    """A frame that is drawn but not yet submitted, for tests and pictures. Valid during the call alone."""

    timing: FrameTiming
    headset: HeadsetPose
    state: BodyState | None
    views: tuple[EyeView, EyeView]
    """What was drawn, left and right."""
    submission: Submission
    """What will be submitted."""
    rung: Rung
    targets: tuple[EyeTarget, EyeTarget]

    def read_pictures(self) -> UInt8[np.ndarray, "2 H W 4"]:
        """Both eyes' pictures as they are submitted: sRGB-encoded RGBA, rows from the top."""
        return self._read(4, "f1", np.uint8, attachment=0)

    def read_depth(self) -> Float[np.ndarray, "2 H W"]:
        """Both eyes' window depth, 0 near to 1 far, rows from the top."""
        return self._read(1, "f4", np.float32, attachment=-1)[..., 0]

    def _read(self, components: int, dtype: str, kind: type[np.generic], attachment: int) -> np.ndarray:
        width, height = self.submission.width, self.submission.height
        read = [
            target.framebuffer.read(
                (0, 0, width, height), components, attachment=attachment, alignment=1, dtype=dtype
            )
            for target in self.targets
        ]
        eyes = [np.frombuffer(data, kind).reshape(height, width, components)[::-1] for data in read]
        return np.stack(eyes)


Witness = Callable[[DrawnFrame], None]


class HeadsetLoop:
    """The frames of one session; made anew with each, while the painter, the posers and the pacing stay.

    Args:
        session: whose graphics' context the painter draws with.
        headset_input: of the session.
        painter: draws the scene.
        posers: the avatar's levels of detail, the finest first; at least as many as the pacing's ladder has.
        pose_at: asked once a frame.
        pacing: chooses resolution and level, and the shader's size.
        gpu_timer: of the same context.
        shading: refines what is drawn.
        on_input: told of what the wearer asked for with buttons, after it is done: a recentring, a way out.
        witness: sees every drawn frame before it is submitted.
    """

    def __init__(
        self,
        session: XrSession,
        headset_input: WearerInput,
        painter: ScenePainter,
        posers: Sequence[Poser],
        pose_at: PoseAt,
        pacing: Pacing,
        gpu_timer: GpuTimer,
        *,
        shading: Shading | None = None,
        on_input: Callable[[InputEvent], None] | None = None,
        witness: Witness | None = None,
    ) -> None:
        self.posers = tuple(posers)
        """May be replaced between frames by as many others."""
        self.pacing = pacing
        """May be replaced between frames."""
        self._session, self._input, self._painter = session, headset_input, painter
        self._pose_at, self._gpu, self._shading = pose_at, gpu_timer, shading
        self._on_input, self._witness = on_input, witness
        self._shown_ns: int | None = None
        self._mask()

    def step(self) -> FrameRecord | None:
        """One frame; or a short sleep, and None, while the runtime wants none.

        Raises:
            RuntimeLost: the runtime or the session went away: close both and connect again.
        """
        if any(isinstance(event, VisibilityMaskChanged) for event in self._session.poll()):
            self._mask()
        if not self._session.running:
            self._shown_ns = None
            time.sleep(IDLE_S)
            return None
        with _no_collection():
            return self._frame()

    def _frame(self) -> FrameRecord:
        """From the wait to the submission."""
        laps = _Laps()
        timing = self._session.wait_frame()
        laps.end("wait")
        self._session.begin_frame()
        rung = self.pacing.rung
        submission = self._draw(timing, rung, laps) if timing.should_render else None
        self._session.end_frame(timing, submission)
        laps.end("submit")
        shading = self._shading.take_times() if self._shading is not None else None
        record = FrameRecord(
            display_time_ns=timing.display_time_ns,
            wait_ms=laps.ms["wait"],
            input_ms=laps.ms["input"],
            pose_ms=laps.ms["pose"],
            draw_ms=laps.ms["draw"] - (shading.conditions_ms + shading.shade_ms if shading is not None else 0.0),
            submit_ms=laps.ms["submit"],
            lead_ms=(timing.display_time_ns - laps.located_ns) / 1e6,
            missed=self._missed_before(timing),
            scale=rung.scale,
            level=rung.level,
            rendered=submission is not None,
            gpu_ms=self._gpu.newest_ms,
            conditions_ms=shading.conditions_ms if shading is not None else None,
            shade_ms=shading.shade_ms if shading is not None else None,
        )
        if record.rendered:
            self.pacing.add(record.cost_ms, record.missed, self._session.nominal_period_ns / 1e6)
        return record

    def _draw(self, timing: FrameTiming, rung: Rung, laps: "_Laps") -> Submission | None:
        """Draw one frame into the session's pictures; None while the runtime does not know where the eyes are."""
        headset, asked = self._input.read(timing)
        self._react(asked)
        state = self._pose_at(headset)
        laps.end("input")
        if state is not None and self._shading is not None:
            self._shading.begin(rung, state, timing.display_time_ns)
        prepared = self._painter.prepare(None if state is None else self.posers[rung.level].pose(state))
        laps.end("pose")
        swapchains = self._session.swapchains
        targets = swapchains.acquire()
        try:
            laps.locate()
            poses = self._session.locate_views(timing)
            if poses is None:
                return None
            size = _drawn_size(swapchains.width, swapchains.height, rung.scale)
            views = poses.views(*size, NEAR, FAR)
            with self._gpu.measure():
                self._painter.draw(prepared, views, [target.framebuffer for target in targets])
            laps.end("draw")
            submission = Submission(poses, *size, NEAR, FAR)
            if self._witness is not None:
                self._witness(DrawnFrame(timing, headset, state, views, submission, rung, targets))
                laps.skip()
            return submission
        finally:
            swapchains.release()

    def _react(self, asked: tuple[InputEvent, ...]) -> None:
        for event in asked:
            match event:
                case InputEvent.RECENTER:
                    self._session.recenter()
                case InputEvent.QUIT:
                    self._session.request_exit()
            if self._on_input is not None:
                self._on_input(event)

    def _mask(self) -> None:
        """Tell the painter what the lenses never show."""
        areas = [area if len(area.triangles) else None for area in self._session.hidden_areas]
        self._painter.set_hidden_areas(areas)

    def _missed_before(self, timing: FrameTiming) -> int:
        """Refreshes since the last frame's without one, counted in nominal periods: the runtime's own prediction of
        the period grows when frames are late, and would hide them."""
        shown_ns, self._shown_ns = self._shown_ns, timing.display_time_ns
        if shown_ns is None:
            return 0
        return max(round((timing.display_time_ns - shown_ns) / self._session.nominal_period_ns) - 1, 0)


@contextmanager
def _no_collection() -> Iterator[None]:
    """What becomes due meanwhile is collected right afterwards."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Laps:
    """Milliseconds of a frame's stages, each from the end of the one before."""

    def __init__(self) -> None:
        self.ms = dict.fromkeys(("wait", "input", "pose", "draw", "submit"), 0.0)
        self.located_ns = time.monotonic_ns()
        self._from_ns = time.perf_counter_ns()

    def end(self, stage: str) -> None:
        now = time.perf_counter_ns()
        self.ms[stage] = (now - self._from_ns) / 1e6
        self._from_ns = now

    def skip(self) -> None:
        """Leave out what went on since the last end."""
        self._from_ns = time.perf_counter_ns()

    def locate(self) -> None:
        """The eyes are located now."""
        self.located_ns = time.monotonic_ns()


def _drawn_size(width: int, height: int, scale: float) -> tuple[int, int]:
    """Whole pixels, never none."""
    return max(round(scale * width), 1), max(round(scale * height), 1)
