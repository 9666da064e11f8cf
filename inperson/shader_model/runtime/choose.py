"""Which engine runs the shader here: the one asked for, or the fastest, measured once and remembered."""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch

from inperson.errors import BadInputError, DeviceError
from inperson.shader_model.interface import NetworkInputs
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.candidates import EngineMaker, candidates
from inperson.shader_model.runtime.choices import Choices, Shape, circumstances, cores_are_busy
from inperson.shader_model.runtime.engine import Engine
from inperson.shader_model.runtime.example import example_inputs

ROUNDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredEngine:
    """An engine, and what a step of it costs."""

    engine: Engine
    step_ms: float


def choose_engine(
    model: LiveShader,
    shape: Shape,
    device: torch.device,
    threads: int,
    asked_for: str | None = None,
    choices: Choices | None = None,
) -> Engine:
    """The engine to shade with.

    Args:
        threads: of engines on a CPU; torch has its own setting.
        asked_for: the name of an engine; None takes the fastest.
        choices: what was measured before; by default the user's.

    Raises:
        BadInputError: the engine asked for cannot run here.
        OutputError: what was measured cannot be kept.
    """
    if asked_for is None:
        return fastest_engine(model, shape, device, threads, choices=choices).engine
    makers = candidates(model, device, threads)
    if asked_for not in makers:
        known = ", ".join(sorted(makers))
        raise BadInputError(f"shader engine '{asked_for}' cannot run here", f"choose from {known}")
    return makers[asked_for]()


def fastest_engine(
    model: LiveShader,
    shape: Shape,
    device: torch.device,
    threads: int,
    *,
    choices: Choices | None = None,
    before_measuring: Callable[[], None] = lambda: None,
) -> MeasuredEngine:
    """The fastest engine, as `engine_times` says."""
    times = engine_times(model, shape, device, threads, choices=choices, before_measuring=before_measuring)
    fastest = min(times, key=times.__getitem__)
    return MeasuredEngine(candidates(model, device, threads)[fastest](), times[fastest])


def engine_times(
    model: LiveShader,
    shape: Shape,
    device: torch.device,
    threads: int,
    *,
    choices: Choices | None = None,
    before_measuring: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Milliseconds of a step of each engine: remembered, or measured now and remembered.

    What was measured while other programs wanted the cores holds only as long as they do.

    Args:
        threads: of engines on a CPU; torch has its own setting.
        choices: what was measured before; by default the user's.
        before_measuring: called when nothing is remembered: it takes seconds, on a large model half a minute.

    Raises:
        OutputError: what was measured cannot be kept.
    """
    makers = candidates(model, device, threads)
    choices = choices or Choices()
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    calm = circumstances(model.config, shape, threads, makers, gpu)
    now = replace(calm, busy=cores_are_busy())
    times = choices.times(calm) or choices.times(now)
    if times is None:
        before_measuring()
        times = measure(makers, example_inputs(model, shape, device))
        choices.remember(now, times)
    return times


def measure(makers: Mapping[str, EngineMaker], inputs: NetworkInputs, rounds: int = ROUNDS) -> dict[str, float]:
    """Milliseconds of a step of each engine: the best of several rounds in turns, after one that is not counted."""
    engines = {}
    for name, make in makers.items():
        with contextlib.suppress(DeviceError):  # a provider whose libraries are missing is no candidate
            engine = make()
            engine.step(inputs)
            engines[name] = engine
    times = dict.fromkeys(engines, float("inf"))
    for _ in range(rounds):
        for name, engine in engines.items():
            start = time.perf_counter()
            engine.step(inputs)
            if inputs.color.is_cuda:
                torch.cuda.synchronize(inputs.color.device)
            times[name] = min(times[name], 1e3 * (time.perf_counter() - start))
    return times
