"""`MotionClip`: a body's states at a steady rate, and its AMASS-style npz file.

The file has the arrays that `inperson track` writes (`poses`, `trans`, `betas`, `expression`, `camera`, ...), so
that ground truth plays, renders and compares like any tracked motion.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.errors import BadInputError

_MEND = "give an AMASS-style npz of SMPL-X"


@dataclass(frozen=True, slots=True, eq=False)
class MotionClip:
    """States `1 / fps` seconds apart."""

    states: tuple[BodyState, ...]
    fps: float

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.states) / self.fps


def save_motion(
    clip: MotionClip,
    path: Path,
    body: BodyModel,
    camera: Intrinsics | None = None,
    joints: Float[np.ndarray, "T 55 3"] | None = None,
) -> None:
    """Writes the motion, the body it was made for, the camera that saw it (world origin, looking along -z)
    and, as `joints`, where the posed joints were (world, metres)."""
    states = clip.states
    arrays: dict[str, Any] = {
        "poses": np.stack([s.full_pose.reshape(-1) for s in states]).astype(np.float32),
        "trans": np.stack([s.transl for s in states]).astype(np.float32),
        "betas": states[0].betas.astype(np.float32),
        "expression": np.stack([s.expression for s in states]).astype(np.float32),
        "times_ns": np.array([s.time_ns for s in states], np.int64),
        "mocap_framerate": np.array(float(clip.fps)),
        "surface_model_type": np.array("smplx"),
        "gender": np.array(body.name),
        "up_axis": np.array("y"),
        "body_name": np.array(body.name),
        "body_sha256": np.array(body.sha256),
    }
    if body.expr_names is not None:
        arrays["expr_names"] = np.array(body.expr_names)
    if camera is not None:
        arrays["camera"] = np.array([camera.fx, camera.fy, camera.cx, camera.cy])
        arrays["image_size"] = np.array([camera.width, camera.height])
    if joints is not None:
        arrays["joints"] = joints.astype(np.float32)
    np.savez_compressed(path, allow_pickle=False, **arrays)


def load_motion(path: Path, body: BodyModel) -> MotionClip:
    """Reads an AMASS-style file (`poses`, or `root_orient` and `pose_body` with optional hands, jaw and eyes).

    Betas and expressions are kept if their counts fit the body, else set to zero: they belong to the body they
    were made for.

    Raises:
        BadInputError: not a motion file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files if file[name].dtype.kind in "fiu"}
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path} is not a motion npz ({error})", _MEND) from error
    poses = _poses(path, arrays)
    frames = len(poses)
    fps = float(arrays.get("mocap_framerate", arrays.get("mocap_frame_rate", np.array(30.0))))
    times = arrays.get("times_ns", np.round(np.arange(frames) * 1e9 / fps)).astype(np.int64)
    trans = arrays["trans"].astype(np.float32)
    betas = _fitting(arrays.get("betas"), (body.num_betas,))
    expression = _fitting(arrays.get("expression"), (frames, body.num_expression))
    states = []
    for i in range(frames):
        rest = BodyState.rest(body.num_betas, body.num_expression, int(times[i]))
        posed = rest.with_full_pose(poses[i])
        states.append(replace(posed, transl=trans[i], betas=betas, expression=expression[i]))
    return MotionClip(tuple(states), fps)


def _poses(path: Path, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """(T, 55, 3) axis-angle."""
    trans = arrays.get("trans")
    if trans is None or trans.ndim != 2 or trans.shape[1] != 3 or len(trans) == 0:
        raise BadInputError(f"{path} has no trans (T, 3)", _MEND)
    frames = len(trans)
    if "poses" in arrays:
        poses = arrays["poses"]
    else:
        widths = {"root_orient": 3, "pose_body": 63, "pose_jaw": 3, "pose_eye": 6, "pose_hand": 90}
        missing = [name for name in ("root_orient", "pose_body") if name not in arrays]
        if missing:
            raise BadInputError(f"{path} lacks {', '.join(missing)}", _MEND)
        poses = np.concatenate([_fitting(arrays.get(name), (frames, w)) for name, w in widths.items()], axis=1)
    if poses.shape != (frames, 165):
        raise BadInputError(f"{path} has poses {poses.shape}, expected ({frames}, 165)", _MEND)
    return poses.reshape(frames, 55, 3).astype(np.float32)


def _fitting(array: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    """The array as float32, or zeros where it is absent or of another body."""
    if array is None or array.shape != shape:
        return np.zeros(shape, np.float32)
    return array.astype(np.float32)
