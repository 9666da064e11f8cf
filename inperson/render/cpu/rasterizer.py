"""The `cpu` backend behind the `Rasterizer` interface."""

from collections.abc import Sequence

import numpy as np

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.cpu.engine import Engine, Gaussians, Workspace
from inperson.render.gbuffer import GBuffer
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
        channels = channels_from_gaussians(gaussians)
        width, height = common_size(views)
        planes = np.empty((len(views), channels.shape[1] + 2, height, width), np.float32)
        given = Gaussians.of(gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, channels)
        self._engine.draw(given, views, self._workspace, planes)
        return gbuffer_from_planes(planes)

    def close(self) -> None:
        """End the threads."""
        self._engine.close()
