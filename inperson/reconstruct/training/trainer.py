"""The training loop, under `accelerate`: the same on one process and on many, and after a restart."""

import copy
import json
import math
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from inperson.avatar.body import load_body
from inperson.errors import BadInputError
from inperson.reconstruct.fit_captures import flushed_denormals
from inperson.reconstruct.network.config import NetConfig
from inperson.reconstruct.network.interface import UvAttributes
from inperson.reconstruct.network.model import ReconstructionNet
from inperson.reconstruct.surface.atlas import UvAtlas
from inperson.reconstruct.training.batches import BatchMaker, TrainBatch
from inperson.reconstruct.training.checkpoint import Position, load_checkpoint, newest_checkpoint, save_checkpoint
from inperson.reconstruct.training.losses import uv_losses
from inperson.reconstruct.training.prefetch import Prefetched
from inperson.reconstruct.training.recipe import OptimiserRecipe, Recipe
from inperson.reconstruct.training.rendering import render_loss
from inperson.reconstruct.training.shards import find_shards
from inperson.reconstruct.training.stream import PersonStream
from inperson.reconstruct.training.validation import validate

LOG = "log.jsonl"


def rate_at(step: int, how: OptimiserRecipe, time_used: float = 0.0) -> float:
    """Linear warm-up, then half a cosine down to the final rate.

    Args:
        time_used: share of the run's time limit; where that is further on than the steps, it counts.
    """
    warm = min(1.0, (step + 1) / max(how.warm_up, 1))
    progress = min(1.0, max(step / max(how.steps, 1), time_used))
    return warm * (how.final_rate + 0.5 * (how.rate - how.final_rate) * (1.0 + math.cos(math.pi * progress)))


class Trainer:
    """One run of one recipe.

    Args:
        recipe: what to do.
        data: folder of prepared shards.
        folder: for checkpoints and the log.
        start: a checkpoint whose weights (not its schedule) to begin with; a run that has checkpoints of its own
            goes on from the newest.
        accelerator: where and on how many processes; by default as `torchrun` or `accelerate launch` say.

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
        how = recipe.optimiser
        self.accelerator = accelerator or Accelerator(mixed_precision="bf16" if how.bf16 else "no")
        processes = self.accelerator.num_processes
        if how.batch % processes:
            raise BadInputError(f"a batch of {how.batch} on {processes} processes", "use a multiple in the recipe")
        self.recipe, self.folder = recipe, folder
        torch.manual_seed(how.seed)
        body, config = load_body("neutral"), network_config(recipe)
        fine = UvAtlas.of(body, recipe.targets.texels)
        factor = recipe.targets.texels // config.size
        self.atlas = fine if factor == 1 else UvAtlas.of(body, config.size)
        self.batches = BatchMaker(body, fine, factor, recipe)
        self.stream = PersonStream(find_shards(data, "train"), how.seed, self.accelerator.process_index, processes)
        self.held_out = PersonStream(find_shards(data, "held_out"), how.seed)
        network = ReconstructionNet(config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(network).requires_grad_(False).to(self.accelerator.device)
        optimiser = torch.optim.AdamW(network.parameters(), lr=how.rate, weight_decay=how.weight_decay)
        self.network, self.optimiser = self.accelerator.prepare(network, optimiser)
        self.position = Position(0, 0)
        newest = newest_checkpoint(folder)
        if newest is not None:
            self.position = load_checkpoint(newest, self._bare, self.average, self.optimiser)
        elif start is not None:
            load_checkpoint(start, self._bare, self.average)
            self._bare.load_state_dict(self.average.state_dict())

    @property
    def _bare(self) -> nn.Module:
        bare: nn.Module = self.accelerator.unwrap_model(self.network)
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
        with flushed_denormals(), Prefetched(self.batches.training, shares, workers) as batches:
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

    def _agreed(self, value: float) -> float:
        """The same number on all processes: their mean."""
        return float(self.accelerator.reduce(torch.tensor(value, device=self.accelerator.device), "mean"))

    def step(self, batch: TrainBatch, time_used: float = 0.0) -> dict[str, float]:
        """One step on this process's share of a batch; the loss's parts, averaged over all processes."""
        how, step = self.recipe.optimiser, self.position.step
        parts = self._losses(batch, step)
        total = torch.stack(list(parts.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        self.accelerator.backward(total)
        norm = self.accelerator.clip_grad_norm_(self.network.parameters(), how.clip)
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(step, how, time_used)
        self.optimiser.step()
        update_average(self.average, self._bare, min(how.average, (1 + step) / (10 + step)))
        self.position = Position(step + 1, self.position.samples + how.batch)
        everywhere = self.accelerator.reduce({k: v.detach() for k, v in {**parts, "loss": total}.items()}, "mean")
        return {k: float(v) for k, v in everywhere.items()} | {"gradient": float(norm)}

    def _losses(self, batch: TrainBatch, step: int) -> dict[str, Tensor]:
        inputs = batch.inputs.to(self.accelerator.device)
        attributes: UvAttributes = self.network(inputs)
        parts = uv_losses(attributes, batch.truth.to(self.accelerator.device), inputs, self.recipe.loss)
        how = self.recipe.render
        if self.recipe.loss.render > 0 and step >= how.from_step and step % how.every == 0:
            drawn = render_loss(_on_cpu(attributes), batch, self.atlas, how.sites, self.recipe.optimiser.seed)
            parts["render"] = self.recipe.loss.render * drawn.to(self.accelerator.device)
        return parts

    def _held_out_batches(self) -> Iterator[TrainBatch]:
        count = min(self.recipe.optimiser.validate_on, self.held_out.people)
        for numbered in islice(self.held_out.from_sample(0), count):
            yield self.batches.held_out([numbered])

    def _validate(self) -> None:
        if self.accelerator.is_main_process:
            scores = validate(self.average, self._held_out_batches(), self.accelerator.device)
            self._log({"step": self.position.step, "held_out": scores})
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


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Exponential moving average of the weights."""
    for mean, value in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(value, 1.0 - decay)
