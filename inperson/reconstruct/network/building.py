"""A network from its configuration alone, with the pretrained backbone that it may ask for."""

from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.dinov2 import load_dinov2
from inperson.reconstruct.network.encoder import Backbone
from inperson.reconstruct.network.model import ReconstructionNet


def build_network(config: NetConfig, backbone: Backbone | None = None) -> ReconstructionNet:
    """A network with fresh weights. Nothing is downloaded.

    Args:
        backbone: None takes the one that the configuration names, if any, out of the Hugging Face cache.

    Raises:
        MissingModelError: it is not there.
    """
    if backbone is None and config.semantic == "dinov2":
        backbone = load_dinov2(config.dinov2)
    return ReconstructionNet(config, backbone)
