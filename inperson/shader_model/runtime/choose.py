"""Which engine runs the shader here: the one asked for, or the fastest, measured once and remembered."""

import contextlib
import time
from collections.abc import Mapping

import torch

from inperson.errors import BadInputError, DeviceError
from inperson.shader_model.interface import DENSE_CHANNELS, INNER, NetworkInputs
from inperson.shader_model.network.model import SWITCH, LiveShader
from inperson.shader_model.network.warp import HIDDEN
from inperson.shader_model.runtime.candidates import EngineMaker, candidates
from inperson.shader_model.runtime.choices import Choices, Shape, circumstances
from inperson.shader_model.runtime.engine import Engine

ROUNDS = 5


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
    makers = candidates(model, device, threads)
    if asked_for is not None:
        if asked_for not in makers:
            raise BadInputError(
                f"shader engine '{asked_for}' cannot run here", f"choose from {', '.join(sorted(makers))}"
            )
        return makers[asked_for]()
    choices = choices or Choices()
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    now = circumstances(model.config, shape, threads, gpu)
    times = choices.times(now)
    if times is None or not set(times) <= set(makers):
        times = measure(makers, example_inputs(model, shape, device))
        choices.remember(now, times)
    return makers[min(times, key=times.__getitem__)]()


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


def example_inputs(model: LiveShader, shape: Shape, device: torch.device) -> NetworkInputs:
    """Noise of a shape: how long a step takes does not depend on what it sees."""
    random = torch.Generator(device).manual_seed(0)
    count, height, width = shape.people * shape.eyes, shape.height, shape.width

    def noise(*sizes: int) -> torch.Tensor:
        return torch.rand(sizes, generator=random, device=device)

    return NetworkInputs(
        color=noise(count, 4, height, width),
        photo=noise(count, 4, height, width),
        dense=noise(count, len(DENSE_CHANNELS), height // INNER, width // INNER),
        previous=noise(count, 5, height, width),
        hidden=noise(shape.people, model.config.hidden_channels, height // HIDDEN, width // HIDDEN),
        switch=noise(count, SWITCH),
    )
