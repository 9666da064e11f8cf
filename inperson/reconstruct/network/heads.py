"""From the uv network's last features to Gaussian attributes, each within its bounds and starting at nothing."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from inperson.reconstruct.network.blocks import group_norm
from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.interface import (
    CONFIDENCE,
    FILLED,
    NORMAL,
    PARTS,
    SEEN,
    TEXEL_CHANNELS,
    UvAttributes,
)

START_OPACITY_LOGIT = 3.0
VIEW_NORMAL_Z = slice(TEXEL_CHANNELS.index("view_normal_z"), TEXEL_CHANNELS.index("view_normal_z") + 1)
_CHANNELS = {
    "offset": 3,
    "along_normal": 1,
    "log_scale": 3,
    "rotation": 3,
    "opacity": 1,
    "shade": 1,
    "palette": 1,
    "features": len(PARTS),
}


class AttributeHead(nn.Module):
    """One 1x1 convolution that starts at zero: untrained, the colour is the plain completion and nothing moves."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        self.norm = group_norm(config.widths[0])
        self.out = nn.Conv2d(config.widths[0], sum(_CHANNELS.values()), 1)
        for parameter in self.out.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self,
        features: Float[Tensor, "B W S S"],
        texels: Float[Tensor, "B C S S"],
        palette: Float[Tensor, "B 3 S S"],
        image_parts: Float[Tensor, "B 8 16 16"],
    ) -> UvAttributes:
        """float32 attributes, also under autocast.

        The colour keeps what is seen as far as it is confident. The rest is the completion, a step towards the
        palette's colour and a shade: hues come from the photo alone (a free correction learns the training clothes'
        and stains others with them). Likewise discs keep their place and shape where the photo shows them; and on
        the outline, where the surface turns away from the camera, they stay within what the photo's outline said.
        """
        raw = self.out(F.silu(self.norm(features))).float()
        sizes = list(_CHANNELS.values())
        free = dict(zip(_CHANNELS, raw.split(sizes, dim=1), strict=True))
        bound = dict(zip(_CHANNELS, raw.tanh().split(sizes, dim=1), strict=True))
        config, texels = self.config, texels.float()
        filled, unseen = texels[:, FILLED], 1.0 - texels[:, CONFIDENCE]
        loose = unseen * texels[:, VIEW_NORMAL_Z].square()
        moved = bound["along_normal"] * texels[:, NORMAL] + 0.5 * bound["offset"]
        chosen = filled + bound["palette"] * (palette - filled)
        own = chosen * (config.max_shade * bound["shade"]).exp()
        return UvAttributes(
            offset=config.max_offset * loose * moved,
            log_scale=config.max_log_scale * unseen * bound["log_scale"],
            rotation=config.max_turn * unseen * bound["rotation"],
            opacity=unseen * free["opacity"] + START_OPACITY_LOGIT,
            color=texels[:, SEEN] + unseen * torch.lerp(filled, own, config.trust),
            features=free["features"],
            image_parts=image_parts,
        )
