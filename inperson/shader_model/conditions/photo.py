"""The reference photo carried to the view that is drawn: each pixel shows what the photo has of the surface there.

The dense pass draws where in the photo each inner pixel's surface is and how far that is trusted; both are
interpolated to full size, and the photo is sampled at full size, in a mip pyramid where the view shows it smaller.
Where neighbouring places are far apart (a hand before the chest) what lies between them is nothing, and is not
trusted. `carry_photo` is the plain twin of `PhotoCarrier.carry`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numba import njit
from torch import Tensor

from inperson.avatar.gaussians import ReferencePhoto
from inperson.shader_model.interface import INNER
from inperson.workers import Workers

LEAST_TRUST = 0.02
"""Of inner pixels that have a place in the photo."""
FARTHEST = (3.0, 6.0)
"""How many times the usual distance between neighbouring places they may be apart, to be trusted and to count."""
SHORTEST_SIDE = 16
"""Pixels of the smallest level."""


@dataclass(frozen=True, slots=True, eq=False)
class PhotoPyramid:
    """A photo and its halves, premultiplied by its alpha. Level k + 1 has half the pixels of k a side."""

    levels: tuple[Float[np.ndarray, "H W 4"], ...]

    @staticmethod
    def of(photo: ReferencePhoto) -> "PhotoPyramid":
        """0 to 1, float32."""
        level = photo.image.astype(np.float32) / np.float32(255.0)
        level[..., :3] *= level[..., 3:]
        levels = [level]
        while min(level.shape[:2]) >= 2 * SHORTEST_SIDE:
            half = (level.shape[1] // 2, level.shape[0] // 2)
            level = np.asarray(cv2.resize(level, half, interpolation=cv2.INTER_AREA))
            levels.append(level)
        return PhotoPyramid(tuple(levels))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the photo."""
        return self.levels[0].shape[1], self.levels[0].shape[0]

    def around(self, stride: float) -> tuple[Float[np.ndarray, "H W 4"], Float[np.ndarray, "h w 4"], float]:
        """The levels for steps of `stride` photo pixels, the finer and the coarser, and the coarser one's share."""
        level = min(float(np.log2(max(stride, 1.0))), len(self.levels) - 1.0)
        finer = min(int(level), max(len(self.levels) - 2, 0))
        return self.levels[finer], self.levels[min(finer + 1, len(self.levels) - 1)], level - finer


def usual_stride(fields: Float[np.ndarray, "E h w 3"], size: tuple[int, int]) -> float:
    """Photo pixels from one crop pixel to the next: the median over what is trusted; 1 where nothing is.

    Args:
        fields: place (shares of the photo's size) times trust, and trust.
        size: the photo's width and height.
    """
    trust = fields[..., 2]
    places = fields[..., :2] / np.maximum(trust, LEAST_TRUST)[..., None] * np.array(size, np.float32)
    steps = np.abs(places[:, :, 1:] - places[:, :, :-1]).max(axis=-1)
    sure = (trust[:, :, 1:] > LEAST_TRUST) & (trust[:, :, :-1] > LEAST_TRUST)
    return max(float(np.median(steps[sure])) / INNER, 1e-3) if sure.any() else 1.0


def carry_photo(fields: Float[np.ndarray, "E h w 3"], pyramid: PhotoPyramid) -> Float[Tensor, "E 4 H W"]:
    """`Conditions.photo`, plainly, in torch.

    Args:
        fields: place (shares of the photo's size) times trust, and trust; of the dense pass.
        pyramid: the photo.
    """
    stride = usual_stride(fields, pyramid.size)
    inner = torch.from_numpy(np.moveaxis(fields, -1, 1).astype(np.float64))
    full = F.interpolate(inner, scale_factor=INNER, mode="bilinear", align_corners=False)
    trust = full[:, 2:]
    grid = (2.0 * full[:, :2] / trust.clamp_min(1e-12) - 1.0).permute(0, 2, 3, 1)
    finer, coarser, share = pyramid.around(stride)
    color = sum(
        weight * _sampled(level, grid) for level, weight in ((finer, 1.0 - share), (coarser, share)) if weight > 0
    )
    assert isinstance(color, Tensor)
    trust = torch.where(trust > LEAST_TRUST, trust * _agreement(inner, pyramid.size, stride), 0.0)
    return (trust * color).float()


def _sampled(level: Float[np.ndarray, "H W 4"], grid: Float[Tensor, "E H W 2"]) -> Float[Tensor, "E 4 H W"]:
    picture = torch.from_numpy(level.astype(np.float64)).permute(2, 0, 1).expand(len(grid), -1, -1, -1)
    return F.grid_sample(picture, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _agreement(inner: Float[Tensor, "E 3 h w"], size: tuple[int, int], stride: float) -> Float[Tensor, "E 1 H W"]:
    """1 where the four inner pixels around a pixel are seen near each other in the photo, 0 where far apart."""
    trust = inner[:, 2:]
    known = trust > LEAST_TRUST
    places = inner[:, :2] / trust.clamp_min(1e-12) * torch.tensor(size, dtype=inner.dtype)[None, :, None, None]
    far = torch.where(known, places, -torch.inf), torch.where(known, -places, -torch.inf)
    high, low = (F.max_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 2, stride=1) for x in far)
    apart = (high + low).amax(dim=1, keepdim=True) / INNER / stride
    first, last = FARTHEST
    cells = ((last - apart) / (last - first)).clamp(0.0, 1.0).nan_to_num(0.0)
    full = cells.repeat_interleave(INNER, 2).repeat_interleave(INNER, 3)
    return full[:, :, INNER // 2 : -(INNER // 2), INNER // 2 : -(INNER // 2)]


class PhotoCarrier:
    """Carries one photo, frame after frame.

    Args:
        photo: the avatar's.
        workers: threads to share the work; stay the caller's.
    """

    def __init__(self, photo: ReferencePhoto, workers: Workers) -> None:
        self._pyramid, self._workers = PhotoPyramid.of(photo), workers

    def carry(self, fields: Float[np.ndarray, "E h w 3"]) -> Float[np.ndarray, "E 4 H W"]:
        """`carry_photo`, compiled."""
        eyes, height, width, _ = fields.shape
        stride = usual_stride(fields, self._pyramid.size)
        finer, coarser, share = self._pyramid.around(stride)
        out = np.zeros((eyes, 4, INNER * height, INNER * width), np.float32)
        apart = np.float32(INNER * stride)
        args = (fields, finer, coarser, np.float32(share), np.array(self._pyramid.size, np.float32), apart, out)
        self._workers.run_ranges(_carry_rows, eyes * (height + 1), *args)
        return out


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _carry_rows(start, stop, fields, finer, coarser, share, size, apart, out):
    """Rows of cells [start, stop), height + 1 an eye: a cell lies between four inner pixels' centres and is INNER
    pixels wide and high."""
    height, width = fields.shape[1], fields.shape[2]
    xs, ys, trusts = np.empty(4, np.float32), np.empty(4, np.float32), np.empty(4, np.float32)
    first, last, least = np.float32(FARTHEST[0]), np.float32(FARTHEST[1]), np.float32(LEAST_TRUST)
    half, one, step = np.float32(0.5), np.float32(1.0), np.float32(1.0 / INNER)
    for job in range(start, stop):
        e, row = job // (height + 1), job % (height + 1) - 1
        for column in range(-1, width):
            most = np.float32(0.0)
            low_x, high_x = np.float32(np.inf), np.float32(-np.inf)
            low_y, high_y = np.float32(np.inf), np.float32(-np.inf)
            for k in range(4):
                r, c = min(max(row + k // 2, 0), height - 1), min(max(column + k % 2, 0), width - 1)
                xs[k], ys[k], trusts[k] = fields[e, r, c, 0], fields[e, r, c, 1], fields[e, r, c, 2]
                most = max(most, trusts[k])
                if trusts[k] > least:
                    x, y = xs[k] / trusts[k] * size[0], ys[k] / trusts[k] * size[1]
                    low_x, high_x = min(low_x, x), max(high_x, x)
                    low_y, high_y = min(low_y, y), max(high_y, y)
            if most <= least:
                continue
            distance = max(high_x - low_x, high_y - low_y) / apart
            agreement = min(max((last - distance) / (last - first), np.float32(0.0)), np.float32(1.0))
            if agreement == 0.0:
                continue
            top, left = INNER * row + INNER // 2, INNER * column + INNER // 2
            for down in range(max(0, -top), min(INNER, INNER * height - top)):
                wy = (np.float32(down) + half) * step
                left_x, right_x = xs[0] + (xs[2] - xs[0]) * wy, xs[1] + (xs[3] - xs[1]) * wy
                left_y, right_y = ys[0] + (ys[2] - ys[0]) * wy, ys[1] + (ys[3] - ys[1]) * wy
                left_trust = trusts[0] + (trusts[2] - trusts[0]) * wy
                right_trust = trusts[1] + (trusts[3] - trusts[1]) * wy
                for right in range(max(0, -left), min(INNER, INNER * width - left)):
                    wx = (np.float32(right) + half) * step
                    trust = left_trust + (right_trust - left_trust) * wx
                    if trust <= least:
                        continue
                    inverse = one / trust
                    u = (left_x + (right_x - left_x) * wx) * inverse
                    v = (left_y + (right_y - left_y) * wx) * inverse
                    trust *= agreement
                    red, green, blue, alpha = _sample(finer, u, v)
                    if share > 0.0:
                        other = _sample(coarser, u, v)
                        red += (other[0] - red) * share
                        green += (other[1] - green) * share
                        blue += (other[2] - blue) * share
                        alpha += (other[3] - alpha) * share
                    y, x = top + down, left + right
                    out[e, 0, y, x], out[e, 1, y, x] = trust * red, trust * green
                    out[e, 2, y, x], out[e, 3, y, x] = trust * blue, trust * alpha


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy", inline="always")
def _sample(level, u, v):
    """The picture at (u, v), shares of its size, bilinear."""
    height, width = level.shape[0], level.shape[1]
    zero, half, one = np.float32(0.0), np.float32(0.5), np.float32(1.0)
    x = min(max(u * np.float32(width) - half, zero), np.float32(width - 1))
    y = min(max(v * np.float32(height) - half, zero), np.float32(height - 1))
    left, top = np.uint32(x), np.uint32(y)
    right, bottom = min(left + np.uint32(1), np.uint32(width - 1)), min(top + np.uint32(1), np.uint32(height - 1))
    wx, wy = x - np.float32(left), y - np.float32(top)
    a, b, c, d = (one - wy) * (one - wx), (one - wy) * wx, wy * (one - wx), wy * wx
    p, q, r, s = level[top, left], level[top, right], level[bottom, left], level[bottom, right]
    return (
        a * p[0] + b * q[0] + c * r[0] + d * s[0],
        a * p[1] + b * q[1] + c * r[1] + d * s[1],
        a * p[2] + b * q[2] + c * r[2] + d * s[2],
        a * p[3] + b * q[3] + c * r[3] + d * s[3],
    )
