"""Between posed Gaussians, the channel planes that rasterisers sum, and a `GBuffer`."""

import numpy as np
from jaxtyping import Float

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.gbuffer import GBuffer

RGB = slice(0, 3)
NORMAL = slice(3, 6)
FIRST_FEATURE = 6


def channels_from_gaussians(gaussians: PosedGaussians) -> Float[np.ndarray, "N 6+F"]:
    """Colour, normal and features side by side, one row a Gaussian."""
    return np.concatenate([gaussians.colors, gaussians.normals, gaussians.features], axis=1, dtype=np.float32)


def gbuffer_from_planes(planes: Float[np.ndarray, "V C+2 H W"]) -> GBuffer:
    """Name the planes of a rasteriser whose C channels came from `channels_from_gaussians`.

    All but depth are views of `planes`, without a copy.
    """
    alpha, premultiplied_depth = planes[:, -1], planes[:, -2]
    depth = np.divide(premultiplied_depth, alpha, out=np.zeros_like(alpha), where=alpha > 0)
    last_channels = np.moveaxis(planes, 1, -1)
    return GBuffer(
        rgb=last_channels[..., RGB],
        alpha=alpha,
        depth=depth,
        normal=last_channels[..., NORMAL],
        features=last_channels[..., FIRST_FEATURE:-2],
    )
