"""The `gsplat` backend: CUDA, through gsplat's own `rasterization`. Nothing here needs CUDA until it draws."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.avatar.gaussians import PosedGaussians
from inperson.errors import BadInputError, DeviceError
from inperson.render.gbuffer import ColorBuffer, GBuffer
from inperson.render.packing import channels_from_gaussians, gbuffer_from_planes
from inperson.render.views import EyeView, common_size


def view_matrices(views: Sequence[EyeView]) -> Float[Tensor, "V 4 4"]:
    """World to OpenCV camera space, gsplat's `viewmats`."""
    return torch.stack([torch.as_tensor(view.T_cv_from_world, dtype=torch.float32) for view in views])


def intrinsic_matrices(views: Sequence[EyeView]) -> Float[Tensor, "V 3 3"]:
    """gsplat's `Ks`; an asymmetric field of view is a principal point off the middle."""
    return torch.stack([torch.as_tensor(view.intrinsics.matrix, dtype=torch.float32) for view in views])


def common_range(views: Sequence[EyeView]) -> tuple[float, float]:
    """Near and far, which gsplat takes once for all views.

    Raises:
        ValueError: the views do not agree.
    """
    ranges = {(view.near, view.far) for view in views}
    if len(ranges) != 1:
        raise ValueError(f"gsplat draws views of one near and far plane, not {sorted(ranges)}")
    return ranges.pop()


def _import_rasterization() -> Callable[..., Any]:
    if not torch.cuda.is_available():
        raise DeviceError("the gsplat rasteriser needs a CUDA device and there is none", "use `cpu` or `gl`")
    try:
        from gsplat import rasterization
        from gsplat.cuda._backend import _C as compiled
    except (ImportError, OSError, RuntimeError) as error:  # the latter two from compiling, the first time
        mend = "install it with `pip install 'inperson[cuda]'`, or use `cpu` or `gl`"
        raise BadInputError(f"the gsplat package cannot be imported ({_last_line(error)})", mend) from error
    if compiled is None:
        mend = "install CUDA's toolkit (nvcc) in the version that torch was built for, or use `cpu` or `gl`"
        raise BadInputError("the gsplat package found no compiler for its CUDA code", mend)
    return rasterization


def _last_line(error: Exception) -> str:
    """Compilers complain at length; the last line sums it up."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


def check_gsplat() -> None:
    """Make sure that gsplat can draw; the first time on a machine it compiles itself, which takes minutes.

    Raises:
        DeviceError: there is no CUDA device.
        BadInputError: gsplat is not installed, or cannot be compiled.
    """
    _import_rasterization()


def rasterize_gsplat(
    means: Float[Tensor, "N 3"],
    quats: Float[Tensor, "N 4"],
    scales: Float[Tensor, "N 3"],
    opacities: Float[Tensor, " N"],
    colors: Float[Tensor, "N C"],
    views: Sequence[EyeView],
) -> Float[Tensor, "V C+2 H W"]:
    """As `inperson.render.differentiable.rasterize`, for tensors on a CUDA device."""
    rasterization = _import_rasterization()
    width, height = common_size(views)
    if len(opacities) == 0:
        return torch.zeros(len(views), colors.shape[1] + 2, height, width, device=means.device)
    near, far = common_range(views)
    channels, alpha, _ = rasterization(
        means,
        quats,
        scales,
        opacities,
        colors,
        view_matrices(views).to(means.device),
        intrinsic_matrices(views).to(means.device),
        width,
        height,
        near_plane=near,
        far_plane=far,
        render_mode="RGB+D",
    )
    return torch.cat([channels, alpha], dim=-1).permute(0, 3, 1, 2)


class GsplatRasterizer:
    """Draws on the current CUDA device.

    Raises:
        DeviceError: there is no CUDA device.
        BadInputError: gsplat is not installed.
    """

    name = "gsplat"

    def __init__(self) -> None:
        _import_rasterization()

    def render(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> GBuffer:
        """Draw the Gaussians into every view; all views have one size, one near and one far plane."""
        return gbuffer_from_planes(self._planes(gaussians, channels_from_gaussians(gaussians), views))

    def render_color(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> ColorBuffer:
        """Colour, depth and alpha alone."""
        return ColorBuffer(self._planes(gaussians, gaussians.colors, views))

    def close(self) -> None:
        """CUDA memory goes back with its tensors; nothing else is held."""

    @torch.inference_mode()
    def _planes(
        self, gaussians: PosedGaussians, channels: Float[np.ndarray, "N C"], views: Sequence[EyeView]
    ) -> Float[np.ndarray, "V C+2 H W"]:
        arrays = (gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, channels)
        means, quats, scales, opacities, colors = (torch.tensor(a, device="cuda") for a in arrays)
        planes = rasterize_gsplat(means, quats, scales, opacities, colors, views)
        return planes.contiguous().cpu().numpy()
