"""All rasterisers side by side: 50,000 Gaussians, a stereo pair of 512x512, RGB, normal, depth and alpha.

`forward_vs_backward` says how many times the forward pass alone the backward pass alone costs.
"""

import numpy as np
import torch

from benchmarks import BenchReport, side_by_side
from benchmarks.scene import figure, whole_figure_views
from inperson.render.backends import ReferenceRasterizer
from inperson.render.cpu.engine import Engine, Gaussians, Workspace
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.gl import GlRasterizer
from inperson.render.packing import channels_from_gaussians
from inperson.workers import available_cores

COUNT, SIZE = 50_000, 512


def run() -> BenchReport:
    """`backward` is the derivatives by all inputs, given those by the image, and without the forward pass."""
    torch.set_num_threads(1)  # the reference works on tiles, too small to share
    gaussians, views = figure(COUNT), whole_figure_views(SIZE, SIZE)
    cpu, gl, reference = CpuRasterizer(), GlRasterizer(), ReferenceRasterizer()
    engine = Engine(available_cores())
    channels = channels_from_gaussians(gaussians)
    given = Gaussians.of(gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, channels)
    planes = np.empty((2, channels.shape[1] + 2, SIZE, SIZE), np.float32)
    drawing = engine.draw(given, views, Workspace(), planes)
    v_planes = np.random.default_rng(0).normal(size=planes.shape).astype(np.float32)
    forward_workspace, forward_planes = Workspace(), np.empty_like(planes)
    return side_by_side(
        "raster",
        {
            "cpu": lambda: cpu.render(gaussians, views),
            "forward": lambda: engine.draw(given, views, forward_workspace, forward_planes),
            "backward": lambda: engine.backward(drawing, v_planes),
            "gl": lambda: gl.render(gaussians, views),
            "reference": lambda: reference.render(gaussians, views),
        },
        compare=[("cpu", "gl"), ("cpu", "reference"), ("forward", "backward")],
        seconds=15.0,
    )
