"""Write a run's averaged weights as a file that `load_shader` reads:

python -m inperson.shader_model.training.export --folder out/run --out assets/networks/shader_small.safetensors
"""

import json
from pathlib import Path

import tyro

from inperson.errors import BadInputError
from inperson.reconstruct.training.checkpoint import load_checkpoint, newest_checkpoint
from inperson.reconstruct.training.export import provenance_of
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.weights import read_shader_header, save_shader
from inperson.shader_model.training.recipe import DEFAULT_RECIPE, read_recipe
from inperson.shader_model.training.trainer import network_config, roll_out_of


def export(
    folder: Path, out: Path, recipe: Path, start: Path | None = None, clips: tuple[str, ...] = ()
) -> dict[str, str]:
    """Write the newest checkpoint's average; returns its provenance.

    Args:
        start: the weights that the run began with; their provenance becomes part of this one.
        clips: names of the clips of real people that were among the data.

    Raises:
        BadInputError: the folder has no checkpoint, or one of another network than the recipe's; or `start` is no
            shader.
    """
    newest = newest_checkpoint(folder)
    if newest is None:
        raise BadInputError(f"no checkpoint in {folder}", "train first")
    how = read_recipe(recipe)
    average = LiveShader(network_config(how))
    position = load_checkpoint(newest, roll_out_of(LiveShader(average.config), how), average)
    provenance = provenance_of(recipe, folder, position)
    if clips:
        provenance["data"] += f"; real people in {', '.join(clips)}"
    if start is not None:
        provenance["start"] = json.dumps(read_shader_header(start).provenance, sort_keys=True)
    save_shader(average, out, provenance)
    return provenance


def main(
    folder: Path,
    out: Path,
    recipe: Path = DEFAULT_RECIPE,
    start: Path | None = None,
    clips: tuple[str, ...] = (),
) -> None:
    """Export.

    Args:
        folder: of a run.
        out: the .safetensors to write.
        recipe: the run's.
        start: the weights that the run began with.
        clips: names of the clips of real people that were among its data.
    """
    export(folder, out, recipe, start, clips)


if __name__ == "__main__":
    tyro.cli(main)
