"""A recipe of the live model: one TOML file that names every count, seed and weight, from rendering to the end."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from inperson.errors import BadInputError
from inperson.reconstruct.training.recipe import OptimiserRecipe, read_over
from inperson.shader_model.data.recipe import DataRecipe
from inperson.shader_model.interface import MULTIPLE

DEFAULT_RECIPE = Path(__file__).parent / "recipes" / "cpu_small.toml"
DENSE = ("all", "normals")
MEMORIES = ("own", "truth", "none")


@dataclass(frozen=True, slots=True)
class RollOutRecipe:
    """How a window is gone through; every field is an ablation."""

    dense: str = "all"
    """`normals`: the photo and all dense channels but the normals are zero."""
    switch: bool = True
    """False: the modality switch is always zero."""
    memory: str = "own"
    """What the next frame remembers: `own` output and state (self-forcing), the `truth` with its own state (teacher
    forcing), or `none`."""

    def as_it_will_run(self) -> "RollOutRecipe":
        """For validation: nobody knows the truth then."""
        return replace(self, memory="own") if self.memory == "truth" else self


@dataclass(frozen=True, slots=True)
class AugmentRecipe:
    """How windows are varied while training; one draw a window, the same for render, photo and truth."""

    gain: float = 0.1
    """Standard deviation of the logarithm of each channel's factor."""
    brightness: float = 0.15
    """The same, of all channels together."""
    swapped_channels: float = 0.15
    """How often red, green and blue are permuted."""
    no_photo: float = 0.1
    """How often the photo is taken away."""
    mirrored: float = 0.5
    """How often left and right change places."""
    frames: int = 0
    """Frames in a row of each window that a step goes through; 0: all."""
    side: int = 0
    """Of the square of each window that a step goes through, pixels, a multiple of `interface.MULTIPLE`; 0: all."""


@dataclass(frozen=True, slots=True)
class LossRecipe:
    """Weights of the loss's parts; see `losses`."""

    color: float = 1.0
    color_squared: float = 2.0
    ssim: float = 0.2
    edges: float = 1.0
    perceptual: float = 0.2
    """0 leaves the network that sees as people do out."""
    perceptual_frames: int = 1
    """Frames of a window that it looks at."""
    alpha: float = 0.5
    temporal: float = 1.0
    eyes: float = 0.0
    """Of two eyes' windows: change from what the other eye saw before, as `temporal` of the same eye."""
    hold: float = 0.5
    adversarial: float = 0.0
    """How hard the critic pulls, in pulls of a colour loss over the whole crop (`pull_of`); 0 leaves it out."""
    trajectory: float = 0.0
    """Of the distance to where the teacher takes the pictures (`teacher.distillation`); 0 needs no teacher."""


@dataclass(frozen=True, slots=True)
class CriticRecipe:
    """The discriminator of the adversarial loss."""

    width: int = 32
    rate: float = 1.0
    """Of learning, in those of the live model."""


@dataclass(frozen=True, slots=True)
class TeacherRecipe:
    """Whom the live model is distilled from."""

    weights: str = ""
    """File of `teacher.training.export`; needed for `loss.trajectory`."""
    guidance: float = 1.0
    """Weight of the teacher's classifier-free guidance."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything."""

    data: DataRecipe = field(default_factory=DataRecipe)
    size: str = "small"
    """Of the network: a key of `network.config.SIZES`."""
    network: dict[str, Any] = field(default_factory=dict)
    """Fields of `network.config.ShaderConfig` that differ from that size's."""
    roll_out: RollOutRecipe = field(default_factory=RollOutRecipe)
    augment: AugmentRecipe = field(default_factory=AugmentRecipe)
    loss: LossRecipe = field(default_factory=LossRecipe)
    critic: CriticRecipe = field(default_factory=CriticRecipe)
    teacher: TeacherRecipe = field(default_factory=TeacherRecipe)
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    """`batch` counts windows over all processes."""


def read_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file; see `reconstruct.training.recipe.read_recipe` for what it may say.

    Raises:
        BadInputError: no such file, broken TOML, or a name or a value that the recipe does not know.
    """
    recipe = read_over(Recipe(), path)
    for name, value, known in (
        ("dense", recipe.roll_out.dense, DENSE),
        ("memory", recipe.roll_out.memory, MEMORIES),
    ):
        if value not in known:
            raise BadInputError(f"{path.name}: '{name}' is '{value}'", f"use {', '.join(known)}")
    if recipe.augment.side % MULTIPLE or recipe.augment.side < 0 or recipe.augment.frames < 0:
        raise BadInputError(f"{path.name}: augment.side or augment.frames", f"use multiples of {MULTIPLE}, or 0")
    if recipe.loss.trajectory > 0 and not recipe.teacher.weights:
        raise BadInputError(f"{path.name}: loss.trajectory without a teacher", "name its file in teacher.weights")
    if not 1 <= recipe.data.subjects.train <= recipe.data.subjects.held_out_seed - recipe.data.subjects.first_seed:
        raise BadInputError(f"{path.name}: training seeds run into held-out ones", "mend data.subjects")
    return recipe
