"""Sound beside pictures: handed to a movie's muxer as the pictures go by."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

SAMPLE_RATE = 48_000
BIT_RATE = 128_000


@dataclass(frozen=True, slots=True, eq=False)
class Soundtrack:
    """One channel at 48 kHz; the first sample sounds when the first picture is shown."""

    samples: Float[np.ndarray, " N"]
    """-1 to 1."""


class SoundStream:
    """A soundtrack's stream in a movie.

    The encoder's delay needs no care here: it gives its first packet a time before zero, which MP4 keeps as an edit
    list and WebM as CodecDelay; players skip it.

    Args:
        container: open for writing, nothing written yet.
        codec: FFmpeg's name of the encoder.
    """

    def __init__(self, container: "OutputContainer", codec: str, soundtrack: Soundtrack) -> None:
        self._container = container
        self._samples = np.ascontiguousarray(soundtrack.samples, np.float32)
        self._stream: AudioStream = container.add_stream(codec, rate=SAMPLE_RATE)  # type: ignore[assignment]
        self._stream.codec_context.layout = "mono"
        self._stream.codec_context.bit_rate = BIT_RATE
        self._done = 0

    def write_until(self, time_s: float) -> None:
        """Write what sounds before a moment, so that the file holds pictures and sound of a moment side by side."""
        import av

        end = min(round(time_s * SAMPLE_RATE), len(self._samples))
        if end <= self._done:
            return
        piece = self._samples[self._done : end]
        frame = av.AudioFrame.from_ndarray(piece[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, self._done
        self._done = end
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write the rest, and what the encoder holds back."""
        self.write_until(len(self._samples) / SAMPLE_RATE)
        self._container.mux(self._stream.encode())
