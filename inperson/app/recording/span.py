"""A stretch of a session, as `--from` and `--to` name it: for `inperson replay` and `inperson export`."""

import math
import re
from dataclasses import dataclass, replace

import numpy as np

from inperson.errors import BadInputError
from inperson.tracking.motion_file import MotionClip

_TIME = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,5}):)?(\d{1,9}(?:\.\d{1,9})?)", re.ASCII)
_MEND = "give seconds from the start of the session (83.5), mm:ss.s (1:23.5) or hh:mm:ss.s"


def seconds_of(option: str, text: str) -> float:
    """A moment of a session, seconds from its start.

    Args:
        option: whose value it is, for the error: `--from`.
        text: seconds, mm:ss.s or hh:mm:ss.s.

    Raises:
        BadInputError: neither of them.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise BadInputError(f"{option} {text!r} is not a time", _MEND)
    hours, minutes, seconds = match.groups()
    if (minutes is not None and float(seconds) >= 60.0) or (hours is not None and int(minutes) >= 60):
        raise BadInputError(f"{option} {text!r} has more than 59 minutes or seconds", _MEND)
    return 3600.0 * int(hours or 0) + 60.0 * int(minutes or 0) + float(seconds)


@dataclass(frozen=True, slots=True)
class Span:
    """From one moment to another, seconds from the start: of the earliest record (`SessionReader.begin_ns`)."""

    begin_s: float = 0.0
    end_s: float = math.inf
    """The moment after the last."""

    @staticmethod
    def of(begin: str | None, end: str | None) -> "Span":
        """What `--from` and `--to` say; None for the session's own start or end.

        Raises:
            BadInputError: not times, or nothing lies between them.
        """
        span = Span(
            0.0 if begin is None else seconds_of("--from", begin),
            math.inf if end is None else seconds_of("--to", end),
        )
        if span.end_s <= span.begin_s:
            raise BadInputError(f"--from {begin or 0} --to {end} leaves nothing", "let --to be after --from")
        return span

    @property
    def whole(self) -> bool:
        """Whether it is everything there is."""
        return self.begin_s <= 0.0 and math.isinf(self.end_s)

    def limits_ns(self, start_ns: int) -> tuple[int | None, int | None]:
        """First moment and the moment after the last, monotonic nanoseconds; None where it is open. What
        `SessionReader.records` takes.

        Args:
            start_ns: the session's start.
        """
        begin = None if self.begin_s <= 0.0 else start_ns + round(self.begin_s * 1e9)
        return begin, None if math.isinf(self.end_s) else start_ns + round(self.end_s * 1e9)

    def cut(self, motion: MotionClip, start_ns: int) -> MotionClip:
        """The frames of a motion that lie within, with the times they had.

        Args:
            start_ns: the session's start.

        Raises:
            BadInputError: there are none.
        """
        if self.whole:
            return motion
        begin_ns, end_ns = self.limits_ns(start_ns)
        times = motion.times_ns
        first = 0 if begin_ns is None else int(np.searchsorted(times, begin_ns))
        last = len(times) if end_ns is None else int(np.searchsorted(times, end_ns))
        if first >= last:
            own = (float(times[0] - start_ns) / 1e9, float(times[-1] - start_ns) / 1e9)
            raise BadInputError(
                "there is no motion between --from and --to", f"choose from {own[0]:.3f} to {own[1]:.3f} seconds"
            )
        kept = slice(first, last)
        return replace(
            motion,
            poses=motion.poses[kept],
            trans=motion.trans[kept],
            times_ns=times[kept],
            expression=motion.expression[kept],
            confidence=motion.confidence[kept],
            source=motion.source[kept],
            residuals=motion.residuals[kept],
        )
