"""Write a run's averaged weights as a file that `load_teacher` reads:

python -m inperson.shader_model.teacher.training.export --folder out/teacher --out out/teacher.safetensors
"""

from pathlib import Path

import tyro

from inperson.errors import BadInputError
from inperson.reconstruct.training.checkpoint import load_checkpoint, newest_checkpoint
from inperson.reconstruct.training.export import provenance_of
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.training.recipe import DEFAULT_RECIPE, read_recipe
from inperson.shader_model.teacher.training.trainer import network_config
from inperson.shader_model.teacher.weights import save_teacher


def export(folder: Path, out: Path, recipe: Path) -> dict[str, str]:
    """Write the newest checkpoint's average; returns its provenance.

    Raises:
        BadInputError: the folder has no checkpoint, or one of another network than the recipe's.
    """
    newest = newest_checkpoint(folder)
    if newest is None:
        raise BadInputError(f"no checkpoint in {folder}", "train first")
    config = network_config(read_recipe(recipe))
    average = Teacher(config)
    position = load_checkpoint(newest, Teacher(config), average)
    provenance = provenance_of(recipe, folder, position)
    save_teacher(average, out, provenance)
    return provenance


def main(folder: Path, out: Path, recipe: Path = DEFAULT_RECIPE) -> None:
    """Export.

    Args:
        folder: of a run.
        out: the .safetensors to write.
        recipe: the run's.
    """
    export(folder, out, recipe)


if __name__ == "__main__":
    tyro.cli(main)
