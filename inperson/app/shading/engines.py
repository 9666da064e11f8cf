"""The engines that a session may shade with: sizes that have weights, each on what runs it fastest here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import get_args

import torch

from inperson.app.shading.choice import ShaderChoice
from inperson.avatar.gaussians import PersonalShader
from inperson.errors import BadInputError
from inperson.shader_model.network.config import Size
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.weights import load_shader, shipped_shader
from inperson.shader_model.personal.adapter import fingerprint, personalised
from inperson.shader_model.runtime.choices import Shape
from inperson.shader_model.runtime.choose import choose_engine, engine_times, fastest_engine
from inperson.shader_model.runtime.engine import Engine
from inperson.shader_model.runtime.example import example_inputs

LARGEST_FIRST: tuple[Size, ...] = tuple(reversed(get_args(Size)))
SIDE = 512
"""Pixels of the square crop that engines are measured with. Which is the fastest hardly depends on it, and one
measurement serves windows and headsets of all sizes."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class SizedEngine:
    """One of the shader's sizes, ready."""

    size: Size
    engine: Engine
    step_ms: float
    """Of a crop of `SIDE` x `SIDE` pixels an eye, as measured."""
    fitted: Callable[[PersonalShader], Engine | None] = lambda personal: None
    """The same with what an avatar knows of its person; None where that belongs to other weights."""


def compute_device() -> torch.device:
    """Where networks run: the GPU if there is a CUDA one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def sizes_for(asked: ShaderChoice) -> tuple[Size, ...]:
    """The sizes that a session may switch between, the largest first; none for `off`.

    Raises:
        BadInputError: the size asked for has no weights, or none has.
    """
    if asked == "off":
        return ()
    sizes = LARGEST_FIRST if asked == "auto" else (asked,)
    there = tuple(size for size in sizes if shipped_shader(size).is_file())
    if not there:
        missing = shipped_shader(LARGEST_FIRST[-1] if asked == "auto" else asked)
        raise BadInputError(
            f"--shader {asked}: there are no trained weights at {missing}",
            "use --shader off, or train them as inperson/shader_model/training/README.md says: "
            "python -m inperson.shader_model.training.train --data out/shader --folder out/run, then "
            f"python -m inperson.shader_model.training.export --folder out/run --out {missing}",
        )
    return there


def measure_engines(sizes: Sequence[Size], eyes: int, threads: int, say: Say) -> None:
    """See to it that the fastest engine of each size is known, while nothing else needs the cores.

    Args:
        sizes: of `sizes_for`.
        eyes: shaded at once.
        threads: on a CPU.
        say: told what goes on when it takes a while.

    Raises:
        BadInputError: weights that cannot be read.
        OutputError: what was measured cannot be kept.
    """
    torch.set_num_threads(threads)
    for size in sizes:
        model, shape = load_shader(shipped_shader(size)), Shape(1, eyes, SIDE, SIDE)
        engine_times(model, shape, compute_device(), threads, before_measuring=_announcing(say, size))


def open_engines(
    sizes: Sequence[Size], eyes: int, threads: int, say: Say = lambda notice: None
) -> tuple[SizedEngine, ...]:
    """Engines for the sizes, in their order, compiled and warm. Arguments and errors as `measure_engines`."""
    torch.set_num_threads(threads)
    device, shape = compute_device(), Shape(1, eyes, SIDE, SIDE)
    engines = []
    for size in sizes:
        model = load_shader(shipped_shader(size))
        best = fastest_engine(model, shape, device, threads, before_measuring=_announcing(say, size))
        best.engine.step(example_inputs(model, shape, device))
        fitted = partial(_fitted, model, fingerprint(model), best.engine.name, shape, device, threads)
        engines.append(SizedEngine(size, best.engine, best.step_ms, fitted))
    if not any(engine.engine.name.startswith("torch") for engine in engines):
        # what is left to torch is small, and its threads would fight with the engine's: 20 ms a frame instead of 1
        torch.set_num_threads(1)
    return tuple(engines)


def _fitted(
    model: LiveShader,
    known: str,
    name: str,
    shape: Shape,
    device: torch.device,
    threads: int,
    personal: PersonalShader,
) -> Engine | None:
    """The engine of a name, of the model as it is for one person."""
    if personal.weights_sha256 != known:
        return None
    return choose_engine(personalised(model, personal), shape, device, threads, asked_for=name)


def _announcing(say: Say, size: Size) -> Callable[[], None]:
    return lambda: say(f"video shader: finding out what runs its {size} size fastest here (this once, half a minute)")
