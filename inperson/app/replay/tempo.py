"""`Tempo`: which moment of a recording is shown at which moment now. A value that processes and threads can share."""

from dataclasses import dataclass, replace
from typing import Any

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""What the keys go through; anything between the first and the last may be asked for."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is played, from the first moment to the last, both included; monotonic nanoseconds of the recording."""

    begin_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        """How long it takes at the speed it was recorded at."""
        return (self.end_ns - self.begin_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Tempo:
    """Recorded time as a function of the time now, both monotonic nanoseconds, each of its own session.

    What the user asks for makes another `Tempo`, which goes on from where this one is.
    """

    stretch: Stretch
    position_ns: int
    """Shown at `at_ns`."""
    at_ns: int
    speed: float = 1.0
    """Recorded seconds a second."""
    playing: bool = True
    loop: bool = False

    def position_at(self, now_ns: int) -> int:
        """The recorded moment that is shown now: the last one from the end on, unless it plays in a loop."""
        begin, end = self.stretch.begin_ns, self.stretch.end_ns
        position = self.position_ns
        if self.playing:
            position += round((now_ns - self.at_ns) * self.speed)
        if self.loop and position >= end:
            return begin + (position - begin) % max(end - begin, 1)
        return min(max(position, begin), end)

    def runs(self, now_ns: int) -> bool:
        """Whether time passes in the recording: it is played, and not at its end."""
        return self.playing and (self.loop or self.position_at(now_ns) < self.stretch.end_ns)

    def sought(self, position_ns: int, now_ns: int) -> "Tempo":
        """From another moment on; one outside is the nearest one inside."""
        inside = min(max(position_ns, self.stretch.begin_ns), self.stretch.end_ns)
        return replace(self, position_ns=inside, at_ns=now_ns)

    def paused(self, now_ns: int) -> "Tempo":
        """Held where it is."""
        return self._now(now_ns, playing=False)

    def toggled(self, now_ns: int) -> "Tempo":
        """Held if it runs; on again if it was held, from the beginning if it was at the end."""
        if self.runs(now_ns):
            return self.paused(now_ns)
        at_end = self.position_at(now_ns) >= self.stretch.end_ns
        here = self.sought(self.stretch.begin_ns, now_ns) if at_end else self._now(now_ns)
        return replace(here, playing=True)

    def at_speed(self, speed: float, now_ns: int) -> "Tempo":
        """As fast as this from now on."""
        return self._now(now_ns, speed=speed)

    def looped(self, loop: bool, now_ns: int) -> "Tempo":
        """Again from the beginning after the end, or not."""
        return self._now(now_ns, loop=loop)

    def _now(self, now_ns: int, **changes: Any) -> "Tempo":
        return replace(self, position_ns=self.position_at(now_ns), at_ns=now_ns, **changes)


def faster(speed: float) -> float:
    """The next of `SPEEDS` above."""
    return next((each for each in SPEEDS if each > speed), SPEEDS[-1])


def slower(speed: float) -> float:
    """The next of `SPEEDS` below."""
    return next((each for each in reversed(SPEEDS) if each < speed), SPEEDS[0])
