"""The loop of every training, under `accelerate`: the same on one process and on many, and after a restart.

A training is a `TrainingLoop` that builds its network, says what a batch costs and scores what was learned.
"""

import copy
import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from inperson.errors import BadInputError
from inperson.reconstruct.fit_captures import flushed_denormals
from inperson.reconstruct.training.checkpoint import Position, load_checkpoint, newest_checkpoint, save_checkpoint
from inperson.reconstruct.training.prefetch import Prefetched
from inperson.reconstruct.training.recipe import OptimiserRecipe
from inperson.reconstruct.training.shards import find_shards
from inperson.reconstruct.training.stream import PersonStream

LOG = "log.jsonl"
Batch = TypeVar("Batch")
Numbered = tuple[int, dict[str, Any]]
"""A sample and its number in the data's order."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Something that learns."""

    module: nn.Module
    share_of_rate: float = 1.0
    """How fast, in shares of the recipe's rate."""


class TrainingLoop(ABC, Generic[Batch]):
    """One run. A subclass builds its network after `super().__init__` (which seeds torch) and then calls `begin`.

    Args:
        how: steps, batch, rates, seed.
        data: folder of shards.
        made_by: the tool that makes them.
        folder: for checkpoints and the log.
        accelerator: where and on how many processes; by default as `torchrun` or `accelerate launch` say.

    Raises:
        BadInputError: no shards, or a batch that the processes cannot share evenly.
    """

    def __init__(
        self, how: OptimiserRecipe, data: Path, made_by: str, folder: Path, accelerator: Accelerator | None = None
    ) -> None:
        self.accelerator = accelerator or Accelerator(mixed_precision="bf16" if how.bf16 else "no")
        processes = self.accelerator.num_processes
        if how.batch % processes:
            raise BadInputError(f"a batch of {how.batch} on {processes} processes", "use a multiple in the recipe")
        self.how, self.folder = how, folder
        torch.manual_seed(how.seed)
        training, held_out = (find_shards(data, split, made_by) for split in ("train", "held_out"))
        self.stream = PersonStream(training, how.seed, self.accelerator.process_index, processes)
        self.held_out = PersonStream(held_out, how.seed)

    def begin(self, learning: nn.Module) -> None:
        """Take up what learns, and go on from the folder's newest checkpoint where there is one.

        Raises:
            BadInputError: a checkpoint of another network.
        """
        self.average = copy.deepcopy(self.lasting(learning)).requires_grad_(False).to(self.accelerator.device)
        optimiser = torch.optim.AdamW(
            [
                {"params": list(part.module.parameters()), "share_of_rate": part.share_of_rate}
                for part in self.parts(learning).values()
            ],
            lr=self.how.rate,
            eps=self.how.epsilon,
            weight_decay=self.how.weight_decay,
        )
        self.learning, self.optimiser = self.accelerator.prepare(learning, optimiser)
        newest = newest_checkpoint(self.folder)
        self.position = (
            Position(0, 0) if newest is None else load_checkpoint(newest, self.bare, self.average, self.optimiser)
        )

    def lasting(self, learning: nn.Module) -> nn.Module:
        """The part of what learns whose weights are averaged, for use after the training."""
        return learning

    def parts(self, learning: nn.Module) -> dict[str, Part]:
        """What learns, by name: each part's gradient is limited on its own."""
        return {"network": Part(learning)}

    @abstractmethod
    def batch(self, numbered: Sequence[Numbered]) -> Batch:
        """A training batch; called on other threads. What is random in it depends on the samples' numbers alone."""

    @abstractmethod
    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The parts of the loss, whose sum it is: means over the batch."""

    @abstractmethod
    def scores(self, held_out: Iterator[Numbered]) -> Mapping[str, float]:
        """Of the averaged network."""

    @property
    def bare(self) -> nn.Module:
        """What learns, without what several processes wrap it in."""
        bare: nn.Module = self.accelerator.unwrap_model(self.learning)
        return bare

    def run(self, minutes: float | None = None, workers: int = 0) -> None:
        """Train to the recipe's last step, or until the time is up.

        Args:
            minutes: limit; the learning rate then comes down in that time. A run with a limit does not repeat itself.
            workers: threads that make the next batches meanwhile.
        """
        how, began = self.how, time.monotonic()
        own = how.batch // self.accelerator.num_processes
        samples = self.stream.from_sample(self.position.samples)
        shares = iter(lambda: list(islice(samples, own)), [])
        last = self.position.step >= how.steps
        with flushed_denormals(), Prefetched(self.batch, shares, workers) as batches:
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

    def step(self, batch: Batch, time_used: float = 0.0) -> dict[str, float]:
        """One step on this process's share of a batch; the loss's parts, averaged over all processes."""
        how, step = self.how, self.position.step
        parts = self.losses(batch, step)
        total = torch.stack(list(parts.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        self.accelerator.backward(total)
        norms = {
            name: self.accelerator.clip_grad_norm_(part.module.parameters(), how.clip)
            for name, part in self.parts(self.bare).items()
        }
        for group in self.optimiser.param_groups:
            group["lr"] = group["share_of_rate"] * rate_at(step, how, time_used)
        self.optimiser.step()
        update_average(self.average, self.lasting(self.bare), min(how.average, (1 + step) / (10 + step)))
        self.position = Position(step + 1, self.position.samples + how.batch)
        everywhere = self.accelerator.reduce({k: v.detach() for k, v in {**parts, "loss": total}.items()}, "mean")
        return {k: float(v) for k, v in everywhere.items()} | {f"gradient_{k}": float(v) for k, v in norms.items()}

    def _agreed(self, value: float) -> float:
        """The same number on all processes: their mean."""
        return float(self.accelerator.reduce(torch.tensor(value, device=self.accelerator.device), "mean"))

    def _validate(self) -> None:
        if self.accelerator.is_main_process:
            count = min(self.how.validate_on, self.held_out.people)
            scores = self.scores(islice(self.held_out.from_sample(0), count))
            self._log({"step": self.position.step, "held_out": scores})
        self.accelerator.wait_for_everyone()

    def _save(self) -> None:
        if self.accelerator.is_main_process:
            bare_optimiser = getattr(self.optimiser, "optimizer", self.optimiser)
            save_checkpoint(self.folder, self.position, self.bare, self.average, bare_optimiser)
        self.accelerator.wait_for_everyone()

    def _log(self, line: dict[str, Any]) -> None:
        if self.accelerator.is_main_process:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def rate_at(step: int, how: OptimiserRecipe, time_used: float = 0.0) -> float:
    """Linear warm-up, then half a cosine down to the final rate.

    Args:
        time_used: share of the run's time limit; where that is further on than the steps, it counts.
    """
    warm = min(1.0, (step + 1) / max(how.warm_up, 1))
    progress = min(1.0, max(step / max(how.steps, 1), time_used))
    return warm * (how.final_rate + 0.5 * (how.rate - how.final_rate) * (1.0 + math.cos(math.pi * progress)))


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Exponential moving average of the weights."""
    for mean, value in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(value, 1.0 - decay)
