"""`motion.previous_places` on one device: all pairs of eyes at once."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from inperson.render.views import EyeView
from inperson.shader_model.conditions.motion import LEAST_ALPHA, SLOPES, SPREAD, TOLERANCE
from inperson.shader_model.conditions.on_device.eyes import Eyes
from inperson.shader_model.conditions.on_device.planes import DenseTensors
from inperson.shader_model.interface import INNER


@dataclass(frozen=True, slots=True, eq=False)
class DevicePast:
    """`motion.Past`, kept on the device."""

    views: tuple[EyeView, ...]
    alpha: Float[Tensor, "P h w"]
    depth: Float[Tensor, "P h w"]
    slope: Float[Tensor, "P h w"]

    @staticmethod
    def of(planes: DenseTensors, views: tuple[EyeView, ...]) -> "DevicePast":
        """This frame, for the next one."""
        return DevicePast(views, planes.alpha, planes.depth, slope_on_device(planes.depth))


def slope_on_device(depth: Float[Tensor, "P h w"]) -> Float[Tensor, "P h w"]:
    """`motion.surface_slope`."""
    across, down = depth.diff(dim=2).abs(), depth.diff(dim=1).abs()
    endless = float("inf")
    horizontal = torch.minimum(F.pad(across, (1, 0), value=endless), F.pad(across, (0, 1), value=endless))
    vertical = torch.minimum(F.pad(down, (0, 0, 1, 0), value=endless), F.pad(down, (0, 0, 0, 1), value=endless))
    return horizontal + vertical


def places_on_device(
    planes: DenseTensors, eyes: Eyes, past: DevicePast
) -> tuple[Float[Tensor, "E P 2 h w"], Float[Tensor, "E P h w"]]:
    """`Conditions.before` and `Conditions.seen_before`.

    Args:
        planes: what the dense pass drew of the E eyes of this frame.
        eyes: theirs, and those of the previous frame.
        past: the previous frame.
    """
    solid = planes.alpha > LEAST_ALPHA
    share = 1.0 / torch.where(solid, planes.alpha, 1.0)
    own = _own_places(planes.alpha)
    place, z = _projected(_then(planes, own, share, eyes), eyes.old_lens)
    width, height, near = (eyes.old_lens[:, k, None, None] for k in (4, 5, 6))
    before_eye = solid[:, None] & (z > near)
    x, y = place.unbind(2)
    inside = before_eye & (x >= 0) & (y >= 0) & (x < width) & (y < height)
    known = (_visible(place, z, past) * share[:, None]).clamp(max=1.0)
    seen = torch.where(inside, known, 0.0)
    flow = torch.where(before_eye[:, :, None], place - own, 0.0)
    flow, seen = _continued(flow, seen, solid)
    return own + flow, seen


def _own_places(like: Float[Tensor, "E h w"]) -> Float[Tensor, "2 h w"]:
    """x and y of the inner pixels' centres, in full-size pixels."""
    height, width = like.shape[-2:]
    x, y = (INNER * (torch.arange(n, dtype=like.dtype, device=like.device) + 0.5) for n in (width, height))
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)])


def _then(
    planes: DenseTensors, own: Float[Tensor, "2 h w"], share: Float[Tensor, "E h w"], eyes: Eyes
) -> Float[Tensor, "E P 3 h w"]:
    """Where each surface point was, in the space of each earlier eye."""
    fx, fy, cx, cy = (eyes.lens[:, k, None, None] for k in range(4))
    now = torch.stack([(own[0] - cx) / fx * planes.depth, (own[1] - cy) / fy * planes.depth, planes.depth], dim=1)
    moved = planes.displacement * share[:, None]
    # sums of products, not matrix products: those may be rounded to ten bits (TF32)
    point = eyes.old_from_now[..., 3, None, None]
    for k in range(3):
        point = point + eyes.old_from_now[..., k, None, None] * now[:, None, k, None]
        point = point - eyes.old_from_world[..., k, None, None] * moved[:, None, k, None]
    return point


def _projected(
    points: Float[Tensor, "E P 3 h w"], lens: Float[Tensor, "P 7"]
) -> tuple[Float[Tensor, "E P 2 h w"], Float[Tensor, "E P h w"]]:
    """Full-size pixels, and depth."""
    x, y, z = points.unbind(2)
    fx, fy, cx, cy, _, _, near = (lens[:, k, None, None] for k in range(7))
    ahead = torch.maximum(z, near)
    return torch.stack([fx * x / ahead + cx, fy * y / ahead + cy], dim=2), z


def _visible(
    place: Float[Tensor, "E P 2 h w"], z: Float[Tensor, "E P h w"], past: DevicePast
) -> Float[Tensor, "E P h w"]:
    """Alpha that the previous picture has at a place of a surface at this depth, bilinear over its pixels."""
    height, width = past.alpha.shape[-2:]
    x, y = (place / INNER - 0.5).unbind(2)
    # places outside are not asked for: they need only stay where integers reach
    x, y = x.clamp(-1.0, width), y.clamp(-1.0, height)
    left, top = x.floor(), y.floor()
    right_share, low_share = x - left, y - top
    columns = torch.stack([left, left + 1, left, left + 1]).clamp(0, width - 1)
    rows = torch.stack([top, top, top + 1, top + 1]).clamp(0, height - 1)
    weights = torch.stack([1 - right_share, right_share] * 2) * torch.stack(
        [1 - low_share, 1 - low_share, low_share, low_share]
    )
    index = (rows * width + columns).long()
    alpha, depth, slope = (_gathered(values, index) for values in (past.alpha, past.depth, past.slope))
    near = (2.0 - (z - depth).abs() / (TOLERANCE + SLOPES * slope)).clamp(0.0, 1.0)
    return (weights * alpha * near).sum(dim=0)


def _gathered(values: Float[Tensor, "P g v"], index: Tensor) -> Float[Tensor, "4 E P h w"]:
    """The values of each earlier eye at places of its own."""
    flat = values.flatten(1).expand(*index.shape[:2], -1, -1)
    return flat.gather(-1, index.flatten(3)).view(index.shape)


def _continued(
    flow: Float[Tensor, "E P 2 h w"], seen: Float[Tensor, "E P h w"], solid: Bool[Tensor, "E h w"]
) -> tuple[Float[Tensor, "E P 2 h w"], Float[Tensor, "E P h w"]]:
    """Beyond the outline the mean of the neighbours that are known, ring by ring."""
    shape = flow.shape
    known = solid[:, None].to(flow.dtype)
    values = torch.cat([flow.flatten(1, 2), seen], dim=1) * known
    for _ in range(SPREAD):
        total, number = _sum_around(values), _sum_around(known)
        ring = (known == 0) & (number > 0)
        values = torch.where(ring, total / number.clamp(min=1.0), values)
        known = torch.where(ring, 1.0, known)
    flow, seen = values.split([shape[1] * shape[2], shape[1]], dim=1)
    return flow.unflatten(1, (shape[1], 2)), seen


def _sum_around(values: Float[Tensor, "E C h w"]) -> Float[Tensor, "E C h w"]:
    """Of each pixel and its eight neighbours."""
    return F.avg_pool2d(values, 3, stride=1, padding=1, divisor_override=1)
