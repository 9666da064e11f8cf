"""The command line that all trainings have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import tyro

from inperson.reconstruct.training.loop import TrainingLoop

Begin = Callable[[Path, Path, Path, Path | None], TrainingLoop[Any]]
"""Of a recipe's file, data, folder and start."""


def train_command(begin: Begin, default_recipe: Path) -> None:
    """Parse the command line and train.

    Args:
        begin: the run.
        default_recipe: TOML.
    """

    def main(
        data: Path,
        folder: Path,
        recipe: Path = default_recipe,
        start: Path | None = None,
        minutes: float | None = None,
        workers: int = 0,
        threads: int | None = None,
    ) -> None:
        """Train, or go on from the folder's newest checkpoint.

        Args:
            data: folder of shards.
            folder: for checkpoints and log.jsonl.
            recipe: TOML.
            start: weights to begin with.
            minutes: stop after so long, with the learning rate brought down by then.
            workers: threads that make the next batches meanwhile; as many as a GPU needs to be kept busy.
            threads: of torch on the CPU.
        """
        if threads is not None:
            torch.set_num_threads(threads)
        begin(recipe, data, folder, start).run(minutes, workers)

    tyro.cli(main)
