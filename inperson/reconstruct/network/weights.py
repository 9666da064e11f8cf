"""Weights of reconstruction networks: one safetensors file each, half precision, with a JSON header.

The header carries the network's configuration, the uv map it was trained on and how it was trained. Files are read
as untrusted input: sizes, header, names, types and shapes are checked before anything is allocated.
"""

import contextlib
import hashlib
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
from inperson.avatar.body import BodyModel, load_body
from inperson.errors import BadInputError
from inperson.paths import assets_dir
from inperson.reconstruct.network.building import build_network
from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.encoder import Backbone
from inperson.reconstruct.network.model import ReconstructionNet

FORMAT = "inperson-reconstruction-network"
VERSION = 1
MAX_FILE_BYTES = 64 << 20
MAX_HEADER_BYTES = 1 << 20
_ENTRY = "inperson"
_NAME_ONE = "name a network's .safetensors file"
_AGAIN = "copy the file again, or train the network again"


@dataclass(frozen=True, slots=True)
class NetworkHeader:
    """What a file says about its network."""

    config: NetConfig
    uv_sha256: str
    """Of the uv map (`uv_fingerprint`) that the weights are for."""
    provenance: dict[str, str]
    """How it was trained: recipe, seed, steps, scores, tool version."""


def shipped_network() -> Path:
    """The network that comes with the program."""
    return assets_dir() / "networks" / "reconstruct.safetensors"


def uv_fingerprint(body: BodyModel) -> str:
    """sha256 of a body's uv map: its texture coordinates and which corner has which.

    Raises:
        BadInputError: the body has none.
    """
    if body.vt is None or body.ft is None:
        raise BadInputError(f"body '{body.name}' has no texture coordinates", "use one of the shipped bodies")
    digest = hashlib.sha256(body.vt.astype("<f4").tobytes())
    digest.update(body.ft.astype("<i4").tobytes())
    return digest.hexdigest()


def save_network(network: ReconstructionNet, path: Path, provenance: dict[str, str]) -> None:
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
        "uv_sha256": uv_fingerprint(load_body("neutral")),
        "provenance": provenance,
    }
    # one entry only: safetensors writes several in an order that differs from run to run
    write_atomically(path, save(state, {_ENTRY: json.dumps(header, sort_keys=True)}))


def read_header(path: Path | None = None) -> NetworkHeader:
    """The header of a network's file (by default the shipped one's).

    Raises:
        BadInputError: no such file, or it is damaged, of another kind, or from a newer version.
    """
    path = path or shipped_network()
    with _opened(path) as stored:
        return _header_of(path, stored.metadata())


def load_network(path: Path | None = None, backbone: Backbone | None = None) -> ReconstructionNet:
    """A trained network, ready for inference (by default the shipped one).

    Args:
        backbone: of a network whose semantic tokens come from one; None takes it out of the Hugging Face cache.

    Raises:
        BadInputError: no such file; it is damaged, of another kind, from a newer version or for another uv map; or
            it takes no backbone.
        MissingModelError: its backbone is not in the cache.
    """
    path = path or shipped_network()
    with _opened(path) as stored:
        header = _header_of(path, stored.metadata())
        if header.uv_sha256 != uv_fingerprint(load_body("neutral")):
            raise BadInputError(f"network {path} is for another body's uv map", "train it for this body")
        if backbone is not None and header.config.semantic != "dinov2":
            raise BadInputError(f"network {path} has semantic tokens of its own", "give no backbone")
        network = build_network(header.config, backbone)  # NetConfig bounds its size
        state = _checked_state(path, stored, {n: tuple(v.shape) for n, v in network.state_dict().items()})
    network.load_state_dict(state, assign=True)
    return network.requires_grad_(False).eval()


def _checked_state(path: Path, stored: Any, wanted: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    views = {name: stored.get_slice(name) for name in stored.keys()}  # noqa: SIM118
    if set(views) != set(wanted):
        odd = sorted(set(views) ^ set(wanted))[0]
        raise BadInputError(f"network {path} does not hold the arrays of its configuration ({odd})", _AGAIN)
    for name, view in views.items():
        if view.get_dtype() != "F16" or tuple(view.get_shape()) != wanted[name]:
            raise BadInputError(f"network {path}: {name} is of the wrong type or shape", _AGAIN)
    state = {name: stored.get_tensor(name).astype(np.float32) for name in views}
    broken = sorted(name for name, value in state.items() if not np.isfinite(value).all())
    if broken:
        raise BadInputError(f"network {path}: {broken[0]} holds NaN or infinite numbers", _AGAIN)
    return {name: torch.from_numpy(value) for name, value in state.items()}


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file, after its sizes are checked; whatever is wrong with it as one kind of error."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header_bytes = int.from_bytes(file.read(8), "little")
        if not 8 <= header_bytes + 8 <= size <= MAX_FILE_BYTES or header_bytes > MAX_HEADER_BYTES:
            raise BadInputError(f"network {path} is truncated, too large or another kind of file", _AGAIN)
        with safe_open(path, framework="numpy") as stored:
            yield stored
    except SafetensorError as error:
        raise BadInputError(f"network {path} is not a complete safetensors file ({error})", _AGAIN) from error
    except OSError as error:
        raise BadInputError(f"network {path} cannot be read ({error.strerror})", "check the path") from error


def _header_of(path: Path, metadata: dict[str, str] | None) -> NetworkHeader:
    try:
        header = json.loads((metadata or {})[_ENTRY])
    except (KeyError, ValueError, RecursionError) as error:
        raise BadInputError(f"{path} is not a reconstruction network", _NAME_ONE) from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise BadInputError(f"{path} is not a reconstruction network", _NAME_ONE)
    version = header.get("version")
    if type(version) is not int or version < 1:
        raise BadInputError(f"network {path}: its version is not a positive number", _AGAIN)
    if version > VERSION:
        raise BadInputError(f"network {path} is of version {version}, newer than {VERSION}", "update InPerson")
    config, uv, provenance = (header.get(name) for name in ("config", "uv_sha256", "provenance"))
    if not (isinstance(config, dict) and isinstance(uv, str) and isinstance(provenance, dict)):
        raise BadInputError(f"network {path}: its header is incomplete", _AGAIN)
    if not all(isinstance(value, str) for value in provenance.values()):
        raise BadInputError(f"network {path}: its provenance is not a table of strings", _AGAIN)
    return NetworkHeader(NetConfig.from_dict(config), uv, provenance)
