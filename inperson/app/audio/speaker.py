"""The sound device that a recorded voice comes out of."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import numpy as np
from jaxtyping import Float

from inperson.app.audio.opus import SAMPLE_RATE
from inperson.errors import DeviceError

Fill = Callable[[int, int], Float[np.ndarray, " n"]]
"""So many samples (-1 to 1, at 48 kHz), the first of which is heard at a moment (monotonic nanoseconds)."""
LONGEST_LEAD_S = 2.0
"""What a device may say it takes to be heard; some say nonsense, and then its nominal latency counts."""


class Speaker:
    """The default output device, one channel at 48 kHz, playing until it is closed. `with` closes it.

    Args:
        fill: asked for what is heard next, on the device's own thread; must not wait.

    Raises:
        DeviceError: no sound device, or one that does not open.
    """

    def __init__(self, fill: Fill) -> None:
        self._fill = fill
        try:
            import sounddevice
        except OSError as error:  # PortAudio itself is missing
            raise DeviceError(f"no sound ({error})", "install PortAudio") from error
        try:
            self._stream = sounddevice.OutputStream(SAMPLE_RATE, channels=1, dtype="float32", callback=self._play)
            self._stream.start()
        except sounddevice.PortAudioError as error:
            reason = str(error.args[0] if error.args else error).strip(" .")
            raise DeviceError(
                f"no sound device ({reason})", "plug in headphones, or choose a default device"
            ) from error

    def close(self) -> None:
        """Fall silent, and give the device back."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def _play(self, out: Float[np.ndarray, "n 1"], count: int, times: Any, status: object) -> None:
        """PortAudio asks for the next samples; `times` are seconds of the stream's own clock."""
        lead_s = times.outputBufferDacTime - times.currentTime
        if not 0.0 < lead_s < LONGEST_LEAD_S:
            lead_s = self._stream.latency
        out[:, 0] = self._fill(count, time.monotonic_ns() + round(1e9 * lead_s))
