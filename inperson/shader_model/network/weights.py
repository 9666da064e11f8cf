"""Weights of shader networks. The header carries the network's configuration and how it was trained."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inperson.errors import BadInputError
from inperson.paths import assets_dir
from inperson.reconstruct.network.weights_file import WeightsKind
from inperson.shader_model.interface import DENSE_CHANNELS
from inperson.shader_model.network.config import ShaderConfig, Size
from inperson.shader_model.network.model import LiveShader

KIND = WeightsKind("inperson-shader-network", version=1, noun="shader", long_noun="shader network")


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
    about = {"config": network.config.to_dict(), "dense": list(DENSE_CHANNELS), "provenance": provenance}
    KIND.write(network, path, about)


def read_shader_header(path: Path) -> ShaderHeader:
    """The header of a shader's file.

    Raises:
        BadInputError: no such file, or it is damaged, of another kind, or from a newer version.
    """
    with KIND.opened(path) as stored:
        return _header_of(path, stored)


def load_shader(path: Path) -> LiveShader:
    """A trained shader, ready for inference.

    Raises:
        BadInputError: no such file; it is damaged, of another kind, from a newer version, or was trained with other
            dense channels.
    """
    with KIND.opened(path) as stored:
        header = _header_of(path, stored)
        if header.dense != DENSE_CHANNELS:
            raise BadInputError(f"shader {path} was trained with other dense channels", "train it again")
        network = LiveShader(header.config)  # ShaderConfig bounds its size
        KIND.fill(network, path, stored)
    return network.requires_grad_(False).eval()


def _header_of(path: Path, stored: Any) -> ShaderHeader:
    header = KIND.header_of(path, stored)
    config, dense, provenance = (header.get(name) for name in ("config", "dense", "provenance"))
    if not (isinstance(config, dict) and isinstance(dense, list) and isinstance(provenance, dict)):
        raise BadInputError(f"shader {path}: its header is incomplete", KIND.again)
    if not all(isinstance(value, str) for value in (*dense, *provenance.values())):
        raise BadInputError(f"shader {path}: its header is not made of strings", KIND.again)
    return ShaderHeader(ShaderConfig.from_dict(config), tuple(dense), provenance)
