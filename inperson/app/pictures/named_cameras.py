"""Cameras that stand where a small file says: `inperson export --camera NAME --camera-file FILE`.

TOML, or JSON with the same names:

    [cameras.from-the-left]
    position = [0.9, 0.1, -0.6]     # metres, in the session's world: y up
    look_at = [0.0, -0.2, -1.6]     # the point in the middle of the picture
    vertical_fov = 40.0             # degrees, from the lower to the upper edge
"""

import json
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from inperson.app.mirror.framing import INTERPUPILLARY_M
from inperson.errors import BadInputError
from inperson.render.views import EyeView, look_at

_MEND = "see docs/exports.md for what a camera file looks like"
_KEYS = {"position", "look_at", "vertical_fov"}
_FARTHEST = 1000.0
"""Metres from the origin."""


@dataclass(frozen=True, slots=True, eq=False)
class NamedCamera:
    """A camera that stands still and level."""

    name: str
    position: Float[np.ndarray, "3"]
    look_at: Float[np.ndarray, "3"]
    """Metres, world axes."""
    vertical_fov: float
    """Radians."""

    @property
    def azimuth(self) -> float:
        """From which side it looks: 0 from the one people face (+z), growing towards +x, radians."""
        away = self.position - self.look_at
        return math.atan2(away[0], away[2])

    def eyes(self, width: int, height: int, *, stereo: bool = False) -> list[EyeView]:
        """Its view with square pixels; or a pair around it, axes parallel, that meets at `look_at`."""
        T_world_from_eye = look_at(self.position, self.look_at)
        distance = float(np.linalg.norm(self.look_at - self.position))
        half_up = math.tan(0.5 * self.vertical_fov)
        half_right = half_up * width / height
        eyes = []
        for shift in (-0.5 * INTERPUPILLARY_M, 0.5 * INTERPUPILLARY_M) if stereo else (0.0,):
            moved = T_world_from_eye.copy()
            moved[:3, 3] += shift * T_world_from_eye[:3, 0]
            eyes.append(
                EyeView(
                    T_world_from_eye=moved,
                    angle_left=math.atan(-half_right - shift / distance),
                    angle_right=math.atan(half_right - shift / distance),
                    angle_up=math.atan(half_up),
                    angle_down=math.atan(-half_up),
                    width=width,
                    height=height,
                )
            )
        return eyes


def load_camera(path: Path, name: str) -> NamedCamera:
    """A camera of a file.

    Raises:
        BadInputError: no such file or camera, or something in it is wrong.
    """
    cameras = _read(path).get("cameras")
    if not isinstance(cameras, dict) or not cameras:
        raise BadInputError(f"camera file {path} has no [cameras.NAME]", _MEND)
    if name not in cameras:
        raise BadInputError(f"camera file {path} has no camera {name!r}", f"name one of {', '.join(cameras)}")
    try:
        return _camera(name, cameras[name])
    except ValueError as error:
        raise BadInputError(f"camera file {path}, camera {name}: {error}", _MEND) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text()
        read = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise BadInputError(f"camera file {path} cannot be read ({error.strerror})", _MEND) from error
    except ValueError as error:  # also of text that is not UTF-8
        raise BadInputError(f"camera file {path} is not to be understood ({error})", _MEND) from error
    return read if isinstance(read, dict) else {}


def _camera(name: str, values: Any) -> NamedCamera:
    if not isinstance(values, dict) or set(values) != _KEYS:
        raise ValueError(f"it has to have {', '.join(sorted(_KEYS))}, and nothing else")
    position, target = (_point(key, values[key]) for key in ("position", "look_at"))
    (degrees,) = _numbers("vertical_fov", [values["vertical_fov"]])
    if not 1.0 <= degrees <= 170.0:
        raise ValueError("vertical_fov is in degrees, 1 to 170")
    across = (target - position)[[0, 2]]
    if np.linalg.norm(across) < 1e-3 * max(float(np.linalg.norm(target - position)), 1e-6):
        raise ValueError("it cannot look straight up or down, or at itself")
    return NamedCamera(name, position, target, math.radians(degrees))


def _point(key: str, value: Any) -> Float[np.ndarray, "3"]:
    point = np.array(_numbers(key, value))
    if point.shape != (3,):
        raise ValueError(f"{key} has to be three numbers")
    return point


def _numbers(key: str, values: Any) -> list[float]:
    real = isinstance(values, list) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if not real or not all(abs(v) <= _FARTHEST for v in values):  # what is not a number is not smaller either
        raise ValueError(f"{key} has to be numbers up to {_FARTHEST:g}")
    return [float(v) for v in values]
