"""A folder of pictures, taken in the natural order of their names (2 before 10)."""

import re
from pathlib import Path

import cv2
import numpy as np

from inperson.conventions import Intrinsics
from inperson.errors import BadInputError
from inperson.tracking.observation import CameraFrame
from inperson.tracking.sources_base import ClipClock, ClosesOnExit, FirstSizeFitter

_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_FPS = 30.0


class ImageFolderSource(ClosesOnExit):
    """Pictures as frames, `fps` a second; turned upright by their EXIF orientation."""

    def __init__(
        self, folder: Path, *, live: bool = False, fps: float = _FPS, intrinsics: Intrinsics | None = None
    ) -> None:
        self._folder = folder
        self._live = live
        self._fps = fps
        self._paths = sorted((p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES), key=_natural)
        if not self._paths:
            kinds = ", ".join(sorted(_SUFFIXES))
            raise BadInputError(f"folder {folder} holds no pictures", f"put some in it ({kinds})")
        self._fitter = FirstSizeFitter(f"folder {folder}", intrinsics)
        self._clock = ClipClock(live)
        self._next = 0

    @property
    def fps(self) -> float:
        return self._fps

    @property
    def live(self) -> bool:
        return self._live

    @property
    def frame_count(self) -> int:
        """How many pictures there are."""
        return len(self._paths)

    def describe(self) -> str:
        return f"{self._folder}, {len(self._paths)} pictures at {self._fps:.3g} frames/s"

    def read(self) -> CameraFrame | None:
        if self._next == len(self._paths):
            return None
        path = self._paths[self._next]
        clip_ns = round(self._next / self._fps * 1e9)
        self._next += 1
        data = np.fromfile(path, np.uint8)  # not imread: that fails on some file systems' names
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if bgr is None:
            raise BadInputError(f"picture {path} cannot be read", "take it out of the folder, or save it again")
        return self._fitter.frame(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), self._clock.stamp(clip_ns))

    def close(self) -> None:
        self._next = len(self._paths)


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Sorts digits by value, the rest by letter."""
    pieces = re.findall(r"\d+|\D+", path.name.lower())
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in pieces]
