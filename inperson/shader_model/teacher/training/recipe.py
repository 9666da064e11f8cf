"""A recipe of the teacher: one TOML file that names every count, seed and weight, stage by stage."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from inperson.errors import BadInputError
from inperson.reconstruct.training.recipe import OptimiserRecipe, read_over
from inperson.shader_model.interface import MULTIPLE
from inperson.shader_model.teacher.draws import DrawRecipe
from inperson.shader_model.training.recipe import AugmentRecipe, LossRecipe

DEFAULT_RECIPE = Path(__file__).parent / "recipes" / "cpu.toml"


@dataclass(frozen=True, slots=True)
class StageRecipe:
    """A stretch of the training."""

    share: float = 0.0
    """Of the run's steps, or of its time where that is limited; 0 skips the stage. Shares add up to 1."""
    frames: int = 0
    """In a row, of each window; 0: all."""
    side: int = 0
    """Of the square cut out of each window, pixels, a multiple of `interface.MULTIPLE`; 0: all."""
    pieces: int = 1
    """Such parts of each window, drawn one by one."""


@dataclass(frozen=True, slots=True)
class StagesRecipe:
    """Progressive training, in this order."""

    single: StageRecipe = field(default_factory=lambda: StageRecipe(share=0.5, frames=1, side=160, pieces=3))
    """Frames by themselves: pictures are learned at a fraction of the cost."""
    short: StageRecipe = field(default_factory=lambda: StageRecipe(share=0.3, frames=3, side=160))
    long: StageRecipe = field(default_factory=lambda: StageRecipe(share=0.2, frames=8, side=160))
    large: StageRecipe = field(default_factory=StageRecipe)
    """Higher resolution."""

    def at(self, progress: float) -> StageRecipe:
        """The stage that a run is in.

        Args:
            progress: share of the run that is over.
        """
        end = 0.0
        stages: list[StageRecipe] = [stage for f in fields(self) if (stage := getattr(self, f.name)).share > 0]
        for stage in stages[:-1]:
            end += stage.share
            if progress < end:
                return stage
        return stages[-1]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything. Its data are the live model's: `tools.make_shader_shards`."""

    size: str = "small"
    """Of the network: a key of `teacher.config.SIZES`."""
    network: dict[str, Any] = field(default_factory=dict)
    """Fields of `teacher.config.TeacherConfig` that differ from that size's."""
    live: str = ""
    """Weights of the live model, for a teacher that begins at its pictures (`network.begins_at`)."""
    stages: StagesRecipe = field(default_factory=StagesRecipe)
    draws: DrawRecipe = field(default_factory=DrawRecipe)
    least_left: float = 0.2
    """1 - t counts as no less in the loss, or a few windows with hardly any noise left would be all that matters."""
    pictures: float = 0.0
    """Weight of `loss`, the live model's, on what is predicted as pictures, at every time of the flow: samples of few
    passes are judged as they are seen, not by their velocity alone. 0 leaves it out."""
    loss: LossRecipe = field(default_factory=LossRecipe)
    """Its `adversarial` and `trajectory` have to be 0."""
    augment: AugmentRecipe = field(default_factory=AugmentRecipe)
    """`frames` and `side` are each stage's."""
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    """`batch` counts windows over all processes."""
    sample_steps: int = 4
    """Of the samples that validation scores."""


def read_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file; see `reconstruct.training.recipe.read_recipe` for what it may say.

    Raises:
        BadInputError: no such file, broken TOML, or a name or a value that the recipe does not know.
    """
    recipe = read_over(Recipe(), path)
    stages: list[StageRecipe] = [getattr(recipe.stages, f.name) for f in fields(recipe.stages)]
    if abs(sum(stage.share for stage in stages) - 1.0) > 1e-6 or min(stage.share for stage in stages) < 0:
        raise BadInputError(f"{path.name}: the stages' shares do not add up to 1", "mend them")
    if any(stage.side % MULTIPLE or min(stage.side, stage.frames) < 0 or stage.pieces < 1 for stage in stages):
        what = f"{path.name}: a stage's side, frames or pieces"
        raise BadInputError(what, f"use sides in multiples of {MULTIPLE}, and at least one piece")
    if recipe.augment.side or recipe.augment.frames:
        raise BadInputError(f"{path.name}: augment.side or augment.frames", "say them of each stage")
    if recipe.loss.adversarial or recipe.loss.trajectory:
        raise BadInputError(
            f"{path.name}: loss.adversarial or loss.trajectory", "a teacher has no critic and no teacher"
        )
    return recipe
