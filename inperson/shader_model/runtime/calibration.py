"""`Calibration`: between which values the inputs of `int8.rounded_convolutions` lie; kept beside the weights."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from inperson.avatar.atomic_file import write_atomically
from inperson.errors import BadInputError
from inperson.shader_model.data.window import Window
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.config import SIZES
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.unroll import unroll
from inperson.shader_model.network.weights import shipped_shader
from inperson.shader_model.personal.adapter import CHANGED, fingerprint
from inperson.shader_model.runtime.int8 import ChannelRanges, rounded_convolutions

VERSION = 1
MAX_FILE_BYTES = 1 << 20
MOST = 1e6
_AGAIN = "make it again with `python -m tools.calibrate_shader`"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of one network."""

    weights_sha256: str
    """Of all weights that the ranges follow from: an avatar's personal change leaves them alone."""
    ranges: dict[str, ChannelRanges]
    """Of the input of each convolution, by its name."""
    provenance: dict[str, str]
    """What it was measured on."""

    def belongs_to(self, model: LiveShader) -> bool:
        """Whether it was measured with a model's weights; a personal change makes no difference."""
        return self.weights_sha256 == _weights_before_the_change(model)


@torch.no_grad()
def calibrated(model: LiveShader, windows: Iterable[Window], provenance: dict[str, str]) -> Calibration:
    """Measure while the model shades windows, on its own outputs as it does live.

    Raises:
        BadInputError: there are no windows.
    """
    ends: dict[str, tuple[Tensor, Tensor]] = {}

    def widen(name: str, given: Tensor) -> None:
        low, high = given.amin(dim=(0, 2, 3)).clamp(max=0.0), given.amax(dim=(0, 2, 3)).clamp(min=0.0)
        before = ends.get(name, (low, high))
        ends[name] = torch.minimum(before[0], low), torch.maximum(before[1], high)

    def watch(name: str, convolution: nn.Conv2d) -> Any:
        return convolution.register_forward_pre_hook(lambda _, given: widen(name, given[0]))

    hooks = [watch(name, convolution) for name, convolution in rounded_convolutions(model)]
    for window in windows:
        unroll(model, [ConditionsBatch.of([moment]) for moment in window.conditions])
    for hook in hooks:
        hook.remove()
    if not ends:
        raise BadInputError("no windows to calibrate the shader with", "make some with tools.make_shader_shards")
    ranges = {name: ChannelRanges(*(tuple(end.tolist()) for end in both)) for name, both in ends.items()}
    return Calibration(_weights_before_the_change(model), ranges, provenance)


def shipped_calibration(model: LiveShader) -> Calibration | None:
    """The one that comes with the program for these weights; None if there is none.

    Raises:
        BadInputError: it is damaged.
    """
    for size, config in SIZES.items():
        path = calibration_of(shipped_shader(size))
        if config == model.config and path.is_file():
            found = load_calibration(path)
            return found if found.belongs_to(model) else None
    return None


def calibration_of(weights: Path) -> Path:
    """Where the calibration of a file of weights is."""
    return weights.with_suffix(".int8.json")


def save_calibration(calibration: Calibration, path: Path) -> None:
    """As JSON.

    Raises:
        OutputError: it cannot be written.
    """
    write_atomically(path, (json.dumps({"version": VERSION} | asdict(calibration)) + "\n").encode())


def load_calibration(path: Path) -> Calibration:
    """Back from JSON.

    Raises:
        BadInputError: it is missing or damaged, or from a newer version.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError("it is too large")
        stored = json.loads(path.read_bytes())
        if not isinstance(stored, dict) or stored.pop("version", None) != VERSION:
            raise ValueError("it is of another version")
        return _checked(**stored)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise BadInputError(f"shader calibration {path} cannot be read ({error})", _AGAIN) from error


def _checked(weights_sha256: Any, ranges: Any, provenance: Any) -> Calibration:
    if not (isinstance(weights_sha256, str) and isinstance(ranges, dict) and isinstance(provenance, dict)):
        raise ValueError("a field is of the wrong kind")
    if not all(isinstance(value, str) for value in provenance.values()):
        raise ValueError("its provenance is not made of strings")
    return Calibration(weights_sha256, {name: _ranges(name, given) for name, given in ranges.items()}, provenance)


def _ranges(name: str, given: Any) -> ChannelRanges:
    if not (isinstance(given, dict) and set(given) == {"low", "high"} and all(map(_are_numbers, given.values()))):
        raise ValueError(f"the ranges of {name} are not numbers")
    low, high = (tuple(float(value) for value in given[end]) for end in ("low", "high"))
    if len(low) != len(high) or not all(-MOST < a <= 0.0 <= b < MOST for a, b in zip(low, high, strict=True)):
        raise ValueError(f"the ranges of {name} are none")
    return ChannelRanges(low, high)


def _are_numbers(given: Any) -> bool:
    return isinstance(given, list) and all(type(value) in (int, float) for value in given)


def _weights_before_the_change(model: LiveShader) -> str:
    return fingerprint(model, leaving_out=CHANGED)
