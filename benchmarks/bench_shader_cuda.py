"""The live video shader on a CUDA GPU, for two eyes at 1024x1024 and 2064x2208: a step of each size in each engine,
and whole frames of each size with the engine that was the fastest.

Beside median and p95, in `ratios`: `..._p99_ms`; `..._memory_mib`, the most that was held; `..._share_of_limit`, the
time that the arithmetic or the least traffic (every input, output and weight once) would take at the rates that this
GPU reached in this run in a matrix product and in a copy, whichever is longer, in that of the step;
`..._times_vasa3d_pixels`, pixels a second in those of VASA-3D's published 512x512 at 75 frames a second.
A frame is `conditions` (gsplat's two passes among them), `step` (carrying the memory too) and `compose`, up to the
texels that are copied into OpenGL's textures: `..._conditions_share` and so on are their shares, `..._sent_bytes` and
`..._fetched_bytes` what it passes between host and device.
"""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import BenchReport, Case, case, device_name
from benchmarks.bench_conditions import EYE_DISTANCE, talking_view
from benchmarks.shaded_frames import ShadedFrames, wait_for
from inperson.render.gsplat_cuda import GsplatRasterizer
from inperson.render.tensors import TensorRasterizer
from inperson.shader_model.interface import MULTIPLE, NetworkInputs
from inperson.shader_model.network.config import SIZES
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.candidates import candidates
from inperson.shader_model.runtime.choices import Shape
from inperson.shader_model.runtime.engine import Engine, in_order
from inperson.shader_model.runtime.example import example_inputs

VIEWS = ((1024, 1024), (2064, 2208))
"""Widths and heights of an eye's picture; crops are the next multiples of 32."""
VASA_3D = 512 * 512 * 75
"""Pixels a second."""
CALLS, WARM_UP = 200, 10


@dataclass(frozen=True, slots=True)
class Limits:
    """What a GPU reaches at best."""

    flops: float
    """A second, in a product of bfloat16 matrices."""
    bytes: float
    """A second, read and written by a copy."""

    @staticmethod
    def of(device: torch.device, side: int = 8192) -> "Limits":
        """Measured now, on matrices of `side` x `side`."""
        a = torch.randn(side, side, device=device, dtype=torch.bfloat16)
        out = torch.empty_like(a)
        product = float(np.median(times_of(lambda: torch.mm(a, a, out=out), device, 20)))
        copied = float(np.median(times_of(lambda: out.copy_(a), device, 20)))
        return Limits(2.0 * side**3 / product, 2.0 * a.numel() * a.element_size() / copied)


def run() -> BenchReport:
    """On the current GPU; nothing where there is none."""
    if not torch.cuda.is_available():
        return BenchReport(bench="shader_cuda (no CUDA GPU here)", device=device_name(), cases=[], ratios={})
    return measured(GsplatRasterizer(), VIEWS, CALLS)


def measured(
    rasterizer: TensorRasterizer, views: tuple[tuple[int, int], ...], calls: int, side: int = 8192
) -> BenchReport:
    """Every size and engine at every size of view, two eyes.

    Args:
        rasterizer: draws the whole frames; all is measured on its device.
        side: of the matrices that the limits are measured with.
    """
    device = rasterizer.device
    limits, cases, ratios = Limits.of(device, side), list[Case](), dict[str, float]()
    for size, config in SIZES.items():
        model = LiveShader(config).eval()
        for width, height in views:
            medians: dict[str, float] = {}
            shape = Shape(1, 2, *(-(-n // MULTIPLE) * MULTIPLE for n in (height, width)))
            inputs = example_inputs(model, shape, device)
            least = least_seconds(model, inputs, limits)
            for engine_name, make in candidates(model, device, 1).items():
                name = f"{size}_{engine_name}_{width}x{height}_both"
                _forget(device)
                engine = make()
                times = times_of(lambda e=engine, i=inputs: e.step(i), device, calls)  # type: ignore[misc]
                cases.append(case(name, times))
                median = medians[engine_name] = float(np.median(times))
                ratios[f"{name}_p99_ms"] = 1e3 * float(np.percentile(times, 99))
                ratios[f"{name}_share_of_limit"] = least / median
                ratios[f"{name}_times_vasa3d_pixels"] = 2 * width * height / median / VASA_3D
                if device.type == "cuda":
                    ratios[f"{name}_memory_mib"] = torch.cuda.max_memory_allocated() / 2**20
                del engine
            _forget(device)
            fastest = candidates(model, device, 1)[min(medians, key=medians.__getitem__)]()
            frame_cases, frame_ratios = _frames(f"{size}_{width}x{height}", rasterizer, fastest, shape, calls)
            cases += frame_cases
            ratios |= frame_ratios
    return BenchReport(bench="shader_cuda", device=device_name(), cases=cases, ratios=ratios)


def _frames(
    name: str, rasterizer: TensorRasterizer, engine: Engine, shape: Shape, calls: int
) -> tuple[list[Case], dict[str, float]]:
    """Whole frames of a shape."""
    eyes = tuple(talking_view(x, shape.width, shape.height) for x in (-EYE_DISTANCE / 2, EYE_DISTANCE / 2))
    frames = ShadedFrames(rasterizer, engine, eyes)
    times = frames.times(calls)
    frames.close()
    ratios = {f"{name}_frame_p99_ms": 1e3 * float(np.percentile(times.whole, 99))}
    ratios |= {f"{name}_frame_{stage}_share": times.share(stage) for stage in times.stages}
    ratios |= {f"{name}_frame_sent_bytes": times.sent, f"{name}_frame_fetched_bytes": times.fetched}
    parts = [case(f"{name}_frame_{stage}", seconds) for stage, seconds in times.stages.items()]
    return [case(f"{name}_frame", times.whole), *parts], ratios


def times_of(step: Callable[[], object], device: torch.device, calls: int) -> list[float]:
    """Seconds of each call, the device's own work included."""
    for _ in range(WARM_UP):
        step()
    times = []
    for _ in range(calls):
        wait_for(device)
        start = time.perf_counter()
        step()
        wait_for(device)
        times.append(time.perf_counter() - start)
    return times


def least_seconds(model: LiveShader, inputs: NetworkInputs, limits: Limits) -> float:
    """The longer of what arithmetic and least traffic of one step take at a GPU's limits, in bfloat16."""
    given = tuple(x.to("meta") for x in in_order(inputs))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        outputs: tuple[Tensor, ...] = LiveShader(model.config).to("meta")(*given)
    moved = sum(x.numel() * x.element_size() for x in (*given, *outputs))
    moved += 2 * sum(p.numel() for p in model.parameters())
    return max(counter.get_total_flops() / limits.flops, moved / limits.bytes)


def _forget(device: torch.device) -> None:
    """So that the next engine's memory is its own."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
