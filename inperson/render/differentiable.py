"""`rasterize`: torch tensors of Gaussians to torch images, differentiable, on any backend that can."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.errors import BadInputError
from inperson.render.cpu.engine import Engine, Gaussians, Workspace
from inperson.render.reference import rasterize_reference
from inperson.render.views import EyeView, common_size
from inperson.workers import available_cores


@cache
def _engine(threads: int) -> Engine:
    return Engine(threads)


class _CpuRasterize(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        means: Tensor,
        quats: Tensor,
        scales: Tensor,
        opacities: Tensor,
        colors: Tensor,
        views: Sequence[EyeView],
        threads: int,
    ) -> Tensor:
        arrays = [t.detach().numpy() for t in (means, quats, scales, opacities, colors)]
        width, height = common_size(views)
        planes = np.empty((len(views), colors.shape[1] + 2, height, width), np.float32)
        ctx.engine = _engine(threads)
        ctx.drawing = ctx.engine.draw(Gaussians.of(*arrays), views, Workspace(), planes)
        return torch.from_numpy(planes)

    @staticmethod
    def backward(ctx: Any, *v_planes: Tensor) -> tuple[Tensor | None, ...]:
        v = ctx.engine.backward(ctx.drawing, v_planes[0].numpy())
        by_input = [torch.from_numpy(g) for g in (v.means, v.quats, v.scales, v.opacities, v.colors)]
        return (*by_input, None, None)


def _rasterize_cpu(*args: Any) -> Tensor:
    return _CpuRasterize.apply(*args, available_cores())


def _rasterize_gsplat(*args: Any) -> Tensor:
    from inperson.render.gsplat_cuda import rasterize_gsplat

    return rasterize_gsplat(*args)


_BACKENDS: dict[str, Callable[..., Tensor]] = {
    "cpu": _rasterize_cpu,
    "gsplat": _rasterize_gsplat,
    "reference": rasterize_reference,
}
BACKEND_OF_DEVICE = {"cpu": "cpu", "cuda": "gsplat"}
"""The fastest for tensors on a type of device."""


def rasterize(
    means: Float[Tensor, "N 3"],
    quats: Float[Tensor, "N 4"],
    scales: Float[Tensor, "N 3"],
    opacities: Float[Tensor, " N"],
    colors: Float[Tensor, "N C"],
    views: Sequence[EyeView],
    backend: str | None = None,
) -> Float[Tensor, "V C+2 H W"]:
    """Draw N Gaussians into V views of one size; differentiable in the five tensors.

    Args:
        means: world, metres.
        quats: wxyz, any length but zero.
        scales: standard deviations, metres.
        opacities: 0 to 1.
        colors: any C >= 1 channels, summed with premultiplied alpha.
        views: of one size.
        backend: `cpu` (float32 tensors on the CPU), `gsplat` (on CUDA) or `reference` (slow; any dtype); by default
            the fastest on the tensors' device.

    Returns:
        The C channels, then depth (metres times alpha), then alpha.

    Raises:
        BadInputError: there is no such backend, or `gsplat` is not installed.
        DeviceError: `gsplat` without a CUDA device.
    """
    if backend is None:
        backend = BACKEND_OF_DEVICE[means.device.type]
    if backend not in _BACKENDS:
        raise BadInputError(f"differentiable backend {backend!r} is unknown", f"choose one of {', '.join(_BACKENDS)}")
    return _BACKENDS[backend](means, quats, scales, opacities, colors, views)
