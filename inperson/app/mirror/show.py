"""The mirror of a session: states in, pictures to a window and a file, hot keys out, and what it all took."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import UInt8

from inperson.app.cast import Performer
from inperson.app.headset.status import HeadsetStatus
from inperson.app.mirror.overlay_feed import OverlayFeed
from inperson.app.mirror.view import MirrorView
from inperson.app.motion.tracked import Tracked
from inperson.app.timing import Rate, StageTimes
from inperson.app.writers import FrameWriter
from inperson.avatar.state import BodyState
from inperson.render.overlay import Overlay
from inperson.render.overlay_recording import RecordingSign
from inperson.render.overlay_timeline import Timeline, TimelineRequest
from inperson.render.window import Action, MirrorWindow


class MirrorShow:
    """Draws, presents, encodes.

    Args:
        view: draws the mirror, with the first of `cast` in it.
        cast: names or files of the avatars that the hot key goes through.
        load: finds one of them.
        source: what moves the avatar calls itself.
        window, writer: where pictures go; either may be None.
        rate: pictures a second that are wanted.
    """

    def __init__(
        self,
        view: MirrorView,
        cast: Sequence[str],
        load: Callable[[str], Performer],
        source: str,
        *,
        window: MirrorWindow | None,
        writer: FrameWriter | None,
        rate: float,
    ) -> None:
        self._view, self._cast, self._load = view, cast, load
        self._window, self._writer, self.rate = window, writer, rate
        self.times = StageTimes()
        """Of `pose`, `conditions`, `shading`, `draw`, `present`, `encode`, as far as they ran."""
        self.feed = OverlayFeed(source, self.times)
        self.ages_ns: list[int] = []
        """Of every picture that is based on a camera frame: from its capture to its presentation."""
        self.shown_ns: list[int] = []
        """When each picture was presented, monotonic."""
        self._first_tick_ns = 0
        self._on_stage = 0
        self._overlay_on = True
        self._worn = False
        self.timeline: Timeline | None = None
        """Where a replay is, to be shown; None in a live session."""

    @property
    def rate_shown(self) -> Rate:
        """Of pictures."""
        seconds = (self.shown_ns[-1] - self.shown_ns[0]) / 1e9 if self.shown_ns else 0.0
        return Rate(len(self.shown_ns), seconds)

    @property
    def seconds(self) -> float:
        """Since the first picture; 0 before it."""
        return (time.monotonic_ns() - self.shown_ns[0]) / 1e9 if self.shown_ns else 0.0

    def show(
        self,
        state: BodyState,
        based_on: Tracked | None,
        tick_ns: int,
        headset: HeadsetStatus | None,
        *,
        worn: bool,
        sign: RecordingSign | None = None,
    ) -> UInt8[np.ndarray, "H W 3"]:
        """One picture, as it was shown.

        Args:
            state: of the avatar.
            based_on: the newest tracked frame, if a camera is behind the state.
            tick_ns: when it was due, monotonic.
            headset: how the headset is doing, if there is one.
            worn: whether the state is the headset's, in its own space.
            sign: of a recording, if there is one: on the window, never in the file.
        """
        if worn != self._worn:  # from one space to the other: find the head anew
            self._worn = worn
            self._view.recenter()
        begin = time.perf_counter_ns()
        picture = self._view.draw(state, self.times)
        drawn = time.perf_counter_ns()
        if self._window is not None:
            with self.times.measure("present"):
                self._window.show(picture, self._overlay(based_on, headset), sign)
        if self._writer is not None:
            with self.times.measure("encode"):
                self._first_tick_ns = self._first_tick_ns or tick_ns
                self._writer.write(picture, (tick_ns - self._first_tick_ns) / 1e9)
        now = time.monotonic_ns()
        self.shown_ns.append(now)
        if self._view.shader is not None:
            self._view.shader.keeping_up.drew((drawn - begin) / 1e6, now)
        if based_on is not None:
            self.ages_ns.append(now - based_on.state.time_ns)
        self.feed.shown(self.ages_ns[-1] if self.ages_ns else None)
        return picture

    def show_nobody(self, sign: RecordingSign | None = None) -> None:
        """The empty room, while nobody was seen."""
        if self._window is not None:
            picture: UInt8[np.ndarray, "H W 3"] = self._view.draw_nobody()
            overlay = self._overlay(None, None) if self.timeline is not None else None
            self._window.show(picture, overlay, sign)

    def take_actions(self) -> list[Action]:
        """Hot keys that were pressed, those of the mirror alone already done."""
        actions = self._window.take_actions() if self._window is not None else []
        for action in actions:
            match action:
                case Action.RECENTER:
                    self._view.recenter()
                case Action.OVERLAY:
                    self._overlay_on = not self._overlay_on
                case Action.REFLECT:
                    self._view.reflect = not self._view.reflect
                case Action.SHADER if self._view.shader is not None:
                    self._view.shader.keeping_up.on = not self._view.shader.keeping_up.on
                case Action.SPLIT if self._view.shader is not None:
                    self._view.shader.split = not self._view.shader.split
        return actions

    def take_timeline_request(self) -> TimelineRequest | None:
        """What the mouse asked the timeline for."""
        return self._window.take_timeline_request() if self._window is not None else None

    def recenter(self) -> None:
        """Put the person's head where heads belong."""
        self._view.recenter()

    def next_avatar(self) -> tuple[str, Performer]:
        """Put the next of the cast in the mirror, and say who it is."""
        self._on_stage = (self._on_stage + 1) % len(self._cast)
        name = self._cast[self._on_stage]
        performer = self._load(name)
        self._view.change_avatar(performer.avatar, performer.body)
        return name, performer

    def _overlay(self, based_on: Tracked | None, headset: HeadsetStatus | None) -> Overlay | None:
        if not self._overlay_on:
            return None
        shader = self._view.shader
        overlay = self.feed.overlay(
            *(based_on, self._view.avatar_name, headset),
            reflected=self._view.reflect,
            shader=shader.keeping_up.line if shader is not None else "",
        )
        return replace(overlay, timeline=self.timeline)
