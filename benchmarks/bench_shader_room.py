"""The live video shader in a room: two and four people in one batch against one step for each, 512x512 an eye.

`N_together_vs_N_apart` says how many times faster the batch is. The small size on the engine that is the fastest for
one person, carrying the memories included.
"""

from collections.abc import Callable

import torch

from benchmarks import BenchReport, side_by_side
from inperson.shader_model.interface import INNER, Conditions
from inperson.shader_model.network.config import SIZES
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.room import RoomStream
from inperson.shader_model.runtime.candidates import candidates
from inperson.shader_model.runtime.choices import Shape
from inperson.shader_model.runtime.choose import measure
from inperson.shader_model.runtime.engine import Engine
from inperson.shader_model.runtime.example import example_inputs
from inperson.shader_model.stream import ShaderStream
from inperson.workers import available_cores

SIDE = 512
CPU = torch.device("cpu")


def run() -> BenchReport:
    """On the CPU, with all its cores."""
    return measured(SIDE, available_cores(), seconds=60.0)


def measured(side: int, threads: int, seconds: float) -> BenchReport:
    """Crops of side x side pixels; one eye and both."""
    torch.set_num_threads(threads)
    model = LiveShader(SIZES["small"]).eval()
    makers = candidates(model, CPU, threads)
    times = measure(makers, example_inputs(model, Shape(1, 1, side, side), CPU))
    engine = makers[min(times, key=times.__getitem__)]()
    subjects: dict[str, Callable[[], object]] = {}
    compare: list[tuple[str, str]] = []
    for eyes in (1, 2):
        for people in (2, 4):
            name = f"{people}{'_both_eyes' if eyes == 2 else ''}"
            told = [_told(model, eyes, side, seed) for seed in range(people)]
            subjects |= {
                f"{name}_together": _together(engine, told, threads),
                f"{name}_apart": _apart(engine, told, threads),
            }
            compare.append((f"{name}_together", f"{name}_apart"))
    return side_by_side(f"shader_room ({engine.name})", subjects, compare=compare, seconds=seconds)


def _together(engine: Engine, told: list[Conditions], threads: int) -> Callable[[], object]:
    room: RoomStream[int] = RoomStream(engine, threads)
    people = dict(enumerate(told))
    return lambda: room.shade(people)


def _apart(engine: Engine, told: list[Conditions], threads: int) -> Callable[[], object]:
    streams = [ShaderStream(engine, threads) for _ in told]
    return lambda: [stream.shade(one) for stream, one in zip(streams, told, strict=True)]


def _told(model: LiveShader, eyes: int, side: int, seed: int) -> Conditions:
    """Noise that moves by a few pixels and was seen all over; the first step remembers nothing."""
    inputs = example_inputs(model, Shape(1, eyes, side, side), CPU)
    torch.manual_seed(seed)
    inner = side // INNER
    centers = INNER * (torch.arange(inner) + 0.5)
    here = torch.stack([centers.expand(inner, inner), centers[:, None].expand(inner, inner)])
    before = here + 4.0 * torch.rand(eyes, eyes, 2, inner, inner)
    seen = torch.ones(eyes, eyes, inner, inner)
    return Conditions(inputs.color, inputs.photo, inputs.dense, before, seen, inputs.switch)
