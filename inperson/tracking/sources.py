"""Where pictures come from: cameras, video files and folders of pictures, behind one interface.

`open_source` picks the right one. All of them deliver un-mirrored RGB of one size for the whole session:
the size of the first frame. A later frame of another size is scaled into it, keeping its shape, on black,
so that neither the calibration nor the consumers ever see the geometry change.
"""

from pathlib import Path

from inperson.conventions import Intrinsics
from inperson.errors import BadInputError
from inperson.tracking.latest import LatestFrame
from inperson.tracking.sources_base import FrameSource
from inperson.tracking.sources_camera import CameraInfo, CameraSource, find_camera, list_cameras
from inperson.tracking.sources_images import ImageFolderSource
from inperson.tracking.sources_video import VideoFileSource

__all__ = [
    "CameraInfo",
    "CameraSource",
    "FrameSource",
    "ImageFolderSource",
    "LatestFrame",
    "VideoFileSource",
    "find_camera",
    "list_cameras",
    "open_source",
]


def open_source(spec: int | str | Path, live: bool, intrinsics: Intrinsics | None = None) -> FrameSource:
    """Open a camera, a video file (any ffmpeg reads, gif too) or a folder of pictures.

    Args:
        spec: a camera's number ("0" too), a path, or else part of a camera's name (see `list_cameras`).
        live: pace files to their own clock, as if they were a camera; cameras always are.
        intrinsics: the calibrated camera; a typical webcam's field of view is assumed otherwise.

    Raises:
        BadInputError: no such file, not a video, empty, unreadable.
        DeviceError: no such camera, or it does not deliver.
    """
    text = str(spec)
    path = Path(text).expanduser()
    if path.is_dir():
        return ImageFolderSource(path, live=live, intrinsics=intrinsics)
    if path.is_file():
        return VideoFileSource(path, live=live, intrinsics=intrinsics)
    cameras = list_cameras()
    named = any(text.lower() in camera.name.lower() for camera in cameras)
    if not text.isdecimal() and not named and (path.suffix or len(path.parts) > 1):
        raise BadInputError(f"input {text} does not exist", "give a video file, a folder of pictures or a camera")
    return CameraSource(find_camera(text, cameras), intrinsics=intrinsics)
