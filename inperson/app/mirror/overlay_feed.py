"""The figures in the window's overlay: those of the last seconds, renewed a few times a second."""

import time
from collections import deque
from collections.abc import Mapping

import numpy as np

from inperson.app.headset.status import HeadsetStatus
from inperson.app.motion.tracked import STAGES, Tracked
from inperson.app.timing import StageTimes
from inperson.avatar.state import PARTS
from inperson.render.overlay import CameraPicture, HeadsetLines, Overlay, StageLine

WINDOW = 120
"""Samples behind every figure: two to four seconds."""
RENEW_S = 0.25
ABSENT_BELOW = 0.1
"""Confidence in the body under which nobody is said to be in view."""


class OverlayFeed:
    """Words what both clocks do as an `Overlay`.

    Args:
        source: what the source calls itself.
        times: where the display clock notes its stages.
    """

    def __init__(self, source: str, times: StageTimes) -> None:
        self._source, self._times = source, times
        self._tracking_times = StageTimes()
        self._ages_ns: deque[int] = deque(maxlen=WINDOW)
        self._tracked_at: deque[float] = deque(maxlen=WINDOW)
        self._shown_at: deque[float] = deque(maxlen=WINDOW)
        self._renewed = -RENEW_S
        self._lines: tuple[StageLine, ...] = ()
        self._age_ms = self._tracking_fps = self._display_fps = 0.0

    def tracked(self, tracked: Tracked) -> None:
        """A new state arrived."""
        self._tracked_at.append(time.monotonic())
        for stage, duration in zip(STAGES, tracked.stage_ns, strict=True):
            self._tracking_times.add(stage, int(duration))

    def shown(self, age_ns: int | None) -> None:
        """A picture was presented, this long after the capture of what it is based on, if that was captured."""
        self._shown_at.append(time.monotonic())
        if age_ns is not None:
            self._ages_ns.append(age_ns)

    def overlay(
        self,
        newest: Tracked | None,
        avatar: str,
        headset: HeadsetStatus | None,
        *,
        reflected: bool,
        shader: str,
    ) -> Overlay:
        """What to draw now.

        Args:
            newest: the newest tracked frame; None when nothing is tracked.
            avatar: who is shown.
            headset: how the headset is doing, if there is one.
            reflected: whether the picture is a mirror's.
            shader: how the mirror's shader stands; empty where there is none. A headset's own goes before it.
        """
        if time.monotonic() - self._renewed > RENEW_S:
            self._renew()
        camera = None
        confidence: dict[str, float] = {}
        if newest is not None:
            camera = CameraPicture(newest.preview, newest.marks)
            confidence = dict(zip(PARTS, (float(c) for c in newest.state.confidence), strict=True))
        return Overlay(
            source=self._source,
            avatar=avatar,
            stages=self._lines,
            age_ms=self._age_ms,
            tracking_fps=self._tracking_fps,
            display_fps=self._display_fps,
            dropped=newest.dropped if newest is not None else 0,
            confidence=confidence,
            camera=camera,
            headset=None if headset is None else headset_lines(headset),
            reflected=reflected,
            shader=(headset.shader if headset is not None else "") or shader,
            notice=_notice(confidence, headset),
        )

    def _renew(self) -> None:
        self._renewed = time.monotonic()
        rows = self._tracking_times.table(newest=WINDOW) | self._times.table(newest=WINDOW)
        self._lines = tuple(StageLine(stage, row["median_ms"], row["p95_ms"]) for stage, row in rows.items())
        self._age_ms = float(np.median(self._ages_ns)) / 1e6 if self._ages_ns else 0.0
        self._tracking_fps, self._display_fps = _per_second(self._tracked_at), _per_second(self._shown_at)


def headset_lines(status: HeadsetStatus) -> HeadsetLines:
    """A headset's status as the overlay shows it."""
    figures = status.frames
    name = status.runtime or "no runtime yet"
    if figures is None:
        return HeadsetLines(f"{name}: {status.state}", "", ())
    summary = (
        f"{figures.fps:.1f} of {figures.nominal_fps:.0f} fps, {figures.missed} missed, "
        f"scale {status.scale:.2f}, level {status.level}"
    )
    lines = tuple(StageLine(stage, row.p50, row.p95, row.p99) for stage, row in figures.stages.items())
    return HeadsetLines(f"{name}: {status.state}", summary, lines)


def _notice(confidence: Mapping[str, float], headset: HeadsetStatus | None) -> str:
    if headset is not None and headset.notice:
        return f"headset: {headset.notice}"
    return "nobody is in view" if confidence.get("body", 1.0) < ABSENT_BELOW else ""


def _per_second(at: deque[float]) -> float:
    return (len(at) - 1) / (at[-1] - at[0]) if len(at) > 1 and at[-1] > at[0] else 0.0
