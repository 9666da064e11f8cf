"""The live video shader: a step of each size in each engine, one eye and both, at 512x512; and carrying its memory.

`X_vs_torch-fp32` says how many times faster an engine is than plain torch, `one_eye_vs_both` how many times the cost
of one eye two eyes cost, `int8_vs_openvino-bf16` what 8-bit integers gain, `numba_vs_torch` what the fast paths of
carrying and of composing pictures gain. Sizes that come with the program have their weights: those have a
calibration, without which there is no int8.
"""

from collections.abc import Callable

import numpy as np
import torch

from benchmarks import BenchReport, side_by_side
from inperson.shader_model.interface import INNER
from inperson.shader_model.network.compose import compose
from inperson.shader_model.network.compose_cpu import compose_folded_cpu
from inperson.shader_model.network.config import SIZES, Size
from inperson.shader_model.network.model import Head, LiveShader
from inperson.shader_model.network.warp import carry_pictures
from inperson.shader_model.network.warp_cpu import carry_pictures_cpu
from inperson.shader_model.network.weights import load_shader, shipped_shader
from inperson.shader_model.runtime.candidates import candidates
from inperson.shader_model.runtime.choices import Shape
from inperson.shader_model.runtime.engine import Engine
from inperson.shader_model.runtime.example import example_inputs
from inperson.workers import Workers, available_cores

SIDE = 512
CPU = torch.device("cpu")
ALONE = ("openvino-bf16", "openvino-int8")
"""Engines that are measured on one thread, too."""
PERSON = 0.4
"""Of the crop: about what a person covers."""


def run() -> BenchReport:
    """On the CPU, with all its cores."""
    threads = available_cores()
    torch.set_num_threads(threads)
    subjects: dict[str, Callable[[], object]] = {}
    compare: list[tuple[str, str]] = []
    for size in SIZES:
        model = _model(size)
        makers = candidates(model, CPU, threads)
        for name, make in makers.items():
            one = _add_engine(subjects, compare, f"{size}_{name}", make(), model)
            compare += [] if name == "torch-fp32" else [(one, f"{size}_torch-fp32_one_eye")]
            compare += [] if name != "openvino-int8" else [(one, f"{size}_openvino-bf16_one_eye")]
        if "openvino-int8" in makers:  # torch's threads are set for all of a process
            alone = {name: make for name, make in candidates(model, CPU, 1).items() if name in ALONE}
            ones = [_add_engine(subjects, compare, f"{size}_{n}_alone", make(), model) for n, make in alone.items()]
            compare.append((ones[-1], ones[0]))
    workers = Workers(threads)
    for eyes in (1, 2):
        subjects |= _carriers(eyes, workers) | _composers(eyes, workers)
        compare += [(f"{what}_{eyes}_numba", f"{what}_{eyes}_torch") for what in ("carry", "compose")]
    return side_by_side("shader", subjects, compare=compare, seconds=60.0)


def _model(size: Size) -> LiveShader:
    """As it ships; untrained where it does not: that changes no time."""
    weights = shipped_shader(size)
    return load_shader(weights) if weights.is_file() else LiveShader(SIZES[size]).eval()


def _add_engine(
    subjects: dict[str, Callable[[], object]],
    compare: list[tuple[str, str]],
    name: str,
    engine: Engine,
    model: LiveShader,
) -> str:
    """A step for one eye, whose name is returned, beside one for both."""
    one, both = f"{name}_one_eye", f"{name}_both"
    for subject, eyes in ((one, 1), (both, 2)):
        inputs = example_inputs(model, Shape(1, eyes, SIDE, SIDE), CPU)
        subjects[subject] = lambda inputs=inputs: engine.step(inputs)  # type: ignore[misc]
    compare.append((one, both))
    return one


def _carriers(eyes: int, workers: Workers) -> dict[str, Callable[[], object]]:
    """The last pictures of so many eyes into as many, where a person stands in the middle."""
    inner = SIDE // INNER
    y, x = np.mgrid[:inner, :inner] + 0.5
    seen = np.zeros((eyes, eyes, inner, inner), np.float32)
    seen[..., abs(x / inner - 0.5) < PERSON / 2] = 1.0
    before = np.empty((eyes, eyes, 2, inner, inner), np.float32)
    before[:] = INNER * np.stack([x, y]) + 2.3
    last = np.random.default_rng(0).random((eyes, 4, SIDE, SIDE), dtype=np.float32)
    tensors = [torch.from_numpy(array)[None] for array in (last, before, seen)]
    return {
        f"carry_{eyes}_numba": lambda: carry_pictures_cpu(last, before, seen, workers),
        f"carry_{eyes}_torch": lambda: carry_pictures(*tensors),
    }


def _composers(eyes: int, workers: Workers) -> dict[str, Callable[[], object]]:
    """Pictures of what the head says."""
    random = torch.Generator().manual_seed(0)
    head, inner = Head(SIZES["small"].widths[0]).requires_grad_(False), SIDE // INNER
    features = torch.rand(eyes, head.added.in_channels, inner, inner, generator=random)
    pictures = [torch.rand(eyes, n, SIDE, SIDE, generator=random) for n in (4, 4, 5)]
    folded, corrections = head.folded(features).numpy(), head(features)
    color, photo, previous = (picture.numpy() for picture in pictures)
    return {
        f"compose_{eyes}_numba": lambda: compose_folded_cpu(folded, color, photo, previous, workers),
        f"compose_{eyes}_torch": lambda: compose(corrections, *pictures),
    }
