"""The plain torch rasteriser: slow, differentiable, and the truth that every backend is tested against.

The rules are those of gsplat 1.5.3 (`rasterization`, classic mode): EWA projection (Zwicker et al. 2001) with
0.3 px^2 of blur, opacities below 1/255 at a pixel are skipped, opacity at a pixel is at most 0.999, and a pixel
stops *before* the Gaussian that would leave 1e-4 of transmittance or less. Works in the dtype of `means`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inperson.render.views import EyeView, common_size

BLUR = 0.3
"""Added to both variances of a projected Gaussian, px^2 (gsplat's `eps2d`)."""
MIN_ALPHA = 1.0 / 255.0
MAX_ALPHA = 0.999
MIN_TRANSMITTANCE = 1e-4
CLAMP_MARGIN = 0.15
"""The Jacobian of the projection is taken at most this share of the image's size outside the image."""


@dataclass(frozen=True, slots=True)
class Projection:
    """N Gaussians as ellipses on the image of one view. Pixels; (0, 0) is the top-left corner."""

    means: Float[Tensor, "N 2"]
    conics: Float[Tensor, "N 3"]
    """a, b, c of the inverse covariance [[a, b], [b, c]], 1/px^2."""
    radii: Float[Tensor, "N 2"]
    """Half the box outside of which opacity is below `MIN_ALPHA`; 0 for Gaussians that are not drawn."""
    depths: Float[Tensor, " N"]
    """Along the view axis, metres."""
    visible: Bool[Tensor, " N"]


def rotation_from_quat(quats: Float[Tensor, "N 4"]) -> Float[Tensor, "N 3 3"]:
    """Rotation matrices of wxyz quaternions, which need not be of unit length."""
    w, x, y, z = torch.nn.functional.normalize(quats, dim=-1).unbind(-1)
    rows = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return torch.stack(rows, -1).reshape(-1, 3, 3)


def project(
    means: Float[Tensor, "N 3"],
    quats: Float[Tensor, "N 4"],
    scales: Float[Tensor, "N 3"],
    opacities: Float[Tensor, " N"],
    view: EyeView,
) -> Projection:
    """World Gaussians to ellipses, by the projection's Jacobian at each mean (EWA splatting)."""
    K, width, height = view.intrinsics, view.width, view.height
    T = torch.as_tensor(view.T_cv_from_world, dtype=means.dtype)
    x, y, depth = (means @ T[:3, :3].T + T[:3, 3]).unbind(-1)
    in_range = (depth > view.near) & (depth < view.far)
    z = torch.where(in_range, depth, torch.ones_like(depth))  # keeps what is not drawn finite
    u, v = x / z, y / z

    margin_u, margin_v = CLAMP_MARGIN * width / K.fx, CLAMP_MARGIN * height / K.fy
    u_inside = u.clamp(-K.cx / K.fx - margin_u, (width - K.cx) / K.fx + margin_u)
    v_inside = v.clamp(-K.cy / K.fy - margin_v, (height - K.cy) / K.fy + margin_v)
    zero = torch.zeros_like(z)
    jacobian = torch.stack([K.fx / z, zero, -K.fx * u_inside / z, zero, K.fy / z, -K.fy * v_inside / z], -1)
    half = jacobian.reshape(-1, 2, 3) @ T[:3, :3] @ (rotation_from_quat(quats) * scales[:, None, :])
    covariance = half @ half.transpose(1, 2) + BLUR * torch.eye(2, dtype=means.dtype)
    xx, xy, yy = covariance[:, 0, 0], covariance[:, 0, 1], covariance[:, 1, 1]
    conics = torch.stack([yy, -xy, xx], -1) / (xx * yy - xy * xy)[:, None]

    centres = torch.stack([K.fx * u + K.cx, K.fy * v + K.cy], -1)
    squared_reach = 2 * torch.log((opacities.detach() / MIN_ALPHA).clamp(min=1.0))  # in standard deviations
    radii = torch.sqrt(squared_reach[:, None] * torch.stack([xx, yy], -1).detach())
    on_image = (centres + radii > 0).all(-1) & (centres - radii < torch.tensor([width, height])).all(-1)
    visible = in_range & on_image & (squared_reach > 0)
    return Projection(centres, conics, radii * visible[:, None], depth, visible)


def composite(
    projection: Projection,
    opacities: Float[Tensor, " N"],
    channels: Float[Tensor, "N C"],
    width: int,
    height: int,
    tile: int = 16,
) -> Float[Tensor, "C+1 H W"]:
    """Front-to-back sum of `channels`, and alpha as the last plane; tile by tile to bound memory."""
    order = torch.argsort(projection.depths, stable=True)
    order = order[projection.visible[order]]
    low, high = projection.means.detach() - projection.radii, projection.means.detach() + projection.radii
    rows = []
    for top in range(0, height, tile):
        in_row = order[(high[order, 1] > top) & (low[order, 1] < top + tile)]
        tiles = []
        for left in range(0, width, tile):
            inside = in_row[(high[in_row, 0] > left) & (low[in_row, 0] < left + tile)]
            box = (left, top, min(tile, width - left), min(tile, height - top))
            tiles.append(_composite_box(projection, opacities, channels, inside, box))
        rows.append(torch.cat(tiles, dim=2))
    return torch.cat(rows, dim=1)


def _composite_box(
    projection: Projection,
    opacities: Float[Tensor, " N"],
    channels: Float[Tensor, "N C"],
    indices: Tensor,
    box: tuple[int, int, int, int],
) -> Float[Tensor, "C+1 h w"]:
    """The Gaussians `indices`, nearest first, over the pixels of one box (left, top, width, height)."""
    left, top, width, height = box
    x = torch.arange(left, left + width, dtype=channels.dtype) + 0.5
    y = torch.arange(top, top + height, dtype=channels.dtype) + 0.5
    means, (a, b, c) = projection.means[indices], projection.conics[indices].unbind(-1)
    dx = x[None, :, None] - means[:, 0]
    dy = y[:, None, None] - means[:, 1]
    sigma = 0.5 * (a * dx * dx + c * dy * dy) + b * dx * dy
    alpha = (opacities[indices] * torch.exp(-sigma)).clamp(max=MAX_ALPHA)
    alpha = torch.where(alpha < MIN_ALPHA, torch.zeros_like(alpha), alpha)
    after = torch.cumprod(1 - alpha, dim=-1)
    before = torch.cat([torch.ones_like(after[..., :1]), after[..., :-1]], -1)
    weights = alpha * before * (after > MIN_TRANSMITTANCE)
    planes = torch.cat([weights @ channels[indices], weights.sum(-1, keepdim=True)], -1)
    return planes.permute(2, 0, 1)


def rasterize_reference(
    means: Float[Tensor, "N 3"],
    quats: Float[Tensor, "N 4"],
    scales: Float[Tensor, "N 3"],
    opacities: Float[Tensor, " N"],
    colors: Float[Tensor, "N C"],
    views: Sequence[EyeView],
) -> Float[Tensor, "V C+2 H W"]:
    """Draw N Gaussians into V views of one size.

    Args:
        means: world, metres.
        quats: wxyz, any length but zero.
        scales: standard deviations, metres.
        opacities: 0 to 1.
        colors: any C channels, summed with premultiplied alpha.

    Returns:
        The C channels, then depth (metres times alpha), then alpha.
    """
    width, height = common_size(views)
    images = []
    for view in views:
        projection = project(means, quats, scales, opacities, view)
        channels = torch.cat([colors, projection.depths[:, None]], 1)
        images.append(composite(projection, opacities, channels, width, height))
    return torch.stack(images)
