"""The `cpu` backend behind the `Rasterizer` interface."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.cpu.engine import Engine, Gaussians, Workspace
from inperson.render.gbuffer import ColorBuffer, GBuffer
from inperson.render.packing import channels_from_gaussians, gbuffer_from_planes
from inperson.render.views import EyeView, common_size
from inperson.workers import available_cores


class CpuRasterizer:
    """Draws with numba on the CPU, one picture at a time.

    Args:
        threads: how many cores to draw on; by default all this process may use. One that runs beside a
            tracker should leave it a core.
    """

    name = "cpu"

    def __init__(self, threads: int | None = None) -> None:
        self._engine = Engine(threads or available_cores())
        self._workspace = Workspace()

    def render(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> GBuffer:
        """Draw the Gaussians into every view; all views have one size."""
        return gbuffer_from_planes(self._planes(gaussians, channels_from_gaussians(gaussians), views))

    def render_color(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> ColorBuffer:
        """Colour, depth and alpha alone."""
        return ColorBuffer(self._planes(gaussians, gaussians.colors, views))

    def close(self) -> None:
        """End the threads."""
        self._engine.close()

    def _planes(
        self, gaussians: PosedGaussians, channels: Float[np.ndarray, "N C"], views: Sequence[EyeView]
    ) -> Float[np.ndarray, "V C+2 H W"]:
        width, height = common_size(views)
        planes = np.empty((len(views), channels.shape[1] + 2, height, width), np.float32)
        given = Gaussians.of(gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, channels)
        self._engine.draw(given, views, self._workspace, planes)
        return planes
