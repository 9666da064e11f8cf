"""Where a session's body states come from: a tracked camera or clip, or a motion file. Always as of some moment."""

import time
from collections.abc import Callable
from typing import Protocol

from inperson.app.motion.played import PlayedMotion
from inperson.app.motion.tracked import Tracked
from inperson.app.motion.tracking_process import Ready, TrackingProcess, TrackingSummary
from inperson.avatar.state import PARTS, BodyState
from inperson.tracking.extrapolate import Predictor

BODY = PARTS.index("body")


class PredictedStates:
    """The newest tracked state, carried forward.

    Args:
        newest: gives a tracked frame that it did not give before, if there is one.
    """

    def __init__(self, newest: Callable[[], Tracked | None]) -> None:
        self._newest = newest
        self._predictor = Predictor()
        self.based_on: Tracked | None = None
        """The frame behind the states; None until somebody was in view."""

    def take(self) -> Tracked | None:
        """Look for a new frame and return it."""
        tracked = self._newest()
        if tracked is not None and (self.based_on is not None or tracked.state.confidence[BODY] > 0):
            self._predictor.add(tracked.state)
            self.based_on = tracked
        return tracked

    def state_at(self, time_ns: int) -> BodyState | None:
        """The state at a moment (monotonic nanoseconds); None until somebody was in view."""
        return None if self.based_on is None else self._predictor.at(time_ns)


class LiveStates(Protocol):
    """A source of states with a beginning and, perhaps, an end."""

    source: str
    """What it calls itself."""
    seconds: float | None
    """How long it will last; None where nobody knows."""
    fps: float
    """States a second, nominal; 0 where they are made when they are asked for."""
    based_on: Tracked | None
    """The tracked frame behind the states, if there is one."""

    def go(self) -> None:
        """Begin."""
        ...

    def take(self) -> Tracked | None:
        """A tracked frame that was not taken yet, if there is one; from then on the states are based on it."""
        ...

    def state_at(self, time_ns: int) -> BodyState | None:
        """The state at a moment (monotonic nanoseconds); None while there is nobody."""
        ...

    def ended(self) -> bool:
        """Whether nothing more will come."""
        ...

    def stop(self) -> TrackingSummary | None:
        """End it; what tracking did, if there was any."""
        ...


class TrackedStates(PredictedStates):
    """States of a tracking process that is ready.

    Args:
        tracking: stays the caller's to close.
        ready: what it said when it was.
    """

    def __init__(self, tracking: TrackingProcess, ready: Ready) -> None:
        super().__init__(tracking.newest)
        self._tracking = tracking
        self.source, self.seconds, self.fps = ready.source, ready.clip_seconds, ready.fps

    def go(self) -> None:
        """Let the source run."""
        self._tracking.go()

    def ended(self) -> bool:
        """Whether the source has ended. Raises the `InPersonError` that tracking failed with."""
        return self._tracking.ended()

    def stop(self) -> TrackingSummary:
        """End tracking."""
        return self._tracking.stop()


class PlayedStates:
    """States of a motion file, from `go` on.

    Args:
        played: the motion on the avatar's body.
        source: what it calls itself.
        repeat: plays again when it ends.
    """

    def __init__(self, played: PlayedMotion, source: str, *, repeat: bool) -> None:
        self._played, self.source, self._repeat = played, source, repeat
        self.seconds = None if repeat else played.seconds
        self.fps = 0.0
        self.based_on: Tracked | None = None
        self.start_ns = time.monotonic_ns()
        """When the first frame was, monotonic."""

    def go(self) -> None:
        """Begin to play."""
        self.start_ns = time.monotonic_ns()

    def take(self) -> None:
        """Nothing is tracked."""

    def state_at(self, time_ns: int) -> BodyState:
        """The state at a moment, between frames where it falls between them."""
        return self._played.state_at((time_ns - self.start_ns) / 1e9, time_ns)

    def ended(self) -> bool:
        """Whether it was played to its end."""
        return not self._repeat and time.monotonic_ns() - self.start_ns >= self._played.seconds * 1e9

    def stop(self) -> None:
        """Nothing was tracked."""
