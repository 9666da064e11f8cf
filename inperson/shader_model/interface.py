"""What passes between the shader's parts, as torch tensors (on the CPU they share memory with numpy). Data only.

One person is shaded at a time, for E eyes together (2 for a headset, 1 for a mirror). All pictures are the person's
*crop* of each eye's view: H x W pixels, both multiples of `MULTIPLE`. What changes slowly over the surface is drawn
at the *inner* size, h = H / INNER and w = W / INNER. Colours are sRGB-encoded, premultiplied by alpha.
"""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Float
from torch import Tensor

INNER = 4
"""Crop pixels along the side of an inner pixel: the network works at this scale and coarser."""
MULTIPLE = 32
"""Crops are multiples of this on both sides."""

DENSE_CHANNELS: tuple[str, ...] = (
    "alpha",
    "inverse_depth",
    *("normal_x", "normal_y", "normal_z"),
    *("skin", "eye", "mouth", "cloth", "hair", "brow", "lash"),
)
"""Channels of `Conditions.dense`, all premultiplied by alpha: how far the surface is (1 / metres, relative to that of
the person's middle), its normal in the eye's own axes, and its parts (`reconstruct.network.interface.PARTS`; zeros
where the avatar does not know them)."""


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """What the shader is told about one moment. float32."""

    color: Float[Tensor, "E 4 H W"]
    """The Gaussian render: premultiplied colour and alpha."""
    photo: Float[Tensor, "E 4 H W"]
    """The reference photo's pixels where the surface carries them, times how far they can be trusted; and that trust,
    0 to 1. Zeros without a photo."""
    dense: Float[Tensor, "E D h w"]
    """`DENSE_CHANNELS`."""
    before: Float[Tensor, "E P 2 h w"]
    """For each of the P eyes of the previous frame: where what is seen here was in that eye's crop, x then y, in its
    full-size pixels (centres at .5). Exact up to blending: from the Gaussians' own motion and the cameras. P is 0 in
    the first frame after a reset."""
    seen_before: Float[Tensor, "E P h w"]
    """How far that place was visible then, 0 to 1: by depth, and inside the crop."""
    switch: Float[Tensor, "E 2"]
    """GAS's modality switch, graded: how much the view changed and how much the pose changed since the previous
    frame, each 0 (still) to 1."""

    def to(self, device: torch.device) -> "Conditions":
        """The same on another device; these where they are there already."""
        return Conditions(*(getattr(self, field.name).to(device) for field in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What the shader carries from one frame to the next."""

    output: Float[Tensor, "P 4 H W"]
    """Its last pictures."""
    hidden: Float[Tensor, "1 C H/16 W/16"]
    """The recurrent state that all eyes share, in the first eye's crop."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkInputs:
    """What the network sees in one step, memory already carried to where it belongs now. A batch of B people, each
    with E eyes: pictures are (B * E) in a row, a person's eyes beside each other."""

    color: Float[Tensor, "BE 4 H W"]
    photo: Float[Tensor, "BE 4 H W"]
    dense: Float[Tensor, "BE D h w"]
    previous: Float[Tensor, "BE 5 H W"]
    """The last pictures carried here (mean over the eyes that saw the place), times how far they are known; and that,
    0 to 1."""
    hidden: Float[Tensor, "B C H/16 W/16"]
    """Carried here; zeros after a reset."""
    switch: Float[Tensor, "BE 2"]
