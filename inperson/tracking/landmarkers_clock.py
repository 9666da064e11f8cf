"""A frame clock that never runs backwards."""

_NOMINAL_STEP_MS = 33
_LONGEST_STEP_MS = 1000


class FrameClock:
    """Follows the frames' own clock in whole milliseconds, as MediaPipe's tasks do.

    Where that jumps (a clip begins again, a camera was away) it goes on with one ordinary or at most one long step.
    It never shows 0, which the tasks' filters take for no time at all.
    """

    def __init__(self) -> None:
        self._frame_ns: int | None = None
        self._ms = 1

    def stamp_ms(self, time_ns: int) -> int:
        """The time for a frame of that time, milliseconds; later than every one before."""
        if self._frame_ns is not None:
            self._ms += _step_ms(time_ns - self._frame_ns)
        self._frame_ns = time_ns
        return self._ms

    def step_s(self, time_ns: int) -> float:
        """Seconds from the last frame to the one of that time, more than 0; 0 for the very first."""
        before = self._ms
        return (self.stamp_ms(time_ns) - before) * 1e-3


def _step_ms(elapsed_ns: int) -> int:
    return min(elapsed_ns // 1_000_000, _LONGEST_STEP_MS) if elapsed_ns >= 1_000_000 else _NOMINAL_STEP_MS
