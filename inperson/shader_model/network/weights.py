"""Weights of shader networks: one safetensors file each, half precision, with a JSON header.

The header carries the network's configuration and how it was trained. Files are read as untrusted input: sizes,
header, names, types and shapes are checked before anything is allocated.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from inperson.avatar.atomic_file import write_atomically
from inperson.errors import BadInputError
from inperson.paths import assets_dir
from inperson.shader_model.interface import DENSE_CHANNELS
from inperson.shader_model.network.config import ShaderConfig, Size
from inperson.shader_model.network.model import LiveShader

FORMAT = "inperson-shader-network"
VERSION = 1
MAX_FILE_BYTES = 64 << 20
MAX_HEADER_BYTES = 1 << 20
_ENTRY = "inperson"
_NAME_ONE = "name a shader's .safetensors file"
_AGAIN = "copy the file again, or train the shader again"


@dataclass(frozen=True, slots=True)
class ShaderHeader:
    """What a file says about its network."""

    config: ShaderConfig
    dense: tuple[str, ...]
    """The dense channels it was trained with, in their order."""
    provenance: dict[str, str]
    """How it was trained: recipe, seed, steps, scores, tool version."""


def shipped_shader(size: Size) -> Path:
    """Where the network of a size that comes with the program is."""
    return assets_dir() / "networks" / f"shader_{size}.safetensors"


def save_shader(network: LiveShader, path: Path, provenance: dict[str, str]) -> None:
    """Write the weights, rounded to half precision; the file appears complete or not at all.

    Raises:
        BadInputError: weights are not finite in half precision.
        OutputError: the folder cannot be written.
    """
    state = {
        name: value.detach().cpu().to(torch.float16).contiguous() for name, value in network.state_dict().items()
    }
    broken = sorted(name for name, value in state.items() if not value.isfinite().all())
    if broken:
        raise BadInputError(f"weights {broken[0]} are not finite in half precision", "lower the learning rate")
    header = {
        "format": FORMAT,
        "version": VERSION,
        "config": network.config.to_dict(),
        "dense": list(DENSE_CHANNELS),
        "provenance": provenance,
    }
    # one entry only: safetensors writes several in an order that differs from run to run
    write_atomically(path, save(state, {_ENTRY: json.dumps(header, sort_keys=True)}))


def read_shader_header(path: Path) -> ShaderHeader:
    """The header of a shader's file.

    Raises:
        BadInputError: no such file, or it is damaged, of another kind, or from a newer version.
    """
    with _opened(path) as stored:
        return _header_of(path, stored.metadata())


def load_shader(path: Path) -> LiveShader:
    """A trained shader, ready for inference.

    Raises:
        BadInputError: no such file; it is damaged, of another kind, from a newer version, or was trained with other
            dense channels.
    """
    with _opened(path) as stored:
        header = _header_of(path, stored.metadata())
        if header.dense != DENSE_CHANNELS:
            raise BadInputError(f"shader {path} was trained with other dense channels", "train it again")
        network = LiveShader(header.config)  # ShaderConfig bounds its size
        state = _checked_state(path, stored, {n: tuple(v.shape) for n, v in network.state_dict().items()})
    network.load_state_dict(state, assign=True)
    return network.requires_grad_(False).eval()


def _checked_state(path: Path, stored: Any, wanted: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    views = {name: stored.get_slice(name) for name in stored.keys()}  # noqa: SIM118
    if set(views) != set(wanted):
        odd = sorted(set(views) ^ set(wanted))[0]
        raise BadInputError(f"shader {path} does not hold the arrays of its configuration ({odd})", _AGAIN)
    for name, view in views.items():
        if view.get_dtype() != "F16" or tuple(view.get_shape()) != wanted[name]:
            raise BadInputError(f"shader {path}: {name} is of the wrong type or shape", _AGAIN)
    state = {name: stored.get_tensor(name).astype(np.float32) for name in views}
    broken = sorted(name for name, value in state.items() if not np.isfinite(value).all())
    if broken:
        raise BadInputError(f"shader {path}: {broken[0]} holds NaN or infinite numbers", _AGAIN)
    return {name: torch.from_numpy(value) for name, value in state.items()}


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file, after its sizes are checked; whatever is wrong with it as one kind of error."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header_bytes = int.from_bytes(file.read(8), "little")
        if not 8 <= header_bytes + 8 <= size <= MAX_FILE_BYTES or header_bytes > MAX_HEADER_BYTES:
            raise BadInputError(f"shader {path} is truncated, too large or another kind of file", _AGAIN)
        with safe_open(path, framework="numpy") as stored:
            yield stored
    except SafetensorError as error:
        raise BadInputError(f"shader {path} is not a complete safetensors file ({error})", _AGAIN) from error
    except OSError as error:
        raise BadInputError(f"shader {path} cannot be read ({error.strerror})", "check the path") from error


def _header_of(path: Path, metadata: dict[str, str] | None) -> ShaderHeader:
    try:
        header = json.loads((metadata or {})[_ENTRY])
    except (KeyError, ValueError, RecursionError) as error:
        raise BadInputError(f"{path} is not a shader network", _NAME_ONE) from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise BadInputError(f"{path} is not a shader network", _NAME_ONE)
    version = header.get("version")
    if type(version) is not int or version < 1:
        raise BadInputError(f"shader {path}: its version is not a positive number", _AGAIN)
    if version > VERSION:
        raise BadInputError(f"shader {path} is of version {version}, newer than {VERSION}", "update InPerson")
    config, dense, provenance = (header.get(name) for name in ("config", "dense", "provenance"))
    if not (isinstance(config, dict) and isinstance(dense, list) and isinstance(provenance, dict)):
        raise BadInputError(f"shader {path}: its header is incomplete", _AGAIN)
    if not all(isinstance(value, str) for value in (*dense, *provenance.values())):
        raise BadInputError(f"shader {path}: its header is not made of strings", _AGAIN)
    return ShaderHeader(ShaderConfig.from_dict(config), tuple(dense), provenance)
