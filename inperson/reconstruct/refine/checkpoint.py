"""The file that lets a refinement go on where it was stopped: beside the output, whole or not there, gone when done.

A safetensors file. Its key names avatar, clip, settings and program version: of anything else it is not used.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from inperson.avatar.atomic_file import write_atomically
from inperson.reconstruct.refine.alignment import Correction
from inperson.reconstruct.refine.learner import Values
from inperson.reconstruct.refine.optimise import Progress

_FORMAT = "inperson-refinement-1"
_NUMBERS = ("step", "best_loss", "looks_without_gain", "first_loss")


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """An interrupted optimisation."""

    betas: Float[np.ndarray, " B"]
    """The shape that the clip led to."""
    progress: Progress
    learner: Values
    """`Learner.snapshot`."""


def checkpoint_path(out: Path) -> Path:
    """Where the refinement that will write `out` keeps its state."""
    return out.with_name(f".{out.name}.refining")


def save_checkpoint(path: Path, key: str, checkpoint: Checkpoint) -> None:
    """Write it in one step.

    Raises:
        OutputError: there is no room, or the folder cannot be written.
    """
    now = checkpoint.progress
    arrays = {"betas": checkpoint.betas, "numbers": np.array([getattr(now, n) for n in _NUMBERS], np.float64)}
    arrays |= {f"learner.{name}": x for name, x in checkpoint.learner.items()}
    arrays |= {f"best.{name}": x for name, x in now.best.items()}
    for group, corrections in (("training", now.corrections), ("validation", now.validation)):
        arrays[f"{group}.turns"] = np.stack([c.turns for c in corrections])
        arrays[f"{group}.moves"] = np.stack([c.move for c in corrections])
    data = save({name: np.ascontiguousarray(x) for name, x in arrays.items()}, {"format": _FORMAT, "key": key})
    write_atomically(path, data)


def load_checkpoint(path: Path, key: str) -> Checkpoint | None:
    """What was saved under this key; None where there is nothing, or something else, or a damaged file."""
    try:
        with safe_open(path, framework="numpy") as stored:
            metadata = stored.metadata() or {}
            if metadata.get("format") != _FORMAT or metadata.get("key") != key:
                return None
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        return None
    step, best_loss, looks, first_loss = arrays["numbers"]
    progress = Progress(
        step=int(step),
        corrections=_corrections(arrays, "training"),
        validation=_corrections(arrays, "validation"),
        best=_group(arrays, "best."),
        best_loss=float(best_loss),
        looks_without_gain=int(looks),
        first_loss=float(first_loss),
    )
    return Checkpoint(arrays["betas"], progress, _group(arrays, "learner."))


def _corrections(arrays: Values, group: str) -> list[Correction]:
    rows = zip(arrays[f"{group}.turns"], arrays[f"{group}.moves"], strict=True)
    return [Correction(turns, move) for turns, move in rows]


def _group(arrays: Values, prefix: str) -> Values:
    return {name.removeprefix(prefix): x for name, x in arrays.items() if name.startswith(prefix)}
