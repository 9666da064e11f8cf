"""The figures in the window's overlay: those of the last seconds, renewed a few times a second."""

import time
from collections import deque

import numpy as np

from inperson.app.timing import StageTimes
from inperson.app.tracked import STAGES, Tracked
from inperson.avatar.state import PARTS
from inperson.render.overlay import Overlay, StageLine

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

    def shown(self, age_ns: int) -> None:
        """A picture was presented, this long after the capture of what it is based on."""
        self._shown_at.append(time.monotonic())
        self._ages_ns.append(age_ns)

    def overlay(self, newest: Tracked, avatar: str, *, reflected: bool) -> Overlay:
        """What to draw now."""
        if time.monotonic() - self._renewed > RENEW_S:
            self._renew()
        confidence = dict(zip(PARTS, (float(c) for c in newest.state.confidence), strict=True))
        return Overlay(
            source=self._source,
            avatar=avatar,
            stages=self._lines,
            age_ms=self._age_ms,
            tracking_fps=self._tracking_fps,
            display_fps=self._display_fps,
            dropped=newest.dropped,
            confidence=confidence,
            preview=newest.preview,
            marks=newest.marks,
            reflected=reflected,
            notice="" if confidence["body"] >= ABSENT_BELOW else "nobody is in view",
        )

    def _renew(self) -> None:
        self._renewed = time.monotonic()
        rows = self._tracking_times.table(newest=WINDOW) | self._times.table(newest=WINDOW)
        self._lines = tuple(StageLine(stage, row["median_ms"], row["p95_ms"]) for stage, row in rows.items())
        self._age_ms = float(np.median(self._ages_ns)) / 1e6 if self._ages_ns else 0.0
        self._tracking_fps, self._display_fps = _per_second(self._tracked_at), _per_second(self._shown_at)


def _per_second(at: deque[float]) -> float:
    return (len(at) - 1) / (at[-1] - at[0]) if len(at) > 1 and at[-1] > at[0] else 0.0
