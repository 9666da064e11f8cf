"""MOTION.npz: a tracked motion in AMASS's names, with what AMASS lacks: face, confidence, camera, residuals.

Arrays of a file written here (T frames, B betas, E expression coefficients):

    poses (T, 165)            axis-angle in SMPL-X's order: root, 21 body, jaw, two eyes, 15 + 15 hand joints
    trans (T, 3)              metres; world: origin at the camera, y up (AMASS itself is z up)
    betas (B,), gender, mocap_framerate, surface_model_type, up_axis
    expression (T, E), expr_names (E,)
    confidence (T, 5), source (T, 5)    in the order of `PARTS`; values of `Source`
    times_ns (T,)             of the frames on the clip's own clock
    camera (4,), image_size (2,)        fx, fy, cx, cy and width, height in pixels
    residual_* (T,)           pixels, NaN where a part was not seen
    body_name, body_sha256    the body it was fitted to

Nothing is pickled. Files from AMASS (SMPL-X, or SMPL+H without a face) load too.
"""

import io
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from inperson.avatar.atomic_file import write_atomically
from inperson.avatar.state import PARTS, BodyState, Source
from inperson.conventions import Intrinsics
from inperson.errors import BadInputError
from inperson.tracking.residuals import Residuals

_FULL, _BODY_AND_HANDS, _BODY = 165, 156, 66
"""Lengths of a frame of `poses`: SMPL-X; SMPL+H (no jaw and eyes); body alone (SMPL's own 72 has two hand joints)."""
_RESIDUALS = ("body_px", "left_hand_px", "right_hand_px", "face_px", "person_px")
_MEND = "give a motion written by `inperson track`, or an AMASS npz"


@dataclass(frozen=True, slots=True, eq=False)
class MotionClip:
    """A motion of T frames."""

    poses: Float[np.ndarray, "T 165"]
    trans: Float[np.ndarray, "T 3"]
    betas: Float[np.ndarray, " B"]
    framerate: float
    """Nominal frames per second."""
    times_ns: Int[np.ndarray, " T"]
    expression: Float[np.ndarray, "T E"]
    confidence: Float[np.ndarray, "T 5"]
    source: Int[np.ndarray, "T 5"]
    expr_names: tuple[str, ...] | None = None
    gender: str = "neutral"
    intrinsics: Intrinsics | None = None
    """The camera it was tracked with; None for motions that came from elsewhere."""
    residuals: tuple[Residuals, ...] = ()
    """One per frame, or none."""
    body_name: str | None = None
    body_sha256: str | None = None
    up_axis: str = "y"

    def __len__(self) -> int:
        return len(self.poses)

    def state(self, frame: int) -> BodyState:
        """The `BodyState` of a frame."""
        rest = BodyState.rest(0, 0, int(self.times_ns[frame]))
        posed = rest.with_full_pose(self.poses[frame].reshape(55, 3))
        return BodyState(
            betas=self.betas,
            global_orient=posed.global_orient,
            transl=self.trans[frame],
            body_pose=posed.body_pose,
            left_hand_pose=posed.left_hand_pose,
            right_hand_pose=posed.right_hand_pose,
            jaw_pose=posed.jaw_pose,
            leye_pose=posed.leye_pose,
            reye_pose=posed.reye_pose,
            expression=self.expression[frame],
            time_ns=int(self.times_ns[frame]),
            confidence=self.confidence[frame],
            source=tuple(Source(int(s)) for s in self.source[frame]),
        )

    def y_up(self, pelvis: Float[np.ndarray, "3"]) -> "MotionClip":
        """The same motion with y up.

        Args:
            pelvis: the pelvis of the body's rest pose, about which `global_orient` turns.
        """
        if self.up_axis == "y":
            return self
        turn = Rotation.from_euler("x", -90, degrees=True)
        poses = self.poses.copy()
        poses[:, :3] = (turn * Rotation.from_rotvec(self.poses[:, :3])).as_rotvec()
        trans = turn.apply(self.trans + pelvis) - pelvis
        return replace(self, poses=poses.astype(np.float32), trans=trans.astype(np.float32), up_axis="y")


def clip_of_states(
    states: list[BodyState],
    *,
    framerate: float,
    intrinsics: Intrinsics | None = None,
    residuals: tuple[Residuals, ...] = (),
    expr_names: tuple[str, ...] | None = None,
    body_name: str | None = None,
    body_sha256: str | None = None,
) -> MotionClip:
    """A clip of states in time order; shape is the last state's, which knew the person best."""
    return MotionClip(
        poses=np.stack([s.full_pose.reshape(-1) for s in states]).astype(np.float32),
        trans=np.stack([s.transl for s in states]).astype(np.float32),
        betas=states[-1].betas.astype(np.float32),
        framerate=float(framerate),
        times_ns=np.array([s.time_ns for s in states], np.int64),
        expression=np.stack([s.expression for s in states]).astype(np.float32),
        confidence=np.stack([s.confidence for s in states]).astype(np.float32),
        source=np.array([[int(p) for p in s.source] for s in states], np.int8),
        expr_names=expr_names,
        intrinsics=intrinsics,
        residuals=residuals,
        body_name=body_name,
        body_sha256=body_sha256,
    )


def save_motion(clip: MotionClip, path: Path) -> None:
    """Writes a clip whole or not at all.

    Raises:
        OutputError: the place cannot be written.
    """
    arrays = {
        "poses": clip.poses,
        "trans": clip.trans,
        "betas": clip.betas,
        "gender": np.array(clip.gender),
        "mocap_framerate": np.array(clip.framerate),
        "surface_model_type": np.array("smplx"),
        "up_axis": np.array(clip.up_axis),
        "expression": clip.expression,
        "confidence": clip.confidence,
        "source": clip.source,
        "times_ns": clip.times_ns,
    }
    if clip.expr_names is not None:
        arrays["expr_names"] = np.array(clip.expr_names)
    if clip.body_name is not None and clip.body_sha256 is not None:
        arrays |= {"body_name": np.array(clip.body_name), "body_sha256": np.array(clip.body_sha256)}
    if clip.intrinsics is not None:
        k = clip.intrinsics
        arrays |= {"camera": np.array([k.fx, k.fy, k.cx, k.cy]), "image_size": np.array([k.width, k.height])}
    for name in _RESIDUALS if clip.residuals else ():
        arrays[f"residual_{name}"] = np.array([getattr(r, name) for r in clip.residuals], np.float32)
    data = io.BytesIO()
    np.savez_compressed(data, allow_pickle=False, **arrays)
    write_atomically(path, data.getvalue())


def load_motion(path: Path) -> MotionClip:
    """Reads a motion.

    Raises:
        BadInputError: no such file, not an npz, arrays missing or of the wrong shape, values not finite.
    """
    if not path.is_file():
        raise BadInputError(f"motion {path} not found", _MEND)
    try:
        with np.load(path, allow_pickle=False) as file:
            return _Reader(path, file).clip()
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise BadInputError(f"motion {path} is not a readable npz ({error})", _MEND) from error


class _Reader:
    """Checks and gathers the arrays of one open npz."""

    def __init__(self, path: Path, file: np.lib.npyio.NpzFile) -> None:
        self._path, self._file = path, file

    def clip(self) -> MotionClip:
        poses = self._poses()
        frames = len(poses)
        self._require({"trans"})
        framerate = self._framerate()
        default_times = np.round(np.arange(frames) * 1e9 / framerate).astype(np.int64)
        expression = self._floats("expression", (frames, None), np.zeros((frames, 0)))
        names = self._file.get("expr_names")
        if names is not None and names.shape != (expression.shape[1],):
            raise self._bad(f"expr_names has shape {names.shape}, expression {expression.shape}")
        times = self._file["times_ns"].astype(np.int64) if "times_ns" in self._file else default_times
        if times.shape != (frames,) or (np.diff(times) <= 0).any():
            raise self._bad("times_ns does not rise frame by frame")
        source = self._file["source"] if "source" in self._file else np.full((frames, len(PARTS)), Source.FILE)
        if source.shape != (frames, len(PARTS)) or not np.isin(source, list(Source)).all():
            raise self._bad(f"source has shape {source.shape} or unknown values")
        return MotionClip(
            poses=poses.astype(np.float32),
            trans=self._floats("trans", (frames, 3)),
            betas=self._floats("betas", (None,), np.zeros(0)),
            framerate=framerate,
            times_ns=times,
            expression=expression,
            confidence=self._floats("confidence", (frames, len(PARTS)), np.ones((frames, len(PARTS)))),
            source=source.astype(np.int8),
            expr_names=None if names is None else tuple(str(n) for n in names),
            gender=self._text("gender") or "neutral",
            intrinsics=self._intrinsics(),
            residuals=self._residuals(frames),
            body_name=self._text("body_name"),
            body_sha256=self._text("body_sha256"),
            up_axis=self._up_axis(poses[:, :3]),
        )

    def _bad(self, what: str) -> BadInputError:
        return BadInputError(f"motion {self._path}: {what}", _MEND)

    def _require(self, names: set[str]) -> None:
        missing = sorted(names - set(self._file.files))
        if missing:
            raise self._bad(f"missing array{'s' * (len(missing) > 1)} {', '.join(missing)}")

    def _poses(self) -> Float[np.ndarray, "T 165"]:
        if "poses" not in self._file and {"root_orient", "pose_body"} <= set(self._file.files):
            poses = np.concatenate([self._floats(name, (None, None)) for name in self._separate_poses()], axis=1)
        else:
            self._require({"poses", "trans"})
            poses = self._floats("poses", (None, None))
        frames, width = poses.shape
        if frames == 0 or width not in (_FULL, _BODY_AND_HANDS, 72, _BODY):
            raise self._bad(
                f"poses has shape {poses.shape}, expected (T, {_FULL}), (T, {_BODY_AND_HANDS}) or (T, 66)"
            )
        full = np.zeros((frames, _FULL), np.float32)
        full[:, :_BODY] = poses[:, :_BODY]
        if width == _FULL:
            full = poses
        elif width == _BODY_AND_HANDS:
            full[:, 75:] = poses[:, _BODY:]
        return full

    def _separate_poses(self) -> tuple[str, ...]:
        """AMASS's second naming: one array a part."""
        whole = ("root_orient", "pose_body", "pose_jaw", "pose_eye", "pose_hand")
        return whole if set(whole) <= set(self._file.files) else whole[:2]

    def _floats(self, name: str, shape: tuple[int | None, ...], default: np.ndarray | None = None) -> np.ndarray:
        if name not in self._file:
            if default is None:
                self._require({name})
            return np.asarray(default, np.float32)
        array = self._file[name]
        fits = array.ndim == len(shape) and all(
            want in (None, have) for want, have in zip(shape, array.shape, strict=True)
        )
        if not fits or array.dtype.kind not in "fiu":
            wanted = ", ".join("any" if s is None else str(s) for s in shape)
            raise self._bad(f"{name} is {array.dtype} {array.shape}, expected numbers of shape ({wanted})")
        if not np.isfinite(array).all():
            raise self._bad(f"{name} has values that are not finite")
        return array.astype(np.float32)

    def _framerate(self) -> float:
        for name in ("mocap_framerate", "mocap_frame_rate"):
            if name in self._file:
                rate = float(self._floats(name, ()))
                if not 0.0 < rate <= 1000.0:
                    raise self._bad(f"{name} is {rate}")
                return rate
        raise self._bad("missing array mocap_framerate")

    def _text(self, name: str) -> str | None:
        if name not in self._file:
            return None
        value = self._file[name].item()
        return value.decode() if isinstance(value, bytes) else str(value)

    def _up_axis(self, roots: Float[np.ndarray, "T 3"]) -> str:
        up = self._text("up_axis")
        if up is None:  # AMASS is z up, much else is y up, and neither says so: see which way the body stands
            standing = Rotation.from_rotvec(roots).apply([0.0, 1.0, 0.0]).mean(axis=0)
            return "z" if standing[2] > standing[1] else "y"
        if up not in ("y", "z"):
            raise self._bad(f"up_axis is '{up}', expected y or z")
        return up

    def _intrinsics(self) -> Intrinsics | None:
        if "camera" not in self._file:
            return None
        fx, fy, cx, cy = (float(x) for x in self._floats("camera", (4,)))
        width, height = (int(x) for x in self._floats("image_size", (2,)))
        if min(fx, fy, width, height) <= 0:
            raise self._bad("camera or image_size is not positive")
        return Intrinsics(fx, fy, cx, cy, width, height)

    def _residuals(self, frames: int) -> tuple[Residuals, ...]:
        names = [f"residual_{name}" for name in _RESIDUALS]
        if not set(names) <= set(self._file.files):
            return ()
        columns = [self._file[name] for name in names]
        if any(c.shape != (frames,) or c.dtype.kind != "f" for c in columns):
            raise self._bad("a residual array does not have one number per frame")
        return tuple(Residuals(*(float(x) for x in row)) for row in zip(*columns, strict=True))
