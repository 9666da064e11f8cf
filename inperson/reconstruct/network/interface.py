"""What goes into the network and what comes out of it, as batches of torch tensors. Data only.

The uv map is S x S texels, row 0 at v = 1 (as pictures lie). All directions are the T-pose's axes.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

TEXEL_CHANNELS: tuple[str, ...] = (
    *("seen_r", "seen_g", "seen_b", "confidence"),
    *("filled_r", "filled_g", "filled_b"),
    *("x", "y", "z"),
    *("normal_x", "normal_y", "normal_z"),
    *("view_normal_x", "view_normal_y", "view_normal_z"),
    "displacement",
    "inside",
)
"""Channels of `NetInputs.texels`. Seen colours are multiplied by the confidence; `filled` is the colour map of the
plain completion (mirrored and spread texture); x, y, z is the dressed T-pose surface, metres, less the pelvis;
normals are the dressed T-pose's; view normals are those of the photo's pose in the eye's axes (y up, z towards the
viewer); displacement is along the normal, decimetres; inside is 1 on texels that a face of the body covers. On all
other texels every channel is 0."""

SEEN, CONFIDENCE, FILLED, NORMAL = (slice(first, last) for first, last in ((0, 3), (3, 4), (4, 7), (10, 13)))
"""Where these lie in `TEXEL_CHANNELS`."""

PARTS: tuple[str, ...] = ("skin", "eye", "mouth", "cloth", "hair", "brow", "lash")
"""Order of `UvAttributes.features`: how likely the outermost surface there is each part (`synthetic.drawables.Part`,
less one), as logits."""

IMAGE_PARTS: tuple[str, ...] = ("background", *PARTS)
"""Order of `UvAttributes.image_parts`."""


@dataclass(frozen=True, slots=True, eq=False)
class NetInputs:
    """A batch of B photos on the uv map."""

    crop: Float[Tensor, "B 4 256 256"]
    """The person's square crop: premultiplied sRGB-encoded colour and alpha, 0 to 1."""
    texels: Float[Tensor, "B C S S"]
    """`TEXEL_CHANNELS`."""
    where: Float[Tensor, "B S S 2"]
    """Where each texel falls in the crop, for `grid_sample` (align_corners=False): x then y in -1..1; also where
    the texel is hidden or outside."""

    def to(self, device: torch.device | str) -> "NetInputs":
        """The same batch elsewhere."""
        return NetInputs(self.crop.to(device), self.texels.to(device), self.where.to(device))


@dataclass(frozen=True, slots=True, eq=False)
class UvAttributes:
    """Gaussian attributes on the uv map."""

    offset: Float[Tensor, "B 3 S S"]
    """From the dressed surface to the Gaussian, metres, T-pose axes."""
    log_scale: Float[Tensor, "B 3 S S"]
    """Added to the logarithm of the scales that a site starts with (tangent, bitangent, normal)."""
    rotation: Float[Tensor, "B 3 S S"]
    """Axis-angle, T-pose axes, applied after the site's first orientation; small."""
    opacity: Float[Tensor, "B 1 S S"]
    """Logit."""
    color: Float[Tensor, "B 3 S S"]
    """sRGB-encoded, the whole colour (seen, filled and corrected)."""
    features: Float[Tensor, "B 7 S S"]
    """Part logits (`PARTS`)."""
    image_parts: Float[Tensor, "B 8 16 16"] | None = None
    """What each 16 x 16 patch of the crop shows, as logits (`IMAGE_PARTS`): an auxiliary task for training that
    teaches the semantic tokens what they see. None where the attributes do not come from the network."""
