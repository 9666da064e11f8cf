"""Train the teacher:

python -m inperson.shader_model.teacher.training.train --data out/shader --folder out/teacher
torchrun --nproc-per-node 8 -m inperson.shader_model.teacher.training.train --data out/shader --folder out/teacher
"""

from pathlib import Path

import torch
import tyro

from inperson.shader_model.teacher.training.recipe import DEFAULT_RECIPE, read_recipe
from inperson.shader_model.teacher.training.trainer import TeacherTrainer


def main(
    data: Path,
    folder: Path,
    recipe: Path = DEFAULT_RECIPE,
    start: Path | None = None,
    minutes: float | None = None,
    workers: int = 0,
    threads: int | None = None,
) -> None:
    """Train, or go on from the folder's newest checkpoint.

    Args:
        data: folder of shards (`python -m tools.make_shader_shards`).
        folder: for checkpoints and log.jsonl.
        recipe: TOML.
        start: exported weights to begin with.
        minutes: stop after so long, with the stages and the learning rate brought to their end by then.
        workers: threads that make the next batches meanwhile; as many as a GPU needs to be kept busy.
        threads: of torch on the CPU.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    TeacherTrainer(read_recipe(recipe), data, folder, start).run(minutes, workers)


if __name__ == "__main__":
    tyro.cli(main)
