"""The live shader that an evaluation runs, and what its report says of it."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inperson.shader_model.evaluation.report import About
    from inperson.shader_model.runtime.engine import Engine


def open_live(weights: Path, side: int, threads: int, engine: str | None) -> "Engine":
    """What runs the network in a file on the CPU.

    Args:
        side: of the square crops, pixels.
        engine: its name; None takes the fastest.

    Raises:
        BadInputError: the file cannot be read, or the engine cannot run here.
    """
    import torch

    from inperson.shader_model.network.weights import load_shader
    from inperson.shader_model.runtime.choices import Shape
    from inperson.shader_model.runtime.choose import choose_engine

    return choose_engine(load_shader(weights), Shape(1, 1, side, side), torch.device("cpu"), threads, engine)


def about_live(weights: Path, engine: "Engine", threads: int, seconds: float) -> "About":
    """Which network this command evaluated how.

    Args:
        seconds: that it took.
    """
    from inperson.avatar.provenance import this_tool
    from inperson.shader_model.evaluation.report import About
    from inperson.shader_model.network.weights import read_shader_header
    from inperson.shader_model.runtime.choices import processor_name

    return About(
        command=shlex.join(["inperson", *sys.argv[1:]]),
        engine=engine.name,
        weights=weights.name,
        weights_sha256=fingerprint(weights),
        provenance=read_shader_header(weights).provenance,
        tool=this_tool(),
        machine=processor_name(),
        threads=threads,
        seconds=seconds,
    )


def fingerprint(file: Path) -> str:
    """Its SHA-256, hexadecimal."""
    from hashlib import sha256

    return sha256(file.read_bytes()).hexdigest()
