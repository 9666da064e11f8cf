"""Weights of reconstruction networks. The header carries the network's configuration, the uv map it was trained on
and how it was trained."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inperson.avatar.body import BodyModel, load_body
from inperson.errors import BadInputError
from inperson.paths import assets_dir
from inperson.reconstruct.network.building import build_network
from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.encoder import Backbone
from inperson.reconstruct.network.model import ReconstructionNet
from inperson.reconstruct.network.weights_file import WeightsKind

KIND = WeightsKind("inperson-reconstruction-network", version=1, noun="network", long_noun="reconstruction network")


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
    about = {
        "config": network.config.to_dict(),
        "uv_sha256": uv_fingerprint(load_body("neutral")),
        "provenance": provenance,
    }
    KIND.write(network, path, about)


def read_header(path: Path | None = None) -> NetworkHeader:
    """The header of a network's file (by default the shipped one's).

    Raises:
        BadInputError: no such file, or it is damaged, of another kind, or from a newer version.
    """
    path = path or shipped_network()
    with KIND.opened(path) as stored:
        return _header_of(path, stored)


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
    with KIND.opened(path) as stored:
        header = _header_of(path, stored)
        if header.uv_sha256 != uv_fingerprint(load_body("neutral")):
            raise BadInputError(f"network {path} is for another body's uv map", "train it for this body")
        if backbone is not None and header.config.semantic != "dinov2":
            raise BadInputError(f"network {path} has semantic tokens of its own", "give no backbone")
        network = build_network(header.config, backbone)  # NetConfig bounds its size
        KIND.fill(network, path, stored)
    return network.requires_grad_(False).eval()


def _header_of(path: Path, stored: Any) -> NetworkHeader:
    header = KIND.header_of(path, stored)
    config, uv, provenance = (header.get(name) for name in ("config", "uv_sha256", "provenance"))
    if not (isinstance(config, dict) and isinstance(uv, str) and isinstance(provenance, dict)):
        raise BadInputError(f"network {path}: its header is incomplete", KIND.again)
    if not all(isinstance(value, str) for value in provenance.values()):
        raise BadInputError(f"network {path}: its provenance is not a table of strings", KIND.again)
    return NetworkHeader(NetConfig.from_dict(config), uv, provenance)
