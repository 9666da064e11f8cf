"""`photo.carry_photo` on one device. How far one photo pixel is from the next is never read back: which levels of the
pyramid are sampled is a number on the device, and all levels lie in one picture."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from inperson.avatar.gaussians import ReferencePhoto
from inperson.shader_model.conditions.on_device.eyes import Upload
from inperson.shader_model.conditions.photo import FARTHEST, LEAST_TRUST, PhotoPyramid
from inperson.shader_model.interface import INNER


@dataclass(frozen=True, slots=True, eq=False)
class DevicePhoto:
    """A photo's pyramid on the device: the photo, and its halves below each other at its right."""

    atlas: Float[Tensor, "1 4 H W"]
    levels: Float[Tensor, "L 4"]
    """left, top, width, height of each level in the atlas, pixels."""

    @staticmethod
    def of(photo: ReferencePhoto, upload: Upload) -> "DevicePhoto":
        """Once for an avatar."""
        pyramid = PhotoPyramid.of(photo)
        width, height = pyramid.size
        halves = pyramid.levels[1:]
        across = width + max((half.shape[1] for half in halves), default=0)
        down = max(height, sum(half.shape[0] for half in halves))
        atlas, places, top = np.zeros((down, across, 4), np.float32), [(0, 0, width, height)], 0
        atlas[:height, :width] = pyramid.levels[0]
        for half in halves:
            h, w = half.shape[:2]
            atlas[top : top + h, width : width + w] = half
            places.append((width, top, w, h))
            top += h
        return DevicePhoto(
            upload(np.ascontiguousarray(np.moveaxis(atlas, -1, 0)))[None], upload(np.array(places, np.float32))
        )

    def carry(self, fields: Float[Tensor, "E 3 h w"]) -> Float[Tensor, "E 4 H W"]:
        """`Conditions.photo`.

        Args:
            fields: place (shares of the photo's size) times trust, and trust; of the dense pass.
        """
        size = self.levels[0, 2:]
        stride = stride_on_device(fields, size)
        full = F.interpolate(fields, scale_factor=INNER, mode="bilinear", align_corners=False)
        trust = full[:, 2:]
        place = full[:, :2] / trust.clamp(min=1e-12)
        last = len(self.levels) - 1
        level = stride.clamp(min=1.0).log2().clamp(max=float(last))
        finer = level.long().clamp(max=max(last - 1, 0))
        color = torch.lerp(self._at(finer, place), self._at((finer + 1).clamp(max=last), place), level - finer)
        counts = torch.where(trust > LEAST_TRUST, trust * _agreement(fields, size, stride), 0.0)
        return counts * color

    def _at(self, level: Int64[Tensor, "1"], place: Float[Tensor, "E 2 H W"]) -> Float[Tensor, "E 4 H W"]:
        """One level at places, bilinear; beyond its border as at it."""
        box = self.levels.index_select(0, level)[0, :, None, None]
        inside = torch.minimum((place * box[2:]).clamp(min=0.5), box[2:] - 0.5) + box[:2]
        height, width = self.atlas.shape[-2:]
        grid = torch.stack([inside[:, 0] * (2.0 / width) - 1.0, inside[:, 1] * (2.0 / height) - 1.0], dim=-1)
        atlas = self.atlas.expand(len(place), -1, -1, -1)
        return F.grid_sample(atlas, grid, mode="bilinear", padding_mode="border", align_corners=False)


def stride_on_device(fields: Float[Tensor, "E 3 h w"], size: Float[Tensor, "2"]) -> Float[Tensor, "1"]:
    """`photo.usual_stride`. The median by sorting: `nanmedian` and masks would wait for the device.

    Args:
        fields: place times trust, and trust.
        size: the photo's width and height.
    """
    trust = fields[:, 2]
    places = fields[:, :2] / trust.clamp(min=LEAST_TRUST)[:, None] * size[:, None, None]
    steps = places.diff(dim=3).abs().amax(dim=1)
    sure = (trust[:, :, 1:] > LEAST_TRUST) & (trust[:, :, :-1] > LEAST_TRUST)
    ordered = torch.where(sure, steps, torch.inf).flatten().sort().values
    count = sure.sum()
    middles = torch.stack([(count - 1).clamp(min=0) // 2, count // 2]).clamp(max=ordered.numel() - 1)
    median = ordered.gather(0, middles).mean() / INNER
    return torch.where(count > 0, median.clamp(min=1e-3), 1.0)[None]


def _agreement(
    fields: Float[Tensor, "E 3 h w"], size: Float[Tensor, "2"], stride: Float[Tensor, "1"]
) -> Float[Tensor, "E 1 H W"]:
    """1 where the four inner pixels around a pixel are seen near each other in the photo, 0 where far apart."""
    trust = fields[:, 2:]
    known = trust > LEAST_TRUST
    places = fields[:, :2] / trust.clamp(min=1e-12) * size[:, None, None]
    ends = torch.cat([torch.where(known, places, -torch.inf), torch.where(known, -places, -torch.inf)], dim=1)
    high_and_low = F.max_pool2d(F.pad(ends, (1, 1, 1, 1), mode="replicate"), 2, stride=1)
    apart = (high_and_low[:, :2] + high_and_low[:, 2:]).amax(dim=1, keepdim=True) / (INNER * stride)
    first, last = FARTHEST
    cells = ((last - apart) / (last - first)).clamp(0.0, 1.0).nan_to_num(0.0)
    full = cells.repeat_interleave(INNER, 2).repeat_interleave(INNER, 3)
    return full[:, :, INNER // 2 : -(INNER // 2), INNER // 2 : -(INNER // 2)]
