"""`make_rasterizer`: a backend by name."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float

from inperson.avatar.gaussians import PosedGaussians
from inperson.errors import BadInputError, DeviceError
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.gbuffer import ColorBuffer, GBuffer, Rasterizer
from inperson.render.gl import GlRasterizer, is_software
from inperson.render.gsplat_cuda import GsplatRasterizer
from inperson.render.packing import channels_from_gaussians, gbuffer_from_planes
from inperson.render.reference import rasterize_reference
from inperson.render.views import EyeView


class ReferenceRasterizer:
    """The plain torch rasteriser behind the `Rasterizer` interface, in float32."""

    name = "reference"

    def render(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> GBuffer:
        """Draw the Gaussians into every view; all views have one size."""
        return gbuffer_from_planes(self._planes(gaussians, channels_from_gaussians(gaussians), views))

    def render_color(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> ColorBuffer:
        """Colour, depth and alpha alone."""
        return ColorBuffer(self._planes(gaussians, gaussians.colors, views))

    def close(self) -> None:
        """Nothing is held."""

    @torch.inference_mode()
    def _planes(
        self, gaussians: PosedGaussians, channels: Float[np.ndarray, "N C"], views: Sequence[EyeView]
    ) -> Float[np.ndarray, "V C+2 H W"]:
        arrays = (gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, channels)
        means, quats, scales, opacities, colors = (torch.tensor(a) for a in arrays)
        return rasterize_reference(means, quats, scales, opacities, colors, views).numpy()


def fastest_rasterizer(threads: int | None = None) -> Rasterizer:
    """gsplat where there is CUDA, else a GPU's OpenGL, else the CPU (which beats software OpenGL)."""
    try:
        return GsplatRasterizer()
    except (DeviceError, BadInputError):
        pass  # no CUDA, or without gsplat: the next best
    try:
        gl = GlRasterizer()
    except DeviceError:
        return CpuRasterizer(threads)
    if is_software(gl.context):
        gl.close()
        return CpuRasterizer(threads)
    return gl


BACKENDS: dict[str, Callable[[int | None], Rasterizer]] = {
    "auto": fastest_rasterizer,
    "cpu": CpuRasterizer,
    "gl": lambda threads: GlRasterizer(),
    "gsplat": lambda threads: GsplatRasterizer(),
    "reference": lambda threads: ReferenceRasterizer(),
}


def make_rasterizer(name: str, threads: int | None = None) -> Rasterizer:
    """A rasteriser by the name of its backend; `auto` takes the fastest there is.

    Args:
        name: a key of `BACKENDS`.
        threads: how many cores `cpu` may draw on; by default all. Beside a tracker, leave it one.

    Raises:
        BadInputError: no backend has this name, or its package is not installed.
        DeviceError: the device it needs is missing.
    """
    if name not in BACKENDS:
        raise BadInputError(f"rasteriser {name!r} is unknown", f"choose one of {', '.join(BACKENDS)}")
    return BACKENDS[name](threads)
