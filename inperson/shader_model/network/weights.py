"""Weights of live shaders."""

from pathlib import Path

from inperson.paths import assets_dir
from inperson.reconstruct.network.weights_file import WeightsKind
from inperson.shader_model.network.config import ShaderConfig, Size
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network_files import NetworkFiles, NetworkHeader

KIND = WeightsKind("inperson-shader-network", version=1, noun="shader", long_noun="shader network")
FILES = NetworkFiles(KIND, ShaderConfig.from_dict, LiveShader)


def shipped_shader(size: Size) -> Path:
    """Where the network of a size that comes with the program is."""
    return assets_dir() / "networks" / f"shader_{size}.safetensors"


def save_shader(network: LiveShader, path: Path, provenance: dict[str, str]) -> None:
    """See `NetworkFiles.save`."""
    FILES.save(network, network.config, path, provenance)


def read_shader_header(path: Path) -> NetworkHeader[ShaderConfig]:
    """See `NetworkFiles.header`."""
    return FILES.header(path)


def load_shader(path: Path) -> LiveShader:
    """See `NetworkFiles.load`."""
    return FILES.load(path)
