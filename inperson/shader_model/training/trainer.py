"""The training loop, under `accelerate`: the same on one process and on many, and after a restart."""

import copy
import json
import time
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from inperson.errors import BadInputError
from inperson.reconstruct.fit_captures import flushed_denormals
from inperson.reconstruct.perceptual import Perceptual
from inperson.reconstruct.training.checkpoint import Position, load_checkpoint, newest_checkpoint, save_checkpoint
from inperson.reconstruct.training.prefetch import Prefetched
from inperson.reconstruct.training.stream import PersonStream
from inperson.reconstruct.training.trainer import LOG, rate_at, update_average
from inperson.shader_model.data.shards import find_shards
from inperson.shader_model.network.config import ShaderConfig, config_of
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.weights import load_shader
from inperson.shader_model.training.critic import Critic
from inperson.shader_model.training.groups import GroupMaker, WindowGroup
from inperson.shader_model.training.recipe import Recipe
from inperson.shader_model.training.roll_out import RollOut
from inperson.shader_model.training.validation import validate
from inperson.shader_model.training.window_loss import WindowLoss


class Trainer:
    """One run of one recipe.

    Args:
        recipe: what to do.
        data: folder of shards.
        folder: for checkpoints and the log.
        start: exported weights to begin with; a run that has checkpoints of its own goes on from the newest.
        accelerator: where and on how many processes; by default as `torchrun` or `accelerate launch` say.

    Raises:
        BadInputError: no shards, weights of another size than the recipe's, or a batch that the processes cannot
            share evenly.
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
        how = recipe.optimiser
        self.accelerator = accelerator or Accelerator(mixed_precision="bf16" if how.bf16 else "no")
        processes = self.accelerator.num_processes
        if how.batch % processes:
            raise BadInputError(f"a batch of {how.batch} on {processes} processes", "use a multiple in the recipe")
        self.recipe, self.folder = recipe, folder
        torch.manual_seed(how.seed)
        self.groups = GroupMaker(recipe)
        self.stream = PersonStream(find_shards(data, "train"), how.seed, self.accelerator.process_index, processes)
        self.held_out = PersonStream(find_shards(data, "held_out"), how.seed)
        shader = LiveShader(network_config(recipe)) if start is None else _started(start, recipe)
        roll_out = roll_out_of(shader, recipe)
        self.average = copy.deepcopy(shader).requires_grad_(False).to(self.accelerator.device)
        self.perceptual = Perceptual.load().to(self.accelerator.device)
        self.loss = WindowLoss(recipe.loss, self.perceptual if recipe.loss.perceptual > 0 else None)
        self.roll_out, self.optimiser = self.accelerator.prepare(roll_out, _optimiser(roll_out, recipe))
        self.position = Position(0, 0)
        newest = newest_checkpoint(folder)
        if newest is not None:
            self.position = load_checkpoint(newest, self._bare, self.average, self.optimiser)

    @property
    def _bare(self) -> RollOut:
        bare: RollOut = self.accelerator.unwrap_model(self.roll_out)
        return bare

    def run(self, minutes: float | None = None, workers: int = 0) -> None:
        """Train to the recipe's last step, or until the time is up.

        Args:
            minutes: limit; the learning rate then comes down in that time. A run with a limit does not repeat itself.
            workers: threads that make the next batches meanwhile.
        """
        how, began = self.recipe.optimiser, time.monotonic()
        own = how.batch // self.accelerator.num_processes
        samples = self.stream.from_sample(self.position.samples)
        shares = iter(lambda: list(islice(samples, own)), [])
        last = self.position.step >= how.steps
        with flushed_denormals(), Prefetched(self.groups.training, shares, workers) as batches:
            while not last:
                step_began = time.monotonic()
                time_used = self._agreed((step_began - began) / (60.0 * minutes)) if minutes else 0.0
                losses = self.step(next(batches), time_used)
                self._log({"step": self.position.step, "seconds": time.monotonic() - step_began, **losses})
                last = self.position.step >= how.steps or time_used >= 1.0
                if self.position.step % how.save_every == 0 or last:
                    self._save()
                if self.position.step % how.validate_every == 0 or last:
                    self._validate()

    def step(self, groups: list[WindowGroup], time_used: float = 0.0) -> dict[str, float]:
        """One step on this process's share of a batch; the loss's parts, averaged over all processes."""
        how, step = self.recipe.optimiser, self.position.step
        parts = self._losses(groups)
        total = torch.stack(list(parts.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        self.accelerator.backward(total)
        norms = {
            name: self.accelerator.clip_grad_norm_(part.parameters(), how.clip)
            for name, part in self._bare.named_children()
        }
        for group in self.optimiser.param_groups:
            group["lr"] = group["share_of_rate"] * rate_at(step, how, time_used)
        self.optimiser.step()
        update_average(self.average, self._bare.shader, min(how.average, (1 + step) / (10 + step)))
        self.position = Position(step + 1, self.position.samples + how.batch)
        everywhere = self.accelerator.reduce({k: v.detach() for k, v in {**parts, "loss": total}.items()}, "mean")
        return {k: float(v) for k, v in everywhere.items()} | {f"gradient_{k}": float(v) for k, v in norms.items()}

    def _losses(self, groups: list[WindowGroup]) -> dict[str, Tensor]:
        """Means over this process's windows."""
        own = sum(group.windows for group in groups)
        total: dict[str, Tensor] = {}
        for group in groups:
            group = group.to(self.accelerator.device)
            shown, verdicts = self.roll_out(group)
            for name, each in self.loss.of(group, shown, verdicts).items():
                total[name] = total.get(name, each.new_zeros(())) + each.sum() / own
        return total

    def _agreed(self, value: float) -> float:
        """The same number on all processes: their mean."""
        return float(self.accelerator.reduce(torch.tensor(value, device=self.accelerator.device), "mean"))

    def _validate(self) -> None:
        if self.accelerator.is_main_process:
            count = min(self.recipe.optimiser.validate_on, self.held_out.people)
            groups = (
                group.to(self.accelerator.device)
                for numbered in islice(self.held_out.from_sample(0), count)
                for group in self.groups.held_out([numbered])
            )
            averaged = RollOut(self.average, None, self.recipe.roll_out.as_it_will_run())
            self._log({"step": self.position.step, "held_out": validate(averaged, groups, self.perceptual)})
        self.accelerator.wait_for_everyone()

    def _save(self) -> None:
        if self.accelerator.is_main_process:
            bare_optimiser = getattr(self.optimiser, "optimizer", self.optimiser)
            save_checkpoint(self.folder, self.position, self._bare, self.average, bare_optimiser)
        self.accelerator.wait_for_everyone()

    def _log(self, line: dict[str, Any]) -> None:
        if self.accelerator.is_main_process:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


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


def _optimiser(roll_out: RollOut, recipe: Recipe) -> torch.optim.Optimizer:
    how = recipe.optimiser
    groups: list[dict[str, Any]] = [{"params": list(roll_out.shader.parameters()), "share_of_rate": 1.0}]
    if roll_out.critic is not None:
        groups.append({"params": list(roll_out.critic.parameters()), "share_of_rate": recipe.critic.rate})
    return torch.optim.AdamW(groups, lr=how.rate, weight_decay=how.weight_decay)
