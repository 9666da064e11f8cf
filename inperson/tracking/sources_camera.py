"""Webcams through OpenCV: motion JPEG, the smallest buffer, by number or by name."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from inperson.conventions import Intrinsics
from inperson.errors import DeviceError
from inperson.tracking.observation import CameraFrame
from inperson.tracking.sources_base import ClosesOnExit, FirstSizeFitter

_V4L = Path("/sys/class/video4linux")
_PROBED_ELSEWHERE = 4
_ASSUMED_FPS = 30.0


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera this machine has."""

    index: int
    name: str


class CaptureDevice(Protocol):
    """What is used of `cv2.VideoCapture` (tests put a scripted one in its place)."""

    def isOpened(self) -> bool: ...
    def set(self, propId: int, value: float, /) -> bool: ...
    def get(self, propId: int, /) -> float: ...
    def grab(self) -> bool: ...
    def retrieve(self) -> tuple[bool, np.ndarray | None]: ...
    def release(self) -> None: ...


def list_cameras(v4l: Path = _V4L) -> list[CameraInfo]:
    """The cameras of this machine, by number. Elsewhere than on Linux they are found by trying to open them.

    Args:
        v4l: the kernel's list of video devices (Linux).
    """
    if sys.platform != "linux":
        return [CameraInfo(i, f"camera {i}") for i in range(_PROBED_ELSEWHERE) if _opens(i)]
    cameras = []
    for node in v4l.glob("video*"):
        # One camera makes several nodes; index 0 is the one that delivers pictures, the rest metadata.
        if (node / "index").read_text().strip() == "0":
            cameras.append(CameraInfo(int(node.name.removeprefix("video")), (node / "name").read_text().strip()))
    return sorted(cameras, key=lambda camera: camera.index)


def find_camera(wanted: str, cameras: list[CameraInfo] | None = None) -> CameraInfo:
    """The camera with that number, or the first whose name contains the text.

    Raises:
        DeviceError: there is none.
    """
    cameras = list_cameras() if cameras is None else cameras
    for camera in cameras:
        if wanted.isdecimal() and camera.index == int(wanted):
            return camera
        if not wanted.isdecimal() and wanted.lower() in camera.name.lower():
            return camera
    here = ", ".join(f"{c.index} ({c.name})" for c in cameras) or "none"
    raise DeviceError(f"no camera {wanted!r} (found: {here})", "plug one in, or see `inperson devices`")


class CameraSource(ClosesOnExit):
    """A webcam. Frames are stamped with monotonic time when the driver hands them over."""

    def __init__(
        self,
        camera: CameraInfo,
        *,
        size: tuple[int, int] = (640, 480),
        fps: float = 30.0,
        intrinsics: Intrinsics | None = None,
        open_capture: Callable[[int], CaptureDevice] | None = None,
    ) -> None:
        self._camera = camera
        self._device = (open_capture or _open_capture)(camera.index)
        if not self._device.isOpened():
            raise DeviceError(f"{self._name} cannot be opened", "close other programs using it, or permit its use")
        self._device.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        self._device.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        self._device.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        self._device.set(cv2.CAP_PROP_FPS, fps)
        self._device.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._fitter = FirstSizeFitter(self._name, intrinsics)
        self._delivered = False

    @property
    def _name(self) -> str:
        return f"camera {self._camera.index} ({self._camera.name})"

    @property
    def fps(self) -> float:
        return self._device.get(cv2.CAP_PROP_FPS) or _ASSUMED_FPS

    @property
    def live(self) -> bool:
        return True

    def describe(self) -> str:
        width = self._device.get(cv2.CAP_PROP_FRAME_WIDTH)
        height = self._device.get(cv2.CAP_PROP_FRAME_HEIGHT)
        return f"{self._name}, {width:.0f}x{height:.0f} at {self.fps:.3g} frames/s"

    def read(self) -> CameraFrame | None:
        grabbed = self._device.grab()
        time_ns = time.monotonic_ns()  # before decoding, which is not part of the capture
        decoded, bgr = self._device.retrieve() if grabbed else (False, None)
        if not decoded or bgr is None:
            if self._delivered:
                raise DeviceError(f"{self._name} stopped sending pictures", "plug it in again, then start again")
            raise DeviceError(f"{self._name} sends no pictures", "close other programs using it, or try another")
        self._delivered = True
        return self._fitter.frame(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), time_ns)

    def close(self) -> None:
        self._device.release()


def _open_capture(index: int) -> CaptureDevice:
    # V4L2 asked for by name: OpenCV's default on Linux may be GStreamer, which ignores the buffer size.
    return cv2.VideoCapture(index, cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY)


def _opens(index: int) -> bool:
    device = _open_capture(index)
    opened = device.isOpened()
    device.release()
    return opened
