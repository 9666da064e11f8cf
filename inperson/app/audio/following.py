"""Sound at the pace of a clock that may run slower, faster, or jump, without changing its pitch.

Waveform-similarity overlap-add: Verhelst & Roelands, "An overlap-add technique based on waveform similarity (WSOLA)
for high quality time-scale modification of speech", ICASSP 1993. Here the clock says where each piece should come
from, so that sound that drifts, a pace that changes and a jump are all one thing: a splice.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

HOP = 480
"""Samples between two pieces, 10 ms at 48 kHz; a piece is twice as long and fades in and out."""
SLACK = 240
"""Samples that sound may be off the clock before it is spliced: at most 5 ms early or late."""
SEARCH = 240
"""Samples around where the clock wants to be in which the piece that fits best is looked for."""
JUMP = 4800
"""Samples off the clock beyond which nothing fits: somebody sought."""
_WINDOW = 0.5 - 0.5 * np.cos(np.pi * np.arange(2 * HOP) / HOP)

PlaceOf = Callable[[int], float | None]
"""Which sample of the sound belongs to the n-th sample from now on; None for silence."""


class FollowingSound:
    """Reads a sound piece by piece. At its own pace it comes out as it is, to the rounding of float32.

    Args:
        samples: one channel; silence lies before and after.
    """

    def __init__(self, samples: Float[np.ndarray, " N"]) -> None:
        self._samples = samples
        self._ready = np.zeros(0, np.float32)
        self._fading = np.zeros(HOP)
        self._next: int | None = None
        """Where the last piece goes on; None while it is silent."""

    def read(self, count: int, place_of: PlaceOf) -> Float[np.ndarray, " count"]:
        """The next samples."""
        pieces, at = [self._ready], len(self._ready)
        while at < count:
            pieces.append(self._hop(place_of(at)))
            at += HOP
        joined = np.concatenate(pieces)
        self._ready = joined[count:]
        return joined[:count]

    def _hop(self, wanted: float | None) -> Float[np.ndarray, " hop"]:
        out, self._fading = self._fading, np.zeros(HOP)
        if wanted is None:
            self._next = None
            return out.astype(np.float32)
        start = self._start(round(wanted))
        piece = self._cut(start, 2 * HOP) * _WINDOW
        self._fading, self._next = piece[HOP:], start + HOP
        return (out + piece[:HOP]).astype(np.float32)

    def _start(self, wanted: int) -> int:
        """Where the next piece comes from."""
        following = self._next
        if following is None or abs(wanted - following) > JUMP:
            return wanted
        if abs(wanted - following) <= SLACK:
            return following
        return wanted - SEARCH + _best_match(self._cut(following, HOP), self._cut(wanted - SEARCH, HOP + 2 * SEARCH))

    def _cut(self, start: int, count: int) -> Float[np.ndarray, " count"]:
        """Samples from a place that may lie outside."""
        out = np.zeros(count)
        first, last = max(start, 0), min(start + count, len(self._samples))
        if first < last:
            out[first - start : last - start] = self._samples[first:last]
        return out


def _best_match(piece: Float[np.ndarray, " n"], within: Float[np.ndarray, " m"]) -> int:
    """Where `within` is most like `piece`, by normalised correlation; in its middle where all is silent."""
    alike = np.correlate(within, piece, "valid")
    squares = np.concatenate([[0.0], np.cumsum(within**2)])
    energy = squares[len(piece) :] - squares[: -len(piece)]
    if energy.max() < 1e-9:
        return len(alike) // 2
    return int(np.argmax(alike / np.sqrt(energy + 1e-9)))
