"""The live video shader: a step of each size in each engine, one eye and both, at 512x512; and carrying its memory.

`X_vs_torch-fp32` says how many times faster an engine is than plain torch, `one_eye_vs_both` how many times the cost
of one eye two eyes cost, `numba_vs_torch` what the fast path of carrying pictures gains.
"""

from collections.abc import Callable

import numpy as np
import torch

from benchmarks import BenchReport, side_by_side
from inperson.shader_model.interface import INNER
from inperson.shader_model.network.config import SIZES
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.warp import carry_pictures
from inperson.shader_model.network.warp_cpu import carry_pictures_cpu
from inperson.shader_model.runtime.candidates import candidates
from inperson.shader_model.runtime.choices import Shape
from inperson.shader_model.runtime.example import example_inputs
from inperson.workers import Workers, available_cores

SIDE = 512
CPU = torch.device("cpu")
PERSON = 0.4
"""Of the crop: about what a person covers."""


def run() -> BenchReport:
    """On the CPU, with all its cores."""
    threads = available_cores()
    torch.set_num_threads(threads)
    subjects: dict[str, Callable[[], object]] = {}
    compare: list[tuple[str, str]] = []
    for size, config in SIZES.items():
        model = LiveShader(config).eval()
        for name, make in candidates(model, CPU, threads).items():
            engine = make()
            one, both = f"{size}_{name}_one_eye", f"{size}_{name}_both"
            for subject, eyes in ((one, 1), (both, 2)):
                inputs = example_inputs(model, Shape(1, eyes, SIDE, SIDE), CPU)
                subjects[subject] = lambda engine=engine, inputs=inputs: engine.step(inputs)  # type: ignore[misc]
            compare.append((one, both))
            compare += [] if name == "torch-fp32" else [(one, f"{size}_torch-fp32_one_eye")]
    for eyes in (1, 2):
        subjects |= _carriers(eyes, Workers(threads))
        compare.append((f"carry_{eyes}_numba", f"carry_{eyes}_torch"))
    return side_by_side("shader", subjects, compare=compare, seconds=60.0)


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
