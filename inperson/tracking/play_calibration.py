"""`PlayCalibration`: where the webcam is in the play space and how tall its wearer stands; saved per user.

`play_calibration_solver.solve_calibration` finds it from a guided step.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from jaxtyping import Float

from inperson.errors import BadInputError
from inperson.tracking.user_files import user_file, write_user_file

CALIBRATION_VERSION = 1
EYE_HEIGHTS = (0.8, 2.3)
"""Metres above the floor between which standing eyes are believed."""
_RIGID = 1e-3
_MEND = "delete it and run the calibration again"


@dataclass(frozen=True, slots=True, eq=False)
class PlayCalibration:
    """The answer of the guided step. It holds for a play space recentred as in that step: the wearer stands where
    they stood and looks where they looked."""

    T_play_from_camera: Float[np.ndarray, "4 4"]
    """Rigid. The camera's space is that of webcam states: origin at the camera, y up, -z away from it."""
    eye_height_m: float
    """Of the standing wearer above the floor."""
    residual_m: float
    """How far, in the mean, the webcam's wrists and trunk stayed from where the headset had them."""

    def recentred(self, T_new_from_old: Float[np.ndarray, "4 4"]) -> "PlayCalibration":
        """The same calibration after the play space was recentred.

        Args:
            T_new_from_old: takes points of the old play space to the new one.
        """
        return PlayCalibration(T_new_from_old @ self.T_play_from_camera, self.eye_height_m, self.residual_m)


class _Stored(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file: JSON, matrix by rows, metres."""

    version: int = CALIBRATION_VERSION
    T_play_from_camera: tuple[tuple[float, float, float, float], ...]
    eye_height_m: float
    residual_m: float


def calibration_path(user: str) -> Path:
    """Where the calibration of a user lives. A value with a path separator or `.json` is taken as a path.

    Raises:
        BadInputError: a name that cannot be a file's.
    """
    return user_file("calibration", user)


def save_calibration(calibration: PlayCalibration, path: Path) -> None:
    """Writes a calibration whole or not at all.

    Raises:
        OutputError: the place cannot be written.
    """
    rows = tuple(tuple(float(x) for x in row) for row in calibration.T_play_from_camera)
    stored = _Stored(
        T_play_from_camera=rows,  # type: ignore[arg-type]  # four numbers a row
        eye_height_m=float(calibration.eye_height_m),
        residual_m=float(calibration.residual_m),
    )
    write_user_file("calibration", stored, path)


def load_calibration(path: Path) -> PlayCalibration | None:
    """The calibration at a path, or None if there is none yet.

    Raises:
        BadInputError: the file is not a calibration.
    """
    if not path.is_file():
        return None
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
    except msgspec.MsgspecError as error:
        raise BadInputError(f"calibration {path} is not one ({error})", _MEND) from error
    if stored.version != CALIBRATION_VERSION:
        raise BadInputError(f"calibration {path} has version {stored.version}, not {CALIBRATION_VERSION}", _MEND)
    T = np.array(stored.T_play_from_camera, np.float64)
    if T.shape != (4, 4) or not _is_rigid(T):
        raise BadInputError(f"calibration {path} does not hold a rigid transform", _MEND)
    low, high = EYE_HEIGHTS
    if not low <= stored.eye_height_m <= high:
        raise BadInputError(f"calibration {path} has eyes {stored.eye_height_m:.2f} m above the floor", _MEND)
    return PlayCalibration(T, stored.eye_height_m, stored.residual_m)


def _is_rigid(T: Float[np.ndarray, "4 4"]) -> bool:
    R = T[:3, :3]
    orthogonal = np.abs(R @ R.T - np.eye(3)).max() < _RIGID and np.linalg.det(R) > 0.0
    return bool(orthogonal and np.abs(T[3] - [0.0, 0.0, 0.0, 1.0]).max() < _RIGID)
