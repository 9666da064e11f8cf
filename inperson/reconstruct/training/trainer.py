"""How the reconstruction network is trained."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor

from inperson.avatar.body import load_body
from inperson.errors import BadInputError
from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.interface import UvAttributes
from inperson.reconstruct.network.model import ReconstructionNet
from inperson.reconstruct.surface.atlas import UvAtlas
from inperson.reconstruct.training.batches import BatchMaker, TrainBatch
from inperson.reconstruct.training.checkpoint import load_checkpoint, newest_checkpoint
from inperson.reconstruct.training.loop import Numbered, TrainingLoop
from inperson.reconstruct.training.losses import uv_losses
from inperson.reconstruct.training.recipe import Recipe
from inperson.reconstruct.training.rendering import render_loss
from inperson.reconstruct.training.validation import validate


class Trainer(TrainingLoop[TrainBatch]):
    """One run of one recipe.

    Args:
        recipe: what to do.
        data: folder of prepared shards.
        folder: for checkpoints and the log.
        start: a checkpoint whose weights (not its schedule) to begin with; a run that has checkpoints of its own
            goes on from the newest.
        accelerator: see `TrainingLoop`.

    Raises:
        BadInputError: no shards, or a batch that the processes cannot share evenly.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: Path,
        folder: Path,
        start: Path | None = None,
        accelerator: Accelerator | None = None,
    ) -> None:
        super().__init__(recipe.optimiser, data, "tools.make_training_shards", folder, accelerator)
        self.recipe = recipe
        body, config = load_body("neutral"), network_config(recipe)
        fine = UvAtlas.of(body, recipe.targets.texels)
        factor = recipe.targets.texels // config.size
        self.atlas = fine if factor == 1 else UvAtlas.of(body, config.size)
        self.batches = BatchMaker(body, fine, factor, recipe)
        network = ReconstructionNet(config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if start is not None and newest_checkpoint(folder) is None:
            load_checkpoint(start, ReconstructionNet(config), network)
        self.begin(network)

    def batch(self, numbered: Sequence[Numbered]) -> TrainBatch:
        return self.batches.training(numbered)

    def losses(self, batch: TrainBatch, step: int) -> dict[str, Tensor]:
        inputs = batch.inputs.to(self.accelerator.device)
        attributes: UvAttributes = self.learning(inputs)
        parts = uv_losses(attributes, batch.truth.to(self.accelerator.device), inputs, self.recipe.loss)
        how = self.recipe.render
        if self.recipe.loss.render > 0 and step >= how.from_step and step % how.every == 0:
            drawn = render_loss(_on_cpu(attributes), batch, self.atlas, how.sites, self.recipe.optimiser.seed)
            parts["render"] = self.recipe.loss.render * drawn.to(self.accelerator.device)
        return parts

    def scores(self, held_out: Iterator[Numbered]) -> dict[str, float]:
        batches = (self.batches.held_out([numbered]) for numbered in held_out)
        return validate(self.average, batches, self.accelerator.device)


def network_config(recipe: Recipe) -> NetConfig:
    """The network's shape: the recipe's table over the defaults.

    Raises:
        BadInputError: unknown fields, values out of range, or texels that the size does not divide.
    """
    config = NetConfig.from_dict({**NetConfig().to_dict(), **recipe.network})
    if recipe.targets.texels % config.size:
        raise BadInputError(f"{recipe.targets.texels} texels do not fall into {config.size}", "mend the recipe")
    return config


def _on_cpu(a: UvAttributes) -> UvAttributes:
    """Where Gaussians are hung and drawn; gradients find their way back."""
    drawn = (a.offset, a.log_scale, a.rotation, a.opacity, a.color, a.features)
    return UvAttributes(*(values.cpu() for values in drawn))
