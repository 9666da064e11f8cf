"""A participant's microphone as records: blocks of 20 ms in, Opus packets with the right times out."""

import numpy as np
from jaxtyping import Float

from inperson.app.audio.opus import BLOCK, BLOCK_NS, SAMPLE_RATE, OpusEncoder
from inperson.app.recording.records import MicrophoneRecord


class VoiceStream:
    """Numbers packets and dates them back by the encoder's delay: a record's time is that of what it plays.

    Args:
        participant: whose microphone it is.
        sample_rate: of the microphone, hertz; blocks are at 48 kHz.
    """

    def __init__(self, participant: str, sample_rate: int = SAMPLE_RATE) -> None:
        self._participant, self._sample_rate = participant, sample_rate
        self._encoder = OpusEncoder()
        self._sequence = 0
        self._end_ns: int | None = None

    def record_of(self, block: Float[np.ndarray, "960"], time_ns: int) -> MicrophoneRecord:
        """The next block's record.

        Args:
            block: at 48 kHz, -1 to 1.
            time_ns: when its first sample was captured, monotonic nanoseconds.
        """
        packet = self._encoder.encode(block)
        sequence, self._sequence = self._sequence, self._sequence + 1
        self._end_ns = time_ns + BLOCK_NS
        return MicrophoneRecord(
            self._participant,
            time_ns - self._encoder.delay_ns,
            sequence,
            packet,
            samples=BLOCK,
            sample_rate=self._sample_rate,
        )

    def missed(self, blocks: int) -> None:
        """So many blocks were lost before they could be encoded: a gap in the numbers says so."""
        self._sequence += blocks

    def rest(self) -> MicrophoneRecord | None:
        """What the encoder still holds of the last block, as one more record; None where there was no block."""
        return None if self._end_ns is None else self.record_of(np.zeros(BLOCK, np.float32), self._end_ns)
