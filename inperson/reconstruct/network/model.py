"""`ReconstructionNet`: one photo on the uv map in, Gaussian attributes on the uv map out.

A UNet over the texels (what the photo shows, the plain completion, the dressed body's geometry) reads two streams of
the crop: appearance features, sampled where each texel falls in the photo, and semantic tokens, which its coarsest
levels ask by attention: the back of the head falls nowhere in the photo but can ask for its hair. Untrained, the
network returns the plain completion.
"""

import torch
from torch import nn

from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.encoder import GRID, AppearancePyramid, Backbone, BackboneTokens, TrainedTokens
from inperson.reconstruct.network.heads import AttributeHead
from inperson.reconstruct.network.interface import IMAGE_PARTS, NetInputs, UvAttributes
from inperson.reconstruct.network.uv_network import UvNetwork


class ReconstructionNet(nn.Module):
    """The feed-forward network of `inperson avatar create`.

    Args:
        config: its shape.
        backbone: the frozen network that `config.semantic == "dinov2"` asks for (`load_dinov2`).

    Raises:
        ValueError: a backbone is missing, or given and not asked for.
    """

    def __init__(self, config: NetConfig, backbone: Backbone | None = None) -> None:
        super().__init__()
        if (backbone is None) == (config.semantic == "dinov2"):
            without = "needs a backbone" if backbone is None else "takes no backbone"
            raise ValueError(f"semantic={config.semantic!r} {without}")
        self.config = config
        self.tokens = TrainedTokens(config) if backbone is None else BackboneTokens(config, backbone)
        self.image_parts = nn.Linear(config.token_width, len(IMAGE_PARTS))
        self.appearance = AppearancePyramid(config)
        self.uv = UvNetwork(config)
        self.head = AttributeHead(config)

    def forward(self, inputs: NetInputs) -> UvAttributes:
        """Attributes of the whole uv map; texels that no face covers hold values without meaning.

        Under autocast the attributes are still float32.
        """
        last = torch.channels_last  # twice as fast on CPUs
        inputs = NetInputs(inputs.crop.to(memory_format=last), inputs.texels.to(memory_format=last), inputs.where)
        tokens = self.tokens(inputs.crop)
        parts = self.image_parts(tokens[:, 1:]).float().transpose(1, 2).unflatten(2, (GRID, GRID))
        features, palette = self.uv(inputs, self.appearance(inputs.crop), tokens)
        return self.head(features, inputs.texels, palette, parts)
