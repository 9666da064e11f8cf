"""What the dense pass drew, as tensors."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.reconstruct.network.interface import PARTS
from inperson.shader_model.conditions.channels import CLEAR
from inperson.shader_model.conditions.on_device.eyes import Eyes

DRAWN = (3, 3, len(PARTS), 3, 1, 1)
"""Planes of a dense pass: displacement, normal, parts, photo, depth times alpha, alpha."""


@dataclass(frozen=True, slots=True, eq=False)
class DenseTensors:
    """`DensePlanes` with the channels first. Everything but `depth` is premultiplied by alpha."""

    alpha: Float[Tensor, "E h w"]
    depth: Float[Tensor, "E h w"]
    """Along the view axis, metres; 0 where alpha is 0."""
    displacement: Float[Tensor, "E 3 h w"]
    normal: Float[Tensor, "E 3 h w"]
    parts: Float[Tensor, "E 7 h w"]
    photo: Float[Tensor, "E 3 h w"]

    @staticmethod
    def of(drawn: Float[Tensor, "E 18 h w"]) -> "DenseTensors":
        """Name what `TensorRasterizer.draw` drew of `channels_on_device`; all but depth are views."""
        displacement, normal, parts, photo, premultiplied, alpha = drawn.split(DRAWN, dim=1)
        depth = torch.where(alpha > 0, premultiplied / alpha, 0.0)
        return DenseTensors(alpha[:, 0], depth[:, 0], displacement, normal, parts, photo)


def channels_on_device(
    displacement: Float[Tensor, "N 3"], normals: Float[Tensor, "N 3"], features: Float[Tensor, "N 10"]
) -> Float[Tensor, "N 16"]:
    """What the dense pass draws; see `channels.dense_gaussians`."""
    return torch.cat([displacement, normals, features], dim=1)


def dense_on_device(planes: DenseTensors, eyes: Eyes) -> Float[Tensor, "E D h w"]:
    """`channels.dense_condition`."""
    ahead = eyes.ahead[:, None, None]
    depth = torch.where(planes.alpha > CLEAR, planes.depth, ahead)
    inverse = planes.alpha * (1.0 / depth - 1.0 / ahead)
    # sums of products, not a matrix product: that may be rounded to ten bits (TF32)
    x, y, z = (part[:, None] for part in planes.normal.unbind(1))
    to_x, to_y, to_z = (row[:, :, None, None] for row in eyes.world_from_eye.unbind(1))
    normal = x * to_x + y * to_y + z * to_z
    return torch.cat([planes.alpha[:, None], inverse[:, None], normal, planes.parts], dim=1)


def nothing_before(like: DenseTensors) -> tuple[Float[Tensor, "E 0 2 h w"], Float[Tensor, "E 0 h w"]]:
    """`Conditions.before` and `Conditions.seen_before` of a first frame."""
    eyes, height, width = like.alpha.shape
    return like.alpha.new_zeros(eyes, 0, 2, height, width), like.alpha.new_zeros(eyes, 0, height, width)
