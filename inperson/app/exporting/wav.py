"""WAV: what a participant said, 16 bit, one channel, 48 kHz."""

import io
import wave

import numpy as np
from jaxtyping import Float

from inperson.app.writers.soundtrack import SAMPLE_RATE

FULL_SCALE = 32767.0


def wav_bytes(samples: Float[np.ndarray, " N"]) -> bytes:
    """The file. Louder than full scale is cut off.

    Args:
        samples: -1 to 1.
    """
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.round(np.clip(samples, -1.0, 1.0) * FULL_SCALE).astype("<i2").tobytes())
    return out.getvalue()
