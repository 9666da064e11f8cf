"""How the teacher is trained."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from accelerate import Accelerator
from jaxtyping import Float
from torch import Tensor

from inperson.errors import BadInputError
from inperson.reconstruct.perceptual import Perceptual
from inperson.reconstruct.training.loop import Numbered, TrainingLoop
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.weights import load_shader
from inperson.shader_model.teacher.beginning import begun_at
from inperson.shader_model.teacher.config import TeacherConfig, config_of
from inperson.shader_model.teacher.flow import velocity_error
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.residual import picture_of, residual_of
from inperson.shader_model.teacher.told import Told
from inperson.shader_model.teacher.training.batches import FlowBatch, FlowBatchMaker
from inperson.shader_model.teacher.training.recipe import Recipe
from inperson.shader_model.teacher.training.validation import validate_teacher
from inperson.shader_model.teacher.weights import load_teacher
from inperson.shader_model.training.groups import GroupMaker, WindowGroup
from inperson.shader_model.training.recipe import Recipe as LiveRecipe
from inperson.shader_model.training.window_loss import WindowLoss


class TeacherTrainer(TrainingLoop[list[FlowBatch]]):
    """One run of one recipe.

    Args:
        recipe: what to do.
        data: folder of shards.
        folder: for checkpoints and the log.
        start: exported weights to begin with; a run that has checkpoints of its own goes on from the newest.
        accelerator: see `TrainingLoop`.

    Raises:
        BadInputError: no shards, weights of another size than the recipe's, a live model that is missing or of no
            use, or a batch that the processes cannot share evenly.
        MissingModelError: the perceptual score's network has not been fetched.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: Path,
        folder: Path,
        start: Path | None = None,
        accelerator: Accelerator | None = None,
    ) -> None:
        super().__init__(recipe.optimiser, data, "tools.make_shader_shards", folder, accelerator)
        self.recipe = recipe
        self.perceptual = Perceptual.load().to(self.accelerator.device)
        perceptual = self.perceptual if recipe.loss.perceptual > 0 else None
        self._of_pictures = WindowLoss(recipe.loss, perceptual) if recipe.pictures > 0 else None
        self._batches, self._groups = FlowBatchMaker(recipe), GroupMaker(LiveRecipe())
        self._began, self._seconds = 0.0, float("inf")
        self._live = _live_model(recipe, self.accelerator.device)
        self.begin(Teacher(network_config(recipe)) if start is None else _started(start, recipe))

    def run(self, minutes: float | None = None, workers: int = 0) -> None:
        self._began = time.monotonic()
        self._seconds = float("inf") if minutes is None else 60.0 * minutes
        super().run(minutes, workers)

    def batch(self, numbered: Sequence[Numbered]) -> list[FlowBatch]:
        by_steps = numbered[0][0] / max(self.how.steps * self.how.batch, 1)
        by_time = (time.monotonic() - self._began) / self._seconds
        return self._batches.make(numbered, self.recipe.stages.at(max(by_steps, by_time)))

    def losses(self, batch: list[FlowBatch], step: int) -> dict[str, Tensor]:
        own = sum(part.group.windows for part in batch)
        each = [self._of_windows(part.to(self.accelerator.device)) for part in batch]
        return {name: torch.cat([parts[name] for parts in each]).sum() / own for name in each[0]}

    def _of_windows(self, batch: FlowBatch) -> dict[str, Float[Tensor, " B"]]:
        group, draws = self._begun(batch.group), batch.draws
        told, clean = Told.of(group.moments), residual_of(group.truth, group.render).transpose(0, 1)
        predicted = self.learning(draws.noisy(clean), draws.times, told.without_conditions(draws.forgotten))
        parts = {"velocity": velocity_error(predicted, clean, draws.times, self.recipe.least_left)}
        if self._of_pictures is not None:
            shown = picture_of(predicted.transpose(0, 1), group.render)
            of_pictures = self._of_pictures.of(group, shown, None)
            parts |= {name: self.recipe.pictures * values for name, values in of_pictures.items()}
        return parts

    def _begun(self, group: WindowGroup) -> WindowGroup:
        """The group as the teacher is told it."""
        return replace(group, moments=begun_at(self._live, group.moments))

    def scores(self, held_out: Iterator[Numbered]) -> dict[str, float]:
        assert isinstance(self.average, Teacher)
        with self.accelerator.autocast():
            groups = (
                self._begun(group.to(self.accelerator.device))
                for numbered in held_out
                for group in self._groups.held_out([numbered])
            )
            return validate_teacher(self.average, groups, self.perceptual, self.recipe.sample_steps)


def network_config(recipe: Recipe) -> TeacherConfig:
    """The network's shape: the recipe's table over its size's.

    Raises:
        BadInputError: an unknown size, unknown fields, or values out of range.
    """
    return TeacherConfig.from_dict({**config_of(recipe.size).to_dict(), **recipe.network})


def _started(weights: Path, recipe: Recipe) -> Teacher:
    """A teacher to go on training; it may begin at other pictures from now on."""
    loaded, wanted = load_teacher(weights), network_config(recipe)
    if replace(loaded.config, begins_at=wanted.begins_at) != wanted:
        raise BadInputError(f"{weights} holds another teacher than the recipe's", "start from weights of its size")
    teacher = Teacher(wanted)
    teacher.load_state_dict(loaded.state_dict())
    return teacher


def _live_model(recipe: Recipe, device: torch.device) -> LiveShader | None:
    """At whose pictures the teacher begins, if it does."""
    wanted = network_config(recipe).begins_at == "live"
    if wanted != bool(recipe.live):
        what = "a recipe's network.begins_at is 'live' without live weights, or the other way round"
        raise BadInputError(what, "name their file in 'live' exactly if the teacher begins there")
    return load_shader(Path(recipe.live)).to(device) if wanted else None
