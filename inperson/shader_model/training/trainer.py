"""How the live model is trained."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from accelerate import Accelerator
from torch import Tensor, nn

from inperson.errors import BadInputError
from inperson.reconstruct.perceptual import Perceptual
from inperson.reconstruct.training.loop import Numbered, Part, TrainingLoop
from inperson.shader_model.network.config import ShaderConfig, config_of
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.weights import load_shader
from inperson.shader_model.teacher.distillation import TrajectoryLoss
from inperson.shader_model.teacher.weights import load_teacher
from inperson.shader_model.training.critic import Critic
from inperson.shader_model.training.groups import GroupMaker, WindowGroup
from inperson.shader_model.training.recipe import Recipe
from inperson.shader_model.training.roll_out import RollOut
from inperson.shader_model.training.validation import validate
from inperson.shader_model.training.window_loss import WindowLoss


class Trainer(TrainingLoop[list[WindowGroup]]):
    """One run of one recipe.

    Args:
        recipe: what to do.
        data: folder of shards.
        folder: for checkpoints and the log.
        start: exported weights to begin with; a run that has checkpoints of its own goes on from the newest.
        accelerator: see `TrainingLoop`.

    Raises:
        BadInputError: no shards, weights of another size than the recipe's, a teacher that is not there, or a batch
            that the processes cannot share evenly.
        MissingModelError: the perceptual loss's network has not been fetched.
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
        self.groups = GroupMaker(recipe)
        self.perceptual = Perceptual.load().to(self.accelerator.device)
        perceptual = self.perceptual if recipe.loss.perceptual > 0 else None
        self.loss = WindowLoss(recipe.loss, perceptual, self._trajectory(), recipe.optimiser.seed)
        shader = LiveShader(network_config(recipe)) if start is None else _started(start, recipe)
        self.begin(roll_out_of(shader, recipe))

    def _trajectory(self) -> TrajectoryLoss | None:
        if self.recipe.loss.trajectory == 0:
            return None
        teacher = load_teacher(Path(self.recipe.teacher.weights)).to(self.accelerator.device)
        return TrajectoryLoss(teacher, self.recipe.teacher.guidance, bf16=self.recipe.optimiser.bf16)

    def lasting(self, learning: nn.Module) -> nn.Module:
        """The live model: without it the critic is of no use."""
        return learning.get_submodule("shader")

    def parts(self, learning: nn.Module) -> dict[str, Part]:
        shares = {"shader": 1.0, "critic": self.recipe.critic.rate}
        return {name: Part(module, shares[name]) for name, module in learning.named_children()}

    def batch(self, numbered: Sequence[Numbered]) -> list[WindowGroup]:
        return self.groups.training(numbered)

    def losses(self, batch: list[WindowGroup], step: int) -> dict[str, Tensor]:
        own = sum(group.windows for group in batch)
        total: dict[str, Tensor] = {}
        for group in batch:
            group = group.to(self.accelerator.device)
            shown, verdicts = self.learning(group)
            for name, each in self.loss.of(group, shown, verdicts).items():
                total[name] = total.get(name, each.new_zeros(())) + each.sum() / own
        return total

    def scores(self, held_out: Iterator[Numbered]) -> dict[str, float]:
        groups = (
            group.to(self.accelerator.device) for numbered in held_out for group in self.groups.held_out([numbered])
        )
        assert isinstance(self.average, LiveShader)
        averaged = RollOut(self.average, None, self.recipe.roll_out.as_it_will_run())
        return validate(averaged, groups, self.perceptual)


def network_config(recipe: Recipe) -> ShaderConfig:
    """The network's shape: the recipe's table over its size's.

    Raises:
        BadInputError: an unknown size, unknown fields, or values out of range.
    """
    return ShaderConfig.from_dict({**config_of(recipe.size).to_dict(), **recipe.network})


def roll_out_of(shader: LiveShader, recipe: Recipe) -> RollOut:
    """What learns: the shader, and a critic where the recipe asks for an adversarial loss."""
    critic = Critic(recipe.critic.width) if recipe.loss.adversarial > 0 else None
    return RollOut(shader, critic, recipe.roll_out)


def _started(weights: Path, recipe: Recipe) -> LiveShader:
    """A shader to go on training."""
    shader = load_shader(weights)
    if shader.config != network_config(recipe):
        raise BadInputError(f"{weights} holds another network than the recipe's", "start from weights of its size")
    return shader.train().requires_grad_(True)
