"""What is generated: how the truth differs from the Gaussian render, folded to 1/4 of the crop."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from inperson.shader_model.interface import INNER

CHANNELS = 4 * INNER**2
"""Of a folded residual: the premultiplied colour and alpha of a block of pixels, one colour after another."""
SCALE = 0.125
"""About the deviation of truth from render where the person is: residuals are as large as the noise."""


def fold(pictures: Float[Tensor, "... C H W"]) -> Float[Tensor, "... C*16 h w"]:
    """Blocks of INNER x INNER pixels become channels."""
    return F.pixel_unshuffle(pictures, INNER)


def residual_of(truth: Float[Tensor, "... 4 H W"], render: Float[Tensor, "... 4 H W"]) -> Float[Tensor, "... R h w"]:
    """What takes the render to the truth."""
    return fold((truth - render) / SCALE)


def picture_of(
    residual: Float[Tensor, "... R h w"], render: Float[Tensor, "... 4 H W"]
) -> Float[Tensor, "... 4 H W"]:
    """The render with a residual: alpha within [0, 1], premultiplied colour within [0, alpha]."""
    picture = (render + SCALE * F.pixel_shuffle(residual, INNER)).clamp(0.0, 1.0)
    return picture.minimum(picture[..., 3:, :, :])
