"""`XrClock`: XrTime, whose epoch is the runtime's own, on the monotonic clock that everything else here uses."""

import ctypes
import sys
import time
from dataclasses import dataclass

import xr

from inperson.render.xr.loss import noticing_loss


@dataclass(frozen=True, slots=True)
class XrClock:
    """Both clocks count the same nanoseconds; only their zeros differ, by an amount that is asked for once."""

    offset_ns: int
    """Monotonic nanoseconds minus XrTime."""

    @classmethod
    def of(cls, instance: xr.Instance) -> "XrClock":
        """The instance's clock, by XR_KHR_convert_timespec_time or its Windows counterpart.

        Raises:
            RuntimeLost: the runtime went away.
        """
        with noticing_loss():
            if sys.platform == "win32":
                monotonic_ns, xr_time = _sample_performance_counter(instance)
            else:
                monotonic_ns, xr_time = _sample_timespec(instance)
        return cls(monotonic_ns - xr_time)

    def monotonic_ns(self, xr_time: int) -> int:
        """The instant of an XrTime."""
        return xr_time + self.offset_ns

    def xr_time(self, monotonic_ns: int) -> int:
        """The XrTime of an instant."""
        return monotonic_ns - self.offset_ns


def _sample_timespec(instance: xr.Instance) -> tuple[int, int]:
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)  # the clock that the extension means, and time.monotonic_ns
    seconds, nanoseconds = divmod(now, 1_000_000_000)
    xr_time = xr.convert_timespec_time_to_time_khr(instance, xr.timespec(seconds, nanoseconds))
    return now, xr_time.value


def _sample_performance_counter(instance: xr.Instance) -> tuple[int, int]:
    counter = ctypes.c_longlong()
    # time.monotonic_ns ticks every 16 ms there: only right after a tick do the two clocks show the same instant.
    before = time.monotonic_ns()
    while (now := time.monotonic_ns()) == before:
        pass
    ctypes.windll.kernel32.QueryPerformanceCounter(ctypes.byref(counter))  # type: ignore[attr-defined]
    xr_time = xr.convert_win32_performance_counter_to_time_khr(instance, counter)
    return now, xr_time.value
