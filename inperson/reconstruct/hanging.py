"""Hanging learnable Gaussians on a posed surface, and its gradient.

On the CPU two numba passes instead of forty torch calls; on other devices the formula in torch, which is also the
reference that the passes are tested against.

With a state's point p, turn q and stretch s (constants), offset o = base + spacing * shift:
mean = p + q o q*, quaternion = q g, scale = s exp(l), opacity = 1 / (1 + exp(-logit)).
Turning is orthogonal, and so is multiplication by a unit quaternion: both gradients turn back by the inverse.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numba import njit
from torch import Tensor

from inperson.avatar.binding import SurfaceMotion, multiply, rotate

Hung = tuple[Float[Tensor, "N 3"], Float[Tensor, "N 4"], Float[Tensor, "N 3"], Float[Tensor, " N"]]
"""Means, quaternions, scales, opacities."""


def hang(
    base_offsets: Float[Tensor, "N 3"],
    spacing: Float[Tensor, " N"],
    shift: Float[Tensor, "N 3"],
    quats: Float[Tensor, "N 4"],
    log_scales: Float[Tensor, "N 3"],
    logits: Float[Tensor, " N"],
    motion: SurfaceMotion,
) -> Hung:
    """Pose Gaussians, differentiably in `shift`, `quats`, `log_scales` and `logits`; the result is on their device.

    Args:
        base_offsets, spacing, shift, quats, log_scales, logits: as in `CanonicalGaussians`, on one device.
        motion: of the points they hang on.
    """
    form = HangOnSurface.apply if shift.device.type == "cpu" else hang_in_torch
    hung: Hung = form(base_offsets, spacing, shift, quats, log_scales, logits, motion)
    return hung


def hang_in_torch(
    base_offsets: Float[Tensor, "N 3"],
    spacing: Float[Tensor, " N"],
    shift: Float[Tensor, "N 3"],
    quats: Float[Tensor, "N 4"],
    log_scales: Float[Tensor, "N 3"],
    logits: Float[Tensor, " N"],
    motion: SurfaceMotion,
) -> Hung:
    """`hang` on any device, in the tensors' own precision."""
    points, turns, stretch = (torch.from_numpy(x).to(shift) for x in (motion.points, motion.quats, motion.stretch))
    w, u = turns[:, :1], turns[:, 1:]
    offsets = base_offsets + spacing[:, None] * shift
    turned = offsets + 2 * torch.linalg.cross(u, torch.linalg.cross(u, offsets) + w * offsets)
    gw, gu = quats[:, :1], quats[:, 1:]
    real = w * gw - (u * gu).sum(dim=1, keepdim=True)
    product = torch.cat([real, w * gu + gw * u + torch.linalg.cross(u, gu)], dim=1)
    return points + turned, product, stretch[:, None] * log_scales.exp(), torch.sigmoid(logits)


class HangOnSurface(torch.autograd.Function):
    """(base_offsets, spacing, shift, quats, log_scales, logits, motion) -> (means, quats, scales, opacities)."""

    @staticmethod
    def forward(
        ctx: Any,
        base_offsets: Tensor,
        spacing: Tensor,
        shift: Tensor,
        quats: Tensor,
        log_scales: Tensor,
        logits: Tensor,
        motion: SurfaceMotion,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        inputs = [t.detach().numpy() for t in (base_offsets, spacing, shift, quats, log_scales, logits)]
        out = [np.empty_like(inputs[2]), np.empty_like(inputs[3]), np.empty_like(inputs[4]), np.empty_like(inputs[5])]
        _forward(motion.points, motion.quats, motion.stretch, *inputs, *out)
        ctx.motion, ctx.spacing, ctx.scales, ctx.opacities = motion, inputs[1], out[2], out[3]
        means, turned, scales, opacities = (torch.from_numpy(a) for a in out)
        return means, turned, scales, opacities

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        given = [np.ascontiguousarray(g.numpy()) for g in upstream]
        out = [np.empty_like(g) for g in given]
        _backward(ctx.motion.quats, ctx.spacing, ctx.scales, ctx.opacities, *given, *out)
        return None, None, *(torch.from_numpy(a) for a in out), None


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _forward(
    points, turns, stretch, base, spacing, shift, quats, log_scales, logits, means, turned, scales, opacities
):
    for n in range(len(points)):
        w, x, y, z = turns[n, 0], turns[n, 1], turns[n, 2], turns[n, 3]
        d = spacing[n]
        ox, oy, oz = base[n, 0] + d * shift[n, 0], base[n, 1] + d * shift[n, 1], base[n, 2] + d * shift[n, 2]
        mx, my, mz = rotate(w, x, y, z, ox, oy, oz)
        means[n, 0], means[n, 1], means[n, 2] = points[n, 0] + mx, points[n, 1] + my, points[n, 2] + mz
        qw, qx, qy, qz = multiply(w, x, y, z, quats[n, 0], quats[n, 1], quats[n, 2], quats[n, 3])
        turned[n, 0], turned[n, 1], turned[n, 2], turned[n, 3] = qw, qx, qy, qz
        for k in range(3):
            scales[n, k] = stretch[n] * np.exp(log_scales[n, k])
        opacities[n] = np.float32(1.0) / (np.float32(1.0) + np.exp(-logits[n]))


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _backward(
    turns, spacing, scales, opacities, g_means, g_turned, g_scales, g_opacities, g_shift, g_quats, g_logs, g_logits
):
    for n in range(len(turns)):
        w, x, y, z = turns[n, 0], -turns[n, 1], -turns[n, 2], -turns[n, 3]
        d = spacing[n]
        sx, sy, sz = rotate(w, x, y, z, g_means[n, 0], g_means[n, 1], g_means[n, 2])
        g_shift[n, 0], g_shift[n, 1], g_shift[n, 2] = d * sx, d * sy, d * sz
        qw, qx, qy, qz = multiply(w, x, y, z, g_turned[n, 0], g_turned[n, 1], g_turned[n, 2], g_turned[n, 3])
        g_quats[n, 0], g_quats[n, 1], g_quats[n, 2], g_quats[n, 3] = qw, qx, qy, qz
        for k in range(3):
            g_logs[n, k] = g_scales[n, k] * scales[n, k]
        o = opacities[n]
        g_logits[n] = g_opacities[n] * o * (np.float32(1.0) - o)
