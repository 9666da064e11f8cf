"""The newest frame only: a thread that reads a source and keeps one slot, never a queue."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from inperson.errors import DeviceError
from inperson.tracking.observation import CameraFrame
from inperson.tracking.sources_base import FrameSource

DEFAULT_TIMEOUT_S = 5.0


class LatestFrame:
    """Reads `source` on its own thread so that a slow consumer always gets the newest frame.

    Takes the source over: `close` (or leaving the `with` block) closes it. One consumer.
    """

    def __init__(self, source: FrameSource) -> None:
        self.source = source
        self._changed = threading.Condition()
        self._slot: CameraFrame | None = None
        self._stop = False
        self._read_count = 0
        self._dropped = 0
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="frame-grabber")
        self._grabbing: Future[None] = self._executor.submit(self._grab)
        self._grabbing.add_done_callback(self._wake)

    @property
    def read_count(self) -> int:
        """Frames the source delivered so far."""
        return self._read_count

    @property
    def dropped(self) -> int:
        """Frames that were replaced by a newer one before anybody took them."""
        return self._dropped

    def get(self, timeout_s: float = DEFAULT_TIMEOUT_S) -> CameraFrame | None:
        """Wait for a frame newer than the last one taken; None when the source has ended.

        Raises:
            DeviceError: no frame arrived within `timeout_s`.
            Whatever the source raised, once the frames before it are taken.
        """
        with self._changed:
            arrived = self._changed.wait_for(lambda: self._slot is not None or self._grabbing.done(), timeout_s)
            frame, self._slot = self._slot, None
        if frame is not None:
            return frame
        if not arrived:
            what = f"{self.source.describe()} has sent no picture for {timeout_s:.3g} s"
            raise DeviceError(what, "check the camera, then start again")
        self._grabbing.result()  # raises what the source raised
        return None

    def close(self) -> None:
        """Stop reading and close the source."""
        self._stop = True
        self._executor.shutdown(wait=True)
        self.source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _grab(self) -> None:
        while not self._stop:
            frame = self.source.read()
            if frame is None:
                return
            with self._changed:
                self._dropped += self._slot is not None
                self._slot = frame
                self._read_count += 1
                self._changed.notify_all()

    def _wake(self, grabbing: "Future[None]") -> None:
        with self._changed:
            self._changed.notify_all()
