"""How a `.avatar` file stores the arrays of a `GaussianAvatar`: one compact, checked encoding per array.

About 28 bytes a Gaussian: 32-bit face, two 16-bit barycentric coordinates (the third is what is missing
to one), half-precision offsets and colours, 8-bit quaternions, natural logarithms of the scales in half
precision, 8-bit opacities.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inperson.avatar.gaussians import GaussianAvatar

MAX_GAUSSIANS = 2_000_000
MAX_BETAS = 1024
MAX_FEATURES = 64
MAX_OFFSET = 5.0
"""Metres a Gaussian may stand off its face."""
LOG_SCALE_RANGE = (-16.0, 1.0)
SH_COUNTS = (1, 4, 9)

Arrays = Mapping[str, NDArray]


REMAKE = "make the avatar again, or copy the file again"


class EncodingError(ValueError):
    """Something breaks the format; the message says what, the reader of the file adds its name."""

    def __init__(self, message: str, mend: str = REMAKE) -> None:
        super().__init__(message)
        self.mend = mend


@dataclass(frozen=True, slots=True)
class Column:
    """One stored array: its dtype, its shape (`N`, `K`, `F`, `B` stand for the counts), and both directions."""

    dtype: np.dtype
    shape: tuple[str | int, ...]
    encode: Callable[[GaussianAvatar], NDArray]
    decode: Callable[[NDArray], NDArray]


def _require(ok: bool | np.bool_, message: str) -> None:
    if not ok:
        raise EncodingError(message)


def _finite(x: NDArray, name: str) -> NDArray[np.float32]:
    out = x.astype(np.float32)
    _require(np.isfinite(out).all(), f"{name} holds NaN or infinite numbers")
    return out


def _decode_face_index(x: NDArray) -> NDArray[np.int32]:
    _require(x.max() <= np.iinfo(np.int32).max, "face_index points past any body")  # the poser knows the body
    return x.astype(np.int32)


def _encode_barycentric(avatar: GaussianAvatar) -> NDArray[np.uint16]:
    b = np.clip(avatar.barycentric[:, :2].astype(np.float64), 0.0, 1.0)
    b /= np.maximum(b.sum(axis=1, keepdims=True), 1.0)
    return np.floor(b * 65535.0 + 0.25).astype(np.uint16)  # never rounds the sum above 65535


def _decode_barycentric(q: NDArray) -> NDArray[np.float32]:
    units = q.astype(np.int64)
    _require((units.sum(axis=1) <= 65535).all(), "barycentric coordinates leave their triangle")
    return (np.column_stack([units, 65535 - units.sum(axis=1)]) / 65535.0).astype(np.float32)


def _decode_offsets(x: NDArray) -> NDArray[np.float32]:
    offsets = _finite(x, "offsets")
    _require(np.abs(offsets).max() <= MAX_OFFSET, f"offsets stand further than {MAX_OFFSET:g} m off the body")
    return offsets


def _encode_quats(avatar: GaussianAvatar) -> NDArray[np.int8]:
    q = avatar.quats / np.linalg.norm(avatar.quats, axis=1, keepdims=True)
    return np.rint(q / np.abs(q).max(axis=1, keepdims=True) * 127.0).astype(np.int8)  # length is free: use all bits


def _decode_quats(x: NDArray) -> NDArray[np.float32]:
    q = x.astype(np.float32)
    length = np.linalg.norm(q, axis=1, keepdims=True)
    _require((length > 0).all(), "quats holds a quaternion of length zero")
    return q / length


def _decode_scales(x: NDArray) -> NDArray[np.float32]:
    logs = _finite(x, "log_scales")
    low, high = LOG_SCALE_RANGE
    _require((logs >= low).all() and (logs <= high).all(), "log_scales holds impossible sizes")
    return np.exp(logs)


COLUMNS: dict[str, Column] = {
    "face_index": Column(
        np.dtype(np.uint32),
        ("N",),
        lambda a: a.face_index.astype(np.uint32),
        _decode_face_index,
    ),
    "barycentric": Column(np.dtype(np.uint16), ("N", 2), _encode_barycentric, _decode_barycentric),
    "offsets": Column(np.dtype(np.float16), ("N", 3), lambda a: a.offsets.astype(np.float16), _decode_offsets),
    "quats": Column(np.dtype(np.int8), ("N", 4), _encode_quats, _decode_quats),
    "log_scales": Column(
        np.dtype(np.float16),
        ("N", 3),
        lambda a: np.clip(np.log(np.maximum(a.scales, 1e-12)), *LOG_SCALE_RANGE).astype(np.float16),
        _decode_scales,
    ),
    "opacities": Column(
        np.dtype(np.uint8),
        ("N",),
        lambda a: np.rint(np.clip(a.opacities, 0.0, 1.0) * 255.0).astype(np.uint8),
        lambda x: x.astype(np.float32) / 255.0,
    ),
    "sh": Column(np.dtype(np.float16), ("N", "K", 3), lambda a: a.sh.astype(np.float16), lambda x: _finite(x, "sh")),
    "features": Column(
        np.dtype(np.float16),
        ("N", "F"),
        lambda a: a.features.astype(np.float16),
        lambda x: _finite(x, "features"),
    ),
    "betas": Column(
        np.dtype(np.float32), ("B",), lambda a: a.betas.astype(np.float32), lambda x: _finite(x, "betas")
    ),
}
"""Every array of the file by its name; a file has exactly these."""


def encode(avatar: GaussianAvatar) -> dict[str, NDArray]:
    """The stored arrays of an avatar."""
    return {name: np.ascontiguousarray(column.encode(avatar)) for name, column in COLUMNS.items()}


def check_layout(described: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
    """Check names, dtypes and shapes before any array is read.

    Args:
        described: numpy dtype name and shape of every array in the file.

    Raises:
        EncodingError: what is missing, surplus, or of the wrong kind or size.
    """
    _require(set(described) == set(COLUMNS), f"the arrays should be {', '.join(sorted(COLUMNS))}")
    counts: dict[str, int] = {}
    for name, column in COLUMNS.items():
        dtype, shape = described[name]
        _require(dtype == column.dtype.name, f"{name} is stored as {dtype}, not {column.dtype.name}")
        _require(len(shape) == len(column.shape), f"{name} has {len(shape)} dimensions, not {len(column.shape)}")
        for expected, size in zip(column.shape, shape, strict=True):
            wanted = counts.setdefault(expected, size) if isinstance(expected, str) else expected
            _require(size == wanted, f"{name} has a size of {size} where {wanted} is right")
    _require(
        1 <= counts["N"] <= MAX_GAUSSIANS, f"it holds {counts['N']} Gaussians (1 to {MAX_GAUSSIANS} are allowed)"
    )
    _require(counts["K"] in SH_COUNTS, f"it holds {counts['K']} colour coefficients (allowed: 1, 4, 9)")
    _require(counts["B"] <= MAX_BETAS and counts["F"] <= MAX_FEATURES, "it holds too many betas or features")


def decode(arrays: Arrays) -> dict[str, NDArray]:
    """The fields of `GaussianAvatar` from stored arrays whose layout is checked.

    Raises:
        EncodingError: values that cannot be (not finite, out of range).
    """
    fields = {name: column.decode(arrays[name]) for name, column in COLUMNS.items()}
    fields["scales"] = fields.pop("log_scales")
    return fields
