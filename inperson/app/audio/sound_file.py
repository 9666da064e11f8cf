"""A sound file, or a clip's sound, as a microphone: it speaks at its own pace from the session's beginning on."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float

from inperson.app.audio.opus import BLOCK, BLOCK_NS, SAMPLE_RATE
from inperson.app.audio.source import TakeBlock
from inperson.errors import BadInputError, InPersonError

BUNCH = 5
"""Blocks that are handed over at a time, when the last of them is due: every wake costs those who draw."""
_MEND = "give another sound file, or re-encode this one"


class SoundFile:
    """Any file with sound that FFmpeg reads; several channels are mixed into one. The first of several tracks counts.

    Args:
        path: of the file.

    Raises:
        BadInputError: no such file, none that can be read, or no sound in it.
    """

    def __init__(self, path: Path) -> None:
        import av

        self._path, self.name = path, path.name
        if not path.is_file():
            raise BadInputError(f"sound file {path} does not exist", "name a file with sound, or a microphone")
        try:
            self._container = av.open(str(path))
        except (av.FFmpegError, OSError) as error:
            raise BadInputError(f"{path} is not a readable sound file ({_reason(error)})", _MEND) from error
        if not self._container.streams.audio:
            self._container.close()
            raise BadInputError(f"{path} has no sound in it", "give another file, or --microphone none")
        self._stream = self._container.streams.audio[0]
        self.sample_rate = self._stream.codec_context.sample_rate
        self._thread = ThreadPoolExecutor(1, "sound-file")
        self._speaking: Future[None] | None = None
        self._closing = threading.Event()

    @property
    def overflow(self) -> int:
        """A file is read no faster than its blocks are taken."""
        return 0

    @property
    def fault(self) -> InPersonError | None:
        """The file is damaged."""
        if self._speaking is None or not self._speaking.done():
            return None
        error = self._speaking.exception()
        if error is not None and not isinstance(error, InPersonError):
            raise error
        return error

    def start(self, start_ns: int, take: TakeBlock) -> None:
        """Begin to speak; blocks are handed over a few at a time, when the last one's last sample is due."""
        self._speaking = self._thread.submit(self._speak, start_ns, take)

    def close(self) -> None:
        """Stop speaking."""
        self._closing.set()
        self._thread.shutdown()
        self._container.close()

    def blocks(self) -> Iterator[Float[np.ndarray, "960"]]:
        """The whole sound from its beginning, at once; the last block is filled up with silence.

        Raises:
            BadInputError: the file is damaged.
        """
        waiting = np.zeros(0, np.float32)
        for piece in self._pieces():
            waiting = np.concatenate([waiting, piece])
            while len(waiting) >= BLOCK:
                yield waiting[:BLOCK]
                waiting = waiting[BLOCK:]
        if len(waiting):
            yield np.pad(waiting, (0, BLOCK - len(waiting)))

    def _speak(self, start_ns: int, take: TakeBlock) -> None:
        blocks = self.blocks()
        begin_ns = start_ns
        while bunch := list(islice(blocks, BUNCH)):
            end_ns = begin_ns + len(bunch) * BLOCK_NS
            if self._closing.wait(max(end_ns - time.monotonic_ns(), 0) / 1e9):
                return
            for number, block in enumerate(bunch):
                take(block, begin_ns + number * BLOCK_NS)
            begin_ns = end_ns

    def _pieces(self) -> Iterator[Float[np.ndarray, " n"]]:
        import av

        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        begun = False
        try:
            for frame in self._container.decode(self._stream):
                if not begun:  # a clip's sound may begin later than its pictures
                    yield from _silence(frame.time or 0.0)
                begun = True
                for piece in resampler.resample(frame):
                    yield piece.to_ndarray().ravel()
            if begun:
                for piece in resampler.resample(None):
                    yield piece.to_ndarray().ravel()
        except av.FFmpegError as error:
            raise BadInputError(f"{self._path} is damaged ({_reason(error)})", _MEND) from error


def _silence(seconds: float) -> Iterator[Float[np.ndarray, " n"]]:
    left = round(seconds * SAMPLE_RATE)
    while left > 0:
        yield np.zeros(min(left, SAMPLE_RATE), np.float32)
        left -= SAMPLE_RATE


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
