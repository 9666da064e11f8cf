"""Checkpoints of a run: one safetensors file with weights, their running average and the optimiser's moments.

Nothing else is needed to go on exactly: all that is random comes from the seed and the number of samples used.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from inperson.errors import BadInputError

KEEP = 3
"""How many checkpoints of a run stay on disk."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a run has come."""

    step: int
    samples: int
    """Used by all processes together, since the start of the data's order."""


def save_checkpoint(
    folder: Path, position: Position, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer
) -> Path:
    """Write `step-NNNNNN.safetensors`, whole or not at all, and drop the oldest ones."""
    tensors: dict[str, Tensor] = {f"network/{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"average/{k}": v for k, v in average.state_dict().items()}
    for name, parameter in network.named_parameters():
        tensors |= {f"optimiser/{name}/{key}": value for key, value in optimiser.state[parameter].items()}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{position.step:06d}.safetensors"
    unfinished = path.with_suffix(".unfinished")
    contents = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    where = json.dumps({"step": position.step, "samples": position.samples})
    save_file(contents, unfinished, metadata={"position": where})
    unfinished.rename(path)
    for old in sorted(folder.glob("step-*.safetensors"))[:-KEEP]:
        old.unlink()
    return path


def newest_checkpoint(folder: Path) -> Path | None:
    """The latest checkpoint in a run's folder; None where there is none."""
    found = sorted(folder.glob("step-*.safetensors"))
    return found[-1] if found else None


def load_checkpoint(
    path: Path, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer | None = None
) -> Position:
    """Take up weights, average and (where one is given) the optimiser's state.

    Raises:
        BadInputError: the file is damaged or of another network.
    """
    try:
        with safe_open(path, framework="pt") as file:
            position = Position(**json.loads(file.metadata()["position"]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        for kind, module in (("network/", network), ("average/", average)):
            module.load_state_dict({k.removeprefix(kind): v for k, v in tensors.items() if k.startswith(kind)})
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BadInputError(f"checkpoint {path} does not fit ({error})", "resume with the same network") from error
    if optimiser is not None:
        for name, parameter in network.named_parameters():
            prefix = f"optimiser/{name}/"
            state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            on_cpu = {"step": state.pop("step")} if "step" in state else {}
            optimiser.state[parameter] = {k: v.to(parameter.device) for k, v in state.items()} | on_cpu
    return position
