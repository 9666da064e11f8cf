"""The newest-frame grabber: nothing queues, errors reach the consumer, it ends."""

import threading

import numpy as np
import pytest

from inperson.errors import DeviceError
from inperson.tracking.sources import LatestFrame
from inperson.tracking.sources_base import ClosesOnExit, FirstSizeFitter

IMAGE = np.zeros((4, 4, 3), np.uint8)


class SteppedSource(ClosesOnExit):
    """Delivers a frame each time the test says so, then ends or raises."""

    fps, live = 30.0, True

    def __init__(self, frames: int, error: Exception | None = None) -> None:
        self.go = threading.Semaphore(0)
        self.asked = threading.Semaphore(0)
        self.left = frames
        self.error = error
        self.closed = False
        self._fitter = FirstSizeFitter("stepped")

    def describe(self) -> str:
        return "stepped"

    def read(self):
        self.asked.release()
        self.go.acquire()
        if self.closed or not self.left:
            if self.error:
                raise self.error
            return None
        self.left -= 1
        return self._fitter.frame(IMAGE, 0)

    def close(self) -> None:
        self.closed = True

    def deliver(self, count: int) -> None:
        """Let `count` frames through and wait until the grabber has stored the last."""
        for _ in range(count):
            self.asked.acquire()
            self.go.release()
        self.asked.acquire()
        self.asked.release()


def test_consumer_gets_the_newest_and_the_rest_are_counted():
    source = SteppedSource(frames=6)
    with LatestFrame(source) as latest:
        source.deliver(4)
        assert latest.get().sequence == 3
        assert latest.dropped == 3
        source.deliver(1)
        assert latest.get().sequence == 4
        assert latest.dropped == 3
        assert latest.read_count == 5
        source.left = 0
        source.go.release()
        assert latest.get() is None
        assert latest.get() is None, "the end stays the end"
    assert source.closed


def test_frames_before_an_error_are_delivered_then_the_error():
    source = SteppedSource(frames=1, error=DeviceError("camera 0 stopped", "plug it in"))
    with LatestFrame(source) as latest:
        source.go.release(2)
        source.asked.acquire()
        assert latest.get().sequence == 0
        with pytest.raises(DeviceError, match="camera 0 stopped"):
            latest.get()


def test_a_programming_error_in_the_source_is_not_swallowed():
    source = SteppedSource(frames=0, error=ZeroDivisionError())
    with LatestFrame(source) as latest:
        source.go.release()
        with pytest.raises(ZeroDivisionError):
            latest.get()


def test_a_silent_camera_is_an_error_not_a_hang():
    source = SteppedSource(frames=1)
    latest = LatestFrame(source)
    with pytest.raises(DeviceError, match=r"has sent no picture for 0\.05 s"):
        latest.get(timeout_s=0.05)
    source.go.release(2)
    latest.close()


def test_close_stops_the_thread():
    source = SteppedSource(frames=10**9)
    latest = LatestFrame(source)
    source.deliver(2)
    threading.Timer(0.05, source.go.release).start()  # the read that close has to wait for
    latest.close()
    assert source.closed
    assert not [t for t in threading.enumerate() if t.name.startswith("frame-grabber")]
