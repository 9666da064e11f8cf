"""The mirror's pictures as a camera of other programs (pyvirtualcam: v4l2loopback on Linux, OBS elsewhere)."""

import numpy as np
from jaxtyping import UInt8

from inperson.app.outputs.addresses import ON
from inperson.app.outputs.newest import NewestOnly
from inperson.errors import DeviceError

_MEND = (
    "on Linux load v4l2loopback (sudo modprobe v4l2loopback), "
    "on Windows and macOS install OBS and start its virtual camera once"
)


class VirtualCamera:
    """Shows the newest picture; the size is the first's.

    Args:
        device: `on` for the first there is, or a device's name.
        width, height: of the pictures, pixels.
        fps: pictures a second that come at most.

    Raises:
        DeviceError: pyvirtualcam is not installed, or there is no such camera, or it does not take this size.
    """

    def __init__(self, device: str, width: int, height: int, fps: float) -> None:
        try:
            import pyvirtualcam
        except ImportError as error:
            raise DeviceError(
                "a virtual camera needs pyvirtualcam (GPL, so it does not come along)",
                "run pip install 'inperson[virtualcam]', or leave --virtual-camera out",
            ) from error
        try:
            self._camera = pyvirtualcam.Camera(width, height, fps, device=None if device == ON else device)
        except RuntimeError as error:  # pyvirtualcam's word for everything a driver refuses
            wanted = "virtual camera" if device == ON else f"virtual camera {device}"
            raise DeviceError(f"no {wanted} of {width}x{height} here ({error})", _MEND) from error
        self.name = str(self._camera.device)
        """As other programs list it."""
        self._thread: NewestOnly[UInt8[np.ndarray, "H W 3"]] = NewestOnly(self._show, "virtual-camera")

    def show(self, picture: UInt8[np.ndarray, "H W 3"]) -> None:
        """Show a picture soon, or a newer one in its place. It must not be written to any more.

        Raises:
            DeviceError: the camera went away.
        """
        self._thread.put(picture)

    def close(self) -> None:
        """Give the camera back."""
        try:
            self._thread.close()
        finally:
            self._camera.close()

    def _show(self, picture: UInt8[np.ndarray, "H W 3"]) -> None:
        try:
            self._camera.send(np.ascontiguousarray(picture))
        except RuntimeError as error:
            raise DeviceError(f"virtual camera {self.name} went away ({error})", _MEND) from error
