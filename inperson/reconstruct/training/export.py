"""Write a run's averaged weights as a network that `inperson avatar create` loads:

python -m inperson.reconstruct.training.export --folder out/run --out assets/networks/reconstruct.safetensors
"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import torch
import tyro

from inperson.errors import BadInputError
from inperson.reconstruct.network.model import ReconstructionNet
from inperson.reconstruct.network.weights import save_network
from inperson.reconstruct.training.batches import BODY_PRIOR
from inperson.reconstruct.training.checkpoint import Position, load_checkpoint, newest_checkpoint
from inperson.reconstruct.training.loop import LOG
from inperson.reconstruct.training.recipe import DEFAULT_RECIPE, read_recipe
from inperson.reconstruct.training.trainer import network_config


def export(folder: Path, out: Path, recipe: Path, trust: float = 1.0) -> dict[str, str]:
    """Write the newest checkpoint's average; returns its provenance.

    Args:
        trust: `NetConfig.trust` of what is written.

    Raises:
        BadInputError: the folder has no checkpoint, or one of another network than the recipe's.
    """
    newest = newest_checkpoint(folder)
    if newest is None:
        raise BadInputError(f"no checkpoint in {folder}", "train first")
    how = read_recipe(recipe)
    network = ReconstructionNet(network_config(how))
    average = ReconstructionNet(replace(network.config, trust=trust))
    position = load_checkpoint(newest, network, average)
    provenance = provenance_of(recipe, folder, position)
    if not how.inputs.body_prior:  # it was trained on zeros there: whatever comes must not count
        with torch.no_grad():
            average.uv.stem.weight[:, BODY_PRIOR] = 0.0
    save_network(average, out, provenance)
    return provenance


def provenance_of(recipe: Path, folder: Path, position: Position) -> dict[str, str]:
    """What a header says of a run on synthetic people, once it has come to `position`."""
    return {
        "recipe": recipe.stem,
        "recipe_sha256": hashlib.sha256(recipe.read_bytes()).hexdigest(),
        "steps": str(position.step),
        "samples": str(position.samples),
        "held_out": json.dumps(last_scores(folder / LOG)),
        "data": "synthetic people rendered from MakeHuman assets (CC0)",
    }


def last_scores(log: Path) -> dict[str, float]:
    """The last line of held-out scores in a run's log; empty where there is none yet."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.is_file() else []
    scores: dict[str, float] = next((line["held_out"] for line in reversed(lines) if "held_out" in line), {})
    return scores


def main(folder: Path, out: Path, recipe: Path = DEFAULT_RECIPE, trust: float = 1.0) -> None:
    """Export.

    Args:
        folder: of a run.
        out: the .safetensors to write.
        recipe: the run's.
        trust: how far of the way from the plain completion's colours to the network's own to go.
    """
    export(folder, out, recipe, trust)


if __name__ == "__main__":
    tyro.cli(main)
