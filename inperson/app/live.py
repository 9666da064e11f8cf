"""The live session: two clocks, one mailbox.

The tracking clock (`tracking_process`) turns camera frames into body states at the camera's rate. The display
clock, here, takes the newest state, carries it forward to the moment of display, poses the avatar, draws it, and
presents or encodes the picture. Neither waits for the other. A clip is played at its own pace, with a window or
without, so the figures of a session are those of a camera.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from inperson.app.display_clock import DisplayClock
from inperson.app.mirror_view import MirrorView
from inperson.app.outputs import FrameWriter
from inperson.app.overlay_feed import OverlayFeed
from inperson.app.timing import Rate, StageRow, StageTimes
from inperson.app.tracked import Tracked
from inperson.app.tracking_process import TrackingProcess, TrackingSummary
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.state import PARTS
from inperson.errors import BadInputError
from inperson.render.overlay import Overlay
from inperson.render.window import Action, MirrorWindow
from inperson.tracking.extrapolate import predict

BODY = PARTS.index("body")


@dataclass(frozen=True, slots=True)
class Performer:
    """An avatar and the body it was made for."""

    avatar: GaussianAvatar
    body: BodyModel


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """What a session measured."""

    tracking: TrackingSummary
    stages: dict[str, StageRow]
    """Of the display clock: pose, draw, present, encode."""
    display: Rate
    ages_ns: tuple[int, ...]
    """Of every picture: from the capture of the frame it is based on to its presentation."""
    interrupted: bool
    """Whether Ctrl-C ended it; what was written is complete all the same."""


class LiveSession:
    """The display clock of one session.

    Args:
        view: draws the mirror, with the first of `cast` in it.
        cast: names or files of the avatars that the hot key goes through.
        load: finds one of them.
        tracking: a tracking process that is ready.
        source: what the source calls itself.
        window, writer: where pictures go; either may be None.
        rate: pictures a second.
        seconds: when to stop; None until the source ends or somebody quits.
        on_progress: told the seconds shown so far, after each picture.
    """

    def __init__(
        self,
        view: MirrorView,
        cast: Sequence[str],
        load: Callable[[str], Performer],
        tracking: TrackingProcess,
        source: str,
        *,
        window: MirrorWindow | None,
        writer: FrameWriter | None,
        rate: float,
        seconds: float | None = None,
        on_progress: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._view, self._cast, self._load = view, cast, load
        self._tracking, self._source = tracking, source
        self._window, self._writer = window, writer
        self._rate, self._seconds, self._on_progress = rate, seconds, on_progress
        self._times = StageTimes()
        self._feed = OverlayFeed(source, self._times)
        self._previous: Tracked | None = None
        self._newest: Tracked | None = None
        self._shown_ns: list[int] = []
        self._ages_ns: list[int] = []
        self._first_tick_ns = 0
        self._on_stage = 0
        self._overlay_on = True
        self._quit = False

    def run(self) -> SessionFigures:
        """Run both clocks to the end.

        Raises:
            InPersonError: tracking failed or died, or pictures could not be written.
            BadInputError: nobody was ever in view.
        """
        interrupted = False
        self._tracking.go()
        clock = DisplayClock(self._rate)
        try:
            while not self._over():
                self._tick(clock.wait())
        except KeyboardInterrupt:
            interrupted = True
        summary = self._tracking.stop()
        if not summary.seen:
            raise BadInputError(
                f"nobody was in view in {self._source}", "step back until head and shoulders are in the picture"
            )
        seconds = (self._shown_ns[-1] - self._shown_ns[0]) / 1e9 if self._shown_ns else 0.0
        display = Rate(len(self._shown_ns), seconds)
        return SessionFigures(summary, self._times.table(), display, tuple(self._ages_ns), interrupted)

    def _over(self) -> bool:
        in_time = self._seconds is None or self._elapsed() < self._seconds
        return self._quit or not in_time or self._tracking.ended()

    def _elapsed(self) -> float:
        return (time.monotonic_ns() - self._shown_ns[0]) / 1e9 if self._shown_ns else 0.0

    def _tick(self, tick_ns: int) -> None:
        tracked = self._tracking.newest()
        if tracked is not None:
            self._feed.tracked(tracked)
            if self._newest is not None or tracked.state.confidence[BODY] > 0:  # until then the room is empty
                self._previous, self._newest = self._newest or tracked, tracked
        if self._newest is not None and self._previous is not None:
            state = predict(self._previous.state, self._newest.state, time.monotonic_ns())
            self._show(self._view.draw(state, self._times), self._newest, tick_ns)
        elif self._window is not None:
            self._window.show(self._view.draw_nobody())
        if self._window is not None:
            for action in self._window.take_actions():
                self._act(action)

    def _show(self, picture: UInt8[np.ndarray, "H W 3"], based_on: Tracked, tick_ns: int) -> None:
        if self._window is not None:
            with self._times.measure("present"):
                self._window.show(picture, self._overlay(based_on))
        if self._writer is not None:
            with self._times.measure("encode"):
                self._first_tick_ns = self._first_tick_ns or tick_ns
                self._writer.write(picture, (tick_ns - self._first_tick_ns) / 1e9)
        now = time.monotonic_ns()
        self._shown_ns.append(now)
        self._ages_ns.append(now - based_on.state.time_ns)
        self._feed.shown(self._ages_ns[-1])
        self._on_progress(self._elapsed())

    def _overlay(self, based_on: Tracked) -> Overlay | None:
        if not self._overlay_on:
            return None
        return self._feed.overlay(based_on, self._view.avatar_name, reflected=self._view.reflect)

    def _act(self, action: Action) -> None:
        match action:
            case Action.RECENTER:
                self._view.recenter()
            case Action.OVERLAY:
                self._overlay_on = not self._overlay_on
            case Action.REFLECT:
                self._view.reflect = not self._view.reflect
            case Action.NEXT_AVATAR:
                self._on_stage = (self._on_stage + 1) % len(self._cast)
                performer = self._load(self._cast[self._on_stage])
                self._view.change_avatar(performer.avatar, performer.body)
            case Action.QUIT:
                self._quit = True
