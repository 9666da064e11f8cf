"""Which arrays a `.avatar` file holds, how large they may be, and turning them into an avatar's fields and back."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inperson.avatar.file_columns import BASE, PERSONAL, PHOTO, REFERENCE, RESIDUALS, Column, require
from inperson.avatar.gaussians import LONGEST_PHOTO, GaussianAvatar, PersonalShader, PoseResiduals, ReferencePhoto
from inperson.avatar.residuals import MAX_COMPONENTS, NUM_POSE_FEATURES

COUNTS = {
    "N": ("Gaussians", 1, 2_000_000),
    "K": ("colour coefficients", 1, 9),
    "F": ("features", 0, 64),
    "B": ("betas", 0, 1024),
    "R": ("residual components", 1, MAX_COMPONENTS),
    "P": ("pose features", NUM_POSE_FEATURES, NUM_POSE_FEATURES + 1024),
    "T": ("reference tokens", 1, 4096),
    "D": ("reference channels", 1, 4096),
    "rows": ("rows of the photo", 1, LONGEST_PHOTO),
    "columns": ("columns of the photo", 1, LONGEST_PHOTO),
    "A": ("personal numbers", 1, 1 << 20),
}
"""What the letters in the columns' shapes count, and the least and the most of it."""
SH_COUNTS = (1, 4, 9)
MAX_DECODED_BYTES = 320 << 20
"""Of all arrays in memory, four bytes a number: a million Gaussians with 8 residual components fill 256 MB."""


def version_of(avatar: GaussianAvatar) -> int:
    """The lowest format version that holds an avatar: older programs open what they can."""
    if avatar.personal is not None:
        return 4
    if avatar.photo is not None:
        return 3
    return 1 if avatar.residuals is None and avatar.reference is None else 2


def encode(avatar: GaussianAvatar) -> dict[str, NDArray]:
    """The stored arrays of an avatar."""
    columns = dict(BASE)
    if avatar.residuals is not None:
        columns |= RESIDUALS
    if avatar.reference is not None:
        columns |= REFERENCE
    if avatar.photo is not None:
        columns |= PHOTO
    if avatar.personal is not None:
        columns |= PERSONAL
    return {name: np.ascontiguousarray(column.encode(avatar)) for name, column in columns.items()}


def check_layout(described: Mapping[str, tuple[str, tuple[int, ...]]], version: int) -> None:
    """Check names, dtypes, shapes and the sum of all sizes before any array is read.

    Args:
        described: numpy dtype name and shape of every array in the file.
        version: of the format that the file says it has.

    Raises:
        EncodingError: what is missing, surplus, or of the wrong kind or size.
    """
    columns = _columns_of(described, version)
    counts: dict[str, int] = {}
    for name, column in columns.items():
        dtype, shape = described[name]
        require(dtype == column.dtype.name, f"{name} is stored as {dtype}, not {column.dtype.name}")
        require(len(shape) == len(column.shape), f"{name} has {len(shape)} dimensions, not {len(column.shape)}")
        for expected, size in zip(column.shape, shape, strict=True):
            wanted = counts.setdefault(expected, size) if isinstance(expected, str) else expected
            require(size == wanted, f"{name} has a size of {size} where {wanted} is right")
    for letter, count in counts.items():
        what, least, most = COUNTS[letter]
        require(least <= count <= most, f"it holds {count} {what} ({least} to {most} are allowed)")
    require(counts["K"] in SH_COUNTS, f"it holds {counts['K']} colour coefficients (allowed: 1, 4, 9)")
    decoded = 4 * sum(prod(shape) for _, shape in described.values())
    require(decoded <= MAX_DECODED_BYTES, f"it would fill {decoded} bytes of memory (allowed: {MAX_DECODED_BYTES})")


def _columns_of(names: Mapping[str, object], version: int) -> dict[str, Column]:
    """The columns of a file that has these arrays."""
    columns = dict(BASE)
    for group, since in ((RESIDUALS, 2), (REFERENCE, 2), (PHOTO, 3), (PERSONAL, 4)):
        if version >= since and names.keys() & group.keys():
            columns |= group
    require(names.keys() == columns.keys(), f"the arrays should be {', '.join(sorted(columns))}")
    return columns


def decode(read: Callable[[str], NDArray], names: Mapping[str, object], version: int) -> dict[str, Any]:
    """The fields of `GaussianAvatar` from stored arrays whose layout is checked; one array in memory at a time.

    Args:
        read: gives an array of the file by its name.
        names: of the file's arrays.

    Raises:
        EncodingError: values that cannot be (not finite, out of range).
    """
    fields: dict[str, Any] = {n: column.decode(read(n)) for n, column in _columns_of(names, version).items()}
    fields["scales"] = fields.pop("log_scales")
    if RESIDUALS.keys() <= fields.keys():
        residuals = PoseResiduals(**{name.removeprefix("residual_"): fields.pop(name) for name in RESIDUALS})
        require((residuals.low <= residuals.high).all(), "residual_low is above residual_high")
        fields["residuals"] = residuals
    if PHOTO.keys() <= fields.keys():
        fields["photo"] = ReferencePhoto(**{name.removeprefix("photo_"): fields.pop(name) for name in PHOTO})
    if PERSONAL.keys() <= fields.keys():
        digest = fields.pop("personal_weights_sha256").tobytes().hex()
        fields["personal"] = PersonalShader(digest, fields.pop("personal_values"))
    return fields
