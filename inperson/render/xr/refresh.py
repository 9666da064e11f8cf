"""`RefreshRate`: the display's rate, chosen where the runtime lets us (XR_FB_display_refresh_rate)."""

import xr

from inperson.render.xr import extensions

SETTLING_FRAMES = 10
"""A runtime's first predictions are guesses: Monado's say 16 ms for three frames, whatever the display."""


def choose_rate(offered: tuple[float, ...], limit: float) -> float:
    """The highest of the offered rates up to `limit`, or the lowest one if all are higher; hertz.

    Raises:
        ValueError: nothing is offered.
    """
    return max((rate for rate in offered if rate <= limit), default=min(offered))


class RefreshRate:
    """The nominal rate that missed frames are counted against.

    A runtime that lets nobody choose does not name its rate either: then it is the shortest period it has predicted
    since it settled, because predictions only ever grow under load.

    Args:
        session: a new one.
        enabled: the instance's extensions.
        limit: the highest rate to ask for, hertz.
    """

    def __init__(self, session: xr.Session, enabled: frozenset[str], limit: float) -> None:
        self.offered: tuple[float, ...] = ()
        self._named: float | None = None
        self._predictions = 0
        self._shortest_ns: int | None = None
        if extensions.REFRESH_RATE in enabled:
            self.offered = tuple(sorted(xr.enumerate_display_refresh_rates_fb(session)))
        if self.offered:
            self._named = xr.get_display_refresh_rate_fb(session).value
            wanted = choose_rate(self.offered, limit)
            if wanted != self._named:
                xr.request_display_refresh_rate_fb(session, wanted)

    def changed(self, rate: float) -> None:
        """The runtime reports a new rate, hertz."""
        self._named = rate

    def predicted(self, period_ns: int) -> None:
        """A frame's predicted period; 0 where the runtime does not know."""
        if period_ns > 0:
            self._predictions += 1
            if self._shortest_ns is None or self._predictions <= SETTLING_FRAMES:
                self._shortest_ns = period_ns
            else:
                self._shortest_ns = min(period_ns, self._shortest_ns)

    @property
    def period_ns(self) -> int:
        """Between two displays at the nominal rate.

        Raises:
            ValueError: nothing is known yet: no frame was waited for.
        """
        if self._named:
            return round(1e9 / self._named)
        if self._shortest_ns is None:
            raise ValueError("the display's rate is known from the first frame on")
        return self._shortest_ns
