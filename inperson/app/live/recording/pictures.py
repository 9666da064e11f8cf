"""Camera pictures for a recording, compressed beside the tracking clock."""

import queue
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from jaxtyping import UInt8

from inperson.app.live.recording.rings import PICTURE_DTYPE
from inperson.app.processes.record_ring import RecordRing
from inperson.tracking.observation import CameraFrame

JPEG_QUALITY = 85
MOST_WAITING = 2
"""Pictures between the tracking clock and the thread that compresses them."""


class PictureTap:
    """Compresses camera pictures on a thread of its own; leaves out, and counts, what comes too fast.

    Args:
        ring: where they go.
    """

    def __init__(self, ring: RecordRing) -> None:
        self._ring = ring
        self._waiting: queue.Queue[CameraFrame | None] = queue.Queue()
        self._thread = ThreadPoolExecutor(1, "camera-pictures")
        self._work = self._thread.submit(self._compress_all)

    def put(self, frame: CameraFrame) -> None:
        """Hand a picture over; nobody may change it afterwards."""
        if self._waiting.qsize() >= MOST_WAITING:
            self._ring.lose()
        else:
            self._waiting.put(frame)

    def close(self) -> None:
        """Compress what waits, and end the thread."""
        self._waiting.put(None)
        self._work.result()
        self._thread.shutdown()

    def _compress_all(self) -> None:
        while (frame := self._waiting.get()) is not None:
            jpeg = jpeg_of(frame)
            if len(jpeg) > PICTURE_DTYPE["jpeg"].shape[0]:
                self._ring.lose()
                continue
            record = np.zeros((), PICTURE_DTYPE)
            record["time_ns"], record["sequence"], record["length"] = frame.time_ns, frame.sequence, len(jpeg)
            record["size"] = frame.image.shape[1], frame.image.shape[0]
            record["jpeg"][: len(jpeg)] = jpeg
            self._ring.put(record)


def jpeg_of(frame: CameraFrame) -> UInt8[np.ndarray, " n"]:
    """A camera picture as the bytes of a JPEG."""
    done, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY)
    )
    assert done
    return jpeg
