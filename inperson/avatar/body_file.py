"""Reading and checking an SMPL-X npz, ours or a licensed one, without ever unpickling anything.

Licensed files hold pickled objects (`part2num`, `joint2num`); only the plain arrays a body needs are read.
"""

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from inperson.avatar.pose_correctives import NUM_POSE_FEATURES, PoseCorrectives
from inperson.errors import BadInputError

REQUIRED_KEYS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")
SHAPE_SPACE_DIM, EXPRESSION_SPACE_DIM = 300, 100
"""Columns of `shapedirs` in SMPL-X: 300 of shape, then 100 of expression (files of 2019: 10 and 10)."""

_MEND = "give an SMPL-X npz (SMPLX_NEUTRAL.npz, SMPLX_MALE.npz, ...) or one of neutral, male, female"


@dataclass(frozen=True, slots=True)
class RawBody:
    """Checked arrays of one file; unused coefficients at the end (all-zero columns) are gone."""

    sha256: str
    v_template: Float[np.ndarray, "V 3"]
    shapedirs: Float[np.ndarray, "V 3 B"]
    exprdirs: Float[np.ndarray, "V 3 E"]
    pose_correctives: PoseCorrectives
    J_regressor: Float[np.ndarray, "55 V"]
    weights: Float[np.ndarray, "V 55"]
    parents: Int[np.ndarray, "55"]
    faces: Int[np.ndarray, "F 3"]
    optional: dict[str, Any]
    """`BodyModel`'s optional fields that the file has, by their names there."""


def read_body_file(path: Path) -> RawBody:
    """Read `path` and check that it is a body.

    Raises:
        BadInputError: not an npz, keys missing, another model's joint count, wrong shapes, non-finite numbers.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"body file '{path}' cannot be read ({error.strerror})", _MEND) from error
    arrays = _read_arrays(path)
    num_vertices = _check_shapes(path, arrays)
    shape_columns, expression_columns = _split_shapedirs(path, arrays["shapedirs"])
    expr_names = _strings(arrays.get("expr_names"))
    parents = arrays["kintree_table"][0].astype(np.int64)
    parents[0] = -1
    _check_topology(path, arrays["f"], parents, num_vertices)
    exprdirs = _without_zero_tail(expression_columns, at_least=len(expr_names) if expr_names else 1)
    return RawBody(
        sha256=hashlib.sha256(content).hexdigest(),
        v_template=_floats(path, "v_template", arrays["v_template"]),
        shapedirs=_floats(path, "shapedirs", _without_zero_tail(shape_columns, at_least=1)),
        exprdirs=_floats(path, "shapedirs", exprdirs),
        pose_correctives=_correctives(path, arrays["posedirs"]),
        J_regressor=_floats(path, "J_regressor", arrays["J_regressor"]),
        weights=_floats(path, "weights", arrays["weights"]),
        parents=parents.astype(np.int32),
        faces=np.ascontiguousarray(arrays["f"], np.int32),
        optional=_optional_fields(path, arrays, expr_names, exprdirs.shape[-1]),
    )


_OPTIONAL_KEYS = (
    *("expr_names", "vt", "ft", "hands_meanl", "hands_meanr"),
    *("hm08_index", "vertex_part", "mediapipe_faces", "mediapipe_barycentric"),
)


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    if not zipfile.is_zipfile(path):
        raise BadInputError(f"body file '{path}' is not an npz", _MEND)
    try:
        with np.load(path, allow_pickle=False) as npz:
            missing = [key for key in REQUIRED_KEYS if key not in npz.files]
            if missing:
                raise BadInputError(f"body file '{path}' is not a body: it lacks {', '.join(missing)}", _MEND)
            wanted = [key for key in (*REQUIRED_KEYS, *_OPTIONAL_KEYS) if key in npz.files]
            return {key: npz[key] for key in wanted}
    except ValueError as error:  # numpy's word for an object array or a damaged .npy header inside
        raise BadInputError(
            f"body file '{path}' holds pickled or damaged arrays where numbers belong", _MEND
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise BadInputError(f"body file '{path}' is damaged ({error})", "download or build it again") from error


def _check_shapes(path: Path, arrays: dict[str, np.ndarray]) -> int:
    """Number of vertices, once every required array has the shape that SMPL-X gives it."""
    num_joints = arrays["kintree_table"].shape[-1] if arrays["kintree_table"].ndim == 2 else 0
    if num_joints != 55:
        known = {24: " (SMPL)", 52: " (SMPL-H)", 16: " (MANO)"}.get(num_joints, "")
        raise BadInputError(f"body file '{path}' has {num_joints} joints{known}, SMPL-X has 55", _MEND)
    v = len(arrays["v_template"]) if arrays["v_template"].ndim else 0
    expected: dict[str, tuple[int | None, ...]] = {
        "v_template": (v, 3),
        "shapedirs": (v, 3, None),
        "posedirs": (v, 3, NUM_POSE_FEATURES),
        "J_regressor": (55, v),
        "weights": (v, 55),
        "kintree_table": (2, 55),
        "f": (None, 3),
    }
    for key, shape in expected.items():
        _check_shape(path, key, arrays[key], shape)
    return v


def _check_shape(path: Path, key: str, array: np.ndarray, shape: tuple[int | None, ...]) -> None:
    got = array.shape
    if len(got) != len(shape) or any(n is not None and n != m for n, m in zip(shape, got, strict=True)):
        wanted = tuple("any" if n is None else n for n in shape)
        raise BadInputError(f"body file '{path}': {key} is {got}, expected {wanted}", _MEND)


def _split_shapedirs(path: Path, shapedirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shape and expression columns: 300 + 100, or 10 + 10 in short files (the `smplx` package's own rule)."""
    n = shapedirs.shape[-1]
    if n >= SHAPE_SPACE_DIM + EXPRESSION_SPACE_DIM:
        return shapedirs[..., :SHAPE_SPACE_DIM], shapedirs[..., SHAPE_SPACE_DIM:][..., :EXPRESSION_SPACE_DIM]
    if n < 20:
        raise BadInputError(f"body file '{path}' has {n} shape columns; 10 + 10 is the least SMPL-X has", _MEND)
    return shapedirs[..., :10], shapedirs[..., 10:20]


def _check_topology(path: Path, faces: np.ndarray, parents: np.ndarray, num_vertices: int) -> None:
    if faces.size == 0 or faces.dtype.kind not in "iu" or int(faces.min()) < 0 or int(faces.max()) >= num_vertices:
        raise BadInputError(f"body file '{path}': faces (f) name vertices that do not exist", _MEND)
    if not all(0 <= parent < joint for joint, parent in enumerate(parents[1:].tolist(), start=1)):
        raise BadInputError(f"body file '{path}': kintree_table is not a tree in SMPL-X's order", _MEND)


def _without_zero_tail(columns: np.ndarray, at_least: int) -> np.ndarray:
    """`columns` up to the last one that is not all zero (our files pad to SMPL-X's 300 + 100)."""
    used = np.flatnonzero(columns.any(axis=(0, 1)))
    return columns[..., : max(at_least, int(used[-1]) + 1 if len(used) else 0)]


def _floats(path: Path, key: str, array: np.ndarray) -> np.ndarray:
    _check_numbers(path, key, array)
    out = np.ascontiguousarray(array, np.float32)
    _check_finite(path, key, out)
    return out


def _correctives(path: Path, posedirs: np.ndarray) -> PoseCorrectives:
    """Of the array as it is stored: it is the largest, nearly all zero, and float32 doubles it."""
    _check_numbers(path, "posedirs", posedirs)
    out = PoseCorrectives.from_dense(posedirs)
    _check_finite(path, "posedirs", out.blocks)
    return out


def _check_numbers(path: Path, key: str, array: np.ndarray) -> None:
    if array.dtype.kind not in "fiu":
        raise BadInputError(f"body file '{path}': {key} holds {array.dtype}, not numbers", _MEND)


def _check_finite(path: Path, key: str, array: Float[np.ndarray, "..."]) -> None:
    if not np.isfinite(array).all():
        raise BadInputError(
            f"body file '{path}': {key} holds numbers that are not finite", "build or download it again"
        )


def _strings(array: np.ndarray | None) -> tuple[str, ...] | None:
    return None if array is None else tuple(str(name) for name in array)


def _optional_fields(
    path: Path, arrays: dict[str, np.ndarray], expr_names: tuple[str, ...] | None, num_expression: int
) -> dict[str, Any]:
    v, f = len(arrays["v_template"]), len(arrays["f"])
    expected: dict[str, tuple[int | None, ...]] = {
        "expr_names": (num_expression,),
        "hands_meanl": (45,),
        "hands_meanr": (45,),
        "vt": (None, 2),
        "ft": (f, 3),
        "hm08_index": (v,),
        "vertex_part": (v,),
        "mediapipe_faces": (478,),
        "mediapipe_barycentric": (478, 3),
    }
    for key in _OPTIONAL_KEYS:
        if key in arrays:
            _check_shape(path, key, arrays[key], expected[key])
    optional: dict[str, Any] = {"expr_names": expr_names}
    if "hands_meanl" in arrays and "hands_meanr" in arrays:
        both = np.concatenate([arrays["hands_meanl"].reshape(15, 3), arrays["hands_meanr"].reshape(15, 3)])
        optional["hands_mean"] = _floats(path, "hands_mean", both)
    for key in ("vt", "mediapipe_barycentric"):
        if key in arrays:
            optional[key] = _floats(path, key, arrays[key])
    for key in ("ft", "hm08_index", "vertex_part", "mediapipe_faces"):
        if key in arrays:
            optional[key] = np.ascontiguousarray(arrays[key], np.int32)
    return optional
