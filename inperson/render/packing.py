"""Between posed Gaussians, the channel planes that rasterisers sum, and a `GBuffer`."""

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.gbuffer import GBuffer

RGB = slice(0, 3)
FIRST_NORMAL, FIRST_FEATURE = 3, 6
NORMAL = slice(FIRST_NORMAL, FIRST_FEATURE)


def channels_from_gaussians(gaussians: PosedGaussians) -> Float[np.ndarray, "N 6+F"]:
    """Colour, normal and features side by side, one row a Gaussian."""
    out = np.empty((len(gaussians.colors), FIRST_FEATURE + gaussians.features.shape[1]), np.float32)
    _interleave(gaussians.colors, gaussians.normals, gaussians.features, out)
    return out


@njit(cache=True, nogil=True)
def _interleave(colors, normals, features, out):
    """`np.concatenate` copies a row's few bytes call by call: three times as slow."""
    for n in range(len(out)):
        for c in range(3):
            out[n, c], out[n, FIRST_NORMAL + c] = colors[n, c], normals[n, c]
        for f in range(features.shape[1]):
            out[n, FIRST_FEATURE + f] = features[n, f]


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
