"""Huge avatar files that take no room on the disk: every number is zero but the quaternions."""

import json
import struct
from math import prod
from pathlib import Path

from inperson.avatar.file_columns import BASE, RESIDUALS

_NAMES = {"uint8": "U8", "int8": "I8", "uint16": "U16", "float16": "F16", "uint32": "U32", "float32": "F32"}


def write_sparse(path: Path, gaussians: int, components: int) -> None:
    """A file of version 2 whose layout is right."""
    sizes = {"N": gaussians, "K": 1, "F": 0, "B": 10, "R": components, "P": 118}
    entries: dict[str, dict] = {}
    start = 0
    for name, column in sorted((BASE | RESIDUALS).items(), key=lambda item: -item[1].dtype.itemsize):
        shape = [sizes[d] if isinstance(d, str) else d for d in column.shape]
        stop = start + prod(shape) * column.dtype.itemsize
        entries[name] = {"dtype": _NAMES[column.dtype.name], "shape": shape, "data_offsets": [start, stop]}
        start = stop
    metadata = {"format": "inperson-avatar", "version": "2", "name": "a", "body_name": "neutral"}
    metadata |= {"body_sha256": "ab" * 32, "provenance": "{}"}
    header = json.dumps({"__metadata__": metadata, **entries}).encode()
    header = header.ljust(-(-len(header) // 8) * 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.seek(8 + len(header) + entries["quats"]["data_offsets"][0])
        file.write(b"\x01" * (4 * gaussians))
        file.truncate(8 + len(header) + start)
