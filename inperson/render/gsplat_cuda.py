"""The `gsplat` backend: CUDA, through gsplat's own `rasterization`. Nothing here needs CUDA until it draws."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.errors import BadInputError, DeviceError
from inperson.render.tensors import TensorRasterizer, uploaded
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
        uploaded(view_matrices(views).numpy(), means.device),
        uploaded(intrinsic_matrices(views).numpy(), means.device),
        width,
        height,
        near_plane=near,
        far_plane=far,
        render_mode="RGB+D",
    )
    return torch.cat([channels, alpha], dim=-1).permute(0, 3, 1, 2)


class GsplatRasterizer(TensorRasterizer):
    """Draws on the current CUDA device.

    Raises:
        DeviceError: there is no CUDA device.
        BadInputError: gsplat is not installed.
    """

    def __init__(self) -> None:
        _import_rasterization()
        super().__init__("gsplat", rasterize_gsplat, torch.device("cuda"))
