"""Looking into `.avatar` files, and copies with something changed."""

import json
import struct
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save


def metadata_of(path: Path) -> dict[str, str]:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length])["__metadata__"]


def edited(path: Path, metadata: dict | None = None, **arrays: np.ndarray | None) -> Path:
    """A copy of an avatar file with metadata or arrays replaced (None drops an array)."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])["__metadata__"]
    tensors = load(data) | arrays
    out = path.with_name("edited.avatar")
    out.write_bytes(save({k: v for k, v in tensors.items() if v is not None}, header | (metadata or {})))
    return out
