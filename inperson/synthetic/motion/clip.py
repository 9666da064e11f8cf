"""`MotionClip`: a body's states at a steady rate, and its AMASS-style npz file."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.synthetic.captures import states_from_arrays, states_to_arrays


@dataclass(frozen=True, slots=True, eq=False)
class MotionClip:
    """States `1 / fps` seconds apart."""

    states: tuple[BodyState, ...]
    fps: float

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.states) / self.fps


def save_motion(clip: MotionClip, path: Path, **extra: Any) -> None:
    """Writes AMASS's names (`trans`, `root_orient`, `pose_body`, ...); `extra` arrays go beside them."""
    arrays: dict[str, Any] = {"mocap_frame_rate": np.array(clip.fps), **states_to_arrays(clip.states), **extra}
    np.savez_compressed(path, **arrays)


def load_motion(path: Path, num_betas: int, num_expression: int) -> MotionClip:
    """Reads an AMASS-style file for a body with these coefficient counts.

    Betas and expressions are kept where the file's counts fit, else set to zero: they belong to the body they
    were made for. Hands, jaw, eyes and expression may be absent (as in AMASS).

    Raises:
        BadInputError: not a motion file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files if file[name].dtype.kind in "fiu"}
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path} is not a motion npz ({error})", "give an AMASS-style npz") from error
    missing = [name for name in ("trans", "root_orient", "pose_body") if name not in arrays]
    if missing:
        raise BadInputError(f"{path} lacks {', '.join(missing)}", "give an AMASS-style npz")
    n = len(arrays["trans"])
    fps = float(arrays.get("mocap_frame_rate", arrays.get("mocap_framerate", 30.0)))
    shapes = {
        "trans": (n, 3),
        "root_orient": (n, 3),
        "pose_body": (n, 63),
        "pose_hand": (n, 90),
        "pose_jaw": (n, 3),
        "pose_eye": (n, 6),
        "expression": (n, num_expression),
        "betas": (num_betas,),
    }
    full = {name: _fitting(arrays.get(name), shape) for name, shape in shapes.items()}
    full["time_ns"] = arrays.get("time_ns", np.round(np.arange(n) * 1e9 / fps).astype(np.int64))
    return MotionClip(states_from_arrays(full), fps)


def _fitting(array: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    if array is None or array.shape != shape:
        return np.zeros(shape, np.float32)
    return array.astype(np.float32)


def with_betas(clip: MotionClip, betas: np.ndarray) -> MotionClip:
    """The same motion on another shape."""
    return MotionClip(tuple(replace(s, betas=betas) for s in clip.states), clip.fps)
