"""The display clock: ticks at a steady rate, and never hurries after ticks that were missed."""

import time


class DisplayClock:
    """Waits for the next tick of a steady rate (ticks a second)."""

    def __init__(self, rate: float) -> None:
        self._period_ns = round(1e9 / rate)
        self._due_ns = time.monotonic_ns()

    def wait(self) -> int:
        """Sleep until the next tick and return its time (monotonic nanoseconds).

        A tick whose time has passed comes at once, and the next one a full period later.
        """
        now = time.monotonic_ns()
        self._due_ns = max(self._due_ns + self._period_ns, now)
        time.sleep((self._due_ns - now) / 1e9)
        return self._due_ns
