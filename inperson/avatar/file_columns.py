"""The arrays of a `.avatar` file: one compact, checked encoding for each.

About 28 bytes a Gaussian: 32-bit face, two 16-bit barycentric coordinates (the third is what is missing
to one), half-precision offsets and colours, 8-bit quaternions, natural logarithms of the scales in half
precision, 8-bit opacities. Residuals add 12 bytes a Gaussian and component, in half precision: to half a
micrometre at one millimetre, and to a hundredth of an 8-bit step at a colour difference of 0.1. A reference photo
adds its pixels, and 5 bytes a Gaussian: its place to a hundredth of a pixel.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inperson.avatar.gaussians import GaussianAvatar, PersonalShader, PoseResiduals, ReferencePhoto

MAX_OFFSET = 5.0
"""Metres a Gaussian may stand off its face."""
MAX_BETA = 100.0
MAX_COEFFICIENT = 100.0
"""Of residuals."""
MAX_WEIGHT = 1e6
MAX_COLOR = 10.0
"""Of residuals: by how much a coefficient of one may change a colour."""
MAX_PERSONAL = 1e3
"""Of the numbers that change the video shader's weights."""
LOG_SCALE_RANGE = (-16.0, 1.0)
REMAKE = "make the avatar again, or copy the file again"


class EncodingError(ValueError):
    """Something breaks the format; the message says what, the reader of the file adds its name."""

    def __init__(self, message: str, mend: str = REMAKE) -> None:
        super().__init__(message)
        self.mend = mend


def require(ok: object, message: str) -> None:
    """Raise EncodingError unless `ok`."""
    if not ok:
        raise EncodingError(message)


@dataclass(frozen=True, slots=True)
class Column:
    """One stored array: its dtype, its shape (letters count as `file_arrays.COUNTS` says), and both directions."""

    dtype: np.dtype
    shape: tuple[str | int, ...]
    encode: Callable[[GaussianAvatar], NDArray]
    decode: Callable[[NDArray], NDArray]


def _finite(x: NDArray, name: str, limit: float = np.inf) -> NDArray[np.float32]:
    out = x.astype(np.float32)
    # min and max carry NaN on, and need no memory
    least, most = (float(out.min()), float(out.max())) if out.size else (0.0, 0.0)
    require(np.isfinite(least) and np.isfinite(most), f"{name} holds NaN or infinite numbers")
    require(max(-least, most) <= limit, f"{name} holds numbers beyond {limit:g}")
    return out


def _decode_face_index(x: NDArray) -> NDArray[np.int32]:
    require(x.max() <= np.iinfo(np.int32).max, "face_index points past any body")  # the poser knows the body
    return x.astype(np.int32)


def _encode_barycentric(avatar: GaussianAvatar) -> NDArray[np.uint16]:
    _finite(avatar.barycentric, "barycentric")
    b = np.clip(avatar.barycentric[:, :2].astype(np.float64), 0.0, 1.0)
    b /= np.maximum(b.sum(axis=1, keepdims=True), 1.0)
    return np.floor(b * 65535.0 + 0.25).astype(np.uint16)  # never rounds the sum above 65535


def _decode_barycentric(q: NDArray) -> NDArray[np.float32]:
    units = q.astype(np.int64)
    require((units.sum(axis=1) <= 65535).all(), "barycentric coordinates leave their triangle")
    return (np.column_stack([units, 65535 - units.sum(axis=1)]) / 65535.0).astype(np.float32)


def _encode_quats(avatar: GaussianAvatar) -> NDArray[np.int8]:
    length = np.linalg.norm(_finite(avatar.quats, "quats"), axis=1, keepdims=True)
    require((length > 0).all(), "quats holds a quaternion of length zero")
    q = avatar.quats / length
    return np.rint(q / np.abs(q).max(axis=1, keepdims=True) * 127.0).astype(np.int8)  # length is free: use all bits


def _decode_quats(x: NDArray) -> NDArray[np.float32]:
    q = x.astype(np.float32)
    length = np.linalg.norm(q, axis=1, keepdims=True)
    require((length > 0).all(), "quats holds a quaternion of length zero")
    return q / length


def _decode_scales(x: NDArray) -> NDArray[np.float32]:
    logs = _finite(x, "log_scales")
    low, high = LOG_SCALE_RANGE
    require(logs.min() >= low and logs.max() <= high, "log_scales holds impossible sizes")
    return np.exp(logs)


def _floats(
    name: str,
    dtype: type,
    shape: tuple[str | int, ...],
    get: Callable[[GaussianAvatar], NDArray],
    limit: float = np.inf,
) -> Column:
    """A column of numbers as they are, up to `limit` on either side of zero."""

    def encode(avatar: GaussianAvatar) -> NDArray:
        with np.errstate(over="ignore"):  # becomes infinite, and is refused as that
            return get(avatar).astype(dtype)

    return Column(np.dtype(dtype), shape, encode, lambda x: _finite(x, name, limit))


def _residuals(avatar: GaussianAvatar) -> PoseResiduals:
    assert avatar.residuals is not None
    return avatar.residuals


def _reference(avatar: GaussianAvatar) -> NDArray:
    assert avatar.reference is not None
    return avatar.reference


def _photo(avatar: GaussianAvatar) -> ReferencePhoto:
    assert avatar.photo is not None
    return avatar.photo


def _personal(avatar: GaussianAvatar) -> PersonalShader:
    assert avatar.personal is not None
    return avatar.personal


def _digest(sha256: str) -> NDArray[np.uint8]:
    require(len(sha256) == 64 and set(sha256) <= set("0123456789abcdef"), "personal_weights_sha256 is no sha256")
    return np.frombuffer(bytes.fromhex(sha256), np.uint8)


def _shares(name: str, dtype: type, shape: tuple[str | int, ...], get: Callable[[GaussianAvatar], NDArray]) -> Column:
    """A column of numbers from 0 to 1, in steps of the integer `dtype`'s range."""
    most = np.iinfo(dtype).max

    def encode(avatar: GaussianAvatar) -> NDArray:
        return np.rint(np.clip(_finite(get(avatar), name), 0.0, 1.0) * most).astype(dtype)

    return Column(np.dtype(dtype), shape, encode, lambda x: x.astype(np.float32) / np.float32(most))


BASE: dict[str, Column] = {
    "face_index": Column(
        np.dtype(np.uint32),
        ("N",),
        lambda a: a.face_index.astype(np.uint32),
        _decode_face_index,
    ),
    "barycentric": Column(np.dtype(np.uint16), ("N", 2), _encode_barycentric, _decode_barycentric),
    "offsets": _floats("offsets", np.float16, ("N", 3), lambda a: a.offsets, limit=MAX_OFFSET),
    "quats": Column(np.dtype(np.int8), ("N", 4), _encode_quats, _decode_quats),
    "log_scales": Column(
        np.dtype(np.float16),
        ("N", 3),
        lambda a: np.clip(np.log(np.maximum(a.scales, 1e-12)), *LOG_SCALE_RANGE).astype(np.float16),
        _decode_scales,
    ),
    "opacities": _shares("opacities", np.uint8, ("N",), lambda a: a.opacities),
    "sh": _floats("sh", np.float16, ("N", "K", 3), lambda a: a.sh),
    "features": _floats("features", np.float16, ("N", "F"), lambda a: a.features),
    "betas": _floats("betas", np.float32, ("B",), lambda a: a.betas, limit=MAX_BETA),
}
"""Every file has these."""

RESIDUALS: dict[str, Column] = {
    "residual_weights": _floats(
        "residual_weights", np.float32, ("R", "P"), lambda a: _residuals(a).weights, limit=MAX_WEIGHT
    ),
    "residual_mean": _floats("residual_mean", np.float32, ("P",), lambda a: _residuals(a).mean, limit=MAX_WEIGHT),
    "residual_low": _floats("residual_low", np.float32, ("R",), lambda a: _residuals(a).low, limit=MAX_COEFFICIENT),
    "residual_high": _floats(
        "residual_high", np.float32, ("R",), lambda a: _residuals(a).high, limit=MAX_COEFFICIENT
    ),
    "residual_offsets": _floats(
        "residual_offsets", np.float16, ("R", "N", 3), lambda a: _residuals(a).offsets, limit=MAX_OFFSET
    ),
    "residual_colors": _floats(
        "residual_colors", np.float16, ("R", "N", 3), lambda a: _residuals(a).colors, limit=MAX_COLOR
    ),
}
"""Of avatars with residuals; since version 2."""

REFERENCE: dict[str, Column] = {"reference": _floats("reference", np.float16, ("T", "D"), _reference)}
"""Of avatars with the embedding of a reference photo; since version 2."""

PHOTO: dict[str, Column] = {
    "photo_image": Column(
        np.dtype(np.uint8), ("rows", "columns", 4), lambda a: _photo(a).image, lambda x: np.array(x, np.uint8)
    ),
    "photo_places": _shares("photo_places", np.uint16, ("N", 2), lambda a: _photo(a).places),
    "photo_trust": _shares("photo_trust", np.uint8, ("N",), lambda a: _photo(a).trust),
}
"""Of avatars with their reference photo; since version 3."""

PERSONAL: dict[str, Column] = {
    "personal_weights_sha256": Column(
        np.dtype(np.uint8),
        (32,),
        lambda a: _digest(_personal(a).weights_sha256),
        lambda x: np.array(x, np.uint8),
    ),
    "personal_values": _floats(
        "personal_values", np.float16, ("A",), lambda a: _personal(a).values, limit=MAX_PERSONAL
    ),
}
"""Of avatars that the video shader has learned something of; since version 4."""
