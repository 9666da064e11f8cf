"""Sound of any rate and any lengths of pieces into blocks of 20 ms at 48 kHz that know when they were captured."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from inperson.app.audio.opus import BLOCK, SAMPLE_RATE


class Reblocker:
    """Samples in as they come, blocks out. Pieces follow each other without a gap.

    Args:
        sample_rate: of what comes in, hertz.
    """

    def __init__(self, sample_rate: int) -> None:
        import av

        self._rate = sample_rate
        self._resampler = None
        if sample_rate != SAMPLE_RATE:
            self._resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        self._waiting = np.zeros(0, np.float32)
        self._in = self._out = 0

    def blocks(
        self, samples: Float[np.ndarray, " n"], time_ns: int
    ) -> Iterator[tuple[Float[np.ndarray, "960"], int]]:
        """The blocks that are full now, each with the moment of its first sample.

        Args:
            samples: one channel, -1 to 1.
            time_ns: when the first of them was captured, monotonic nanoseconds.
        """
        # What is held back, here and in the resampler, was captured before: blocks are dated by the newest piece.
        held_s = self._in / self._rate - self._out / SAMPLE_RATE
        begin_ns = time_ns - round(held_s * 1e9)
        self._in += len(samples)
        self._waiting = np.concatenate([self._waiting, self._resampled(samples)])
        full = len(self._waiting) // BLOCK
        for number in range(full):
            block = self._waiting[number * BLOCK : (number + 1) * BLOCK]
            yield block, begin_ns + round(number * BLOCK * 1e9 / SAMPLE_RATE)
        self._waiting = self._waiting[full * BLOCK :]
        self._out += full * BLOCK

    def _resampled(self, samples: Float[np.ndarray, " n"]) -> Float[np.ndarray, " m"]:
        if self._resampler is None:
            return samples.astype(np.float32)
        import av

        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32)[None], "flt", "mono")
        frame.sample_rate = self._rate
        pieces = [piece.to_ndarray().ravel() for piece in self._resampler.resample(frame)]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
