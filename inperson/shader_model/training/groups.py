"""Windows side by side: those of a batch that have one number of eyes, ready for the network."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from inperson.shader_model.data.shards import decode_window
from inperson.shader_model.data.window import Window
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.training.augment import augmented
from inperson.shader_model.training.cuts import drawn_frames
from inperson.shader_model.training.recipe import AugmentRecipe, Recipe

NO_AUGMENT = AugmentRecipe(gain=0.0, brightness=0.0, swapped_channels=0.0, no_photo=0.0, mirrored=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class WindowGroup:
    """B windows of T frames and E eyes each."""

    moments: tuple[ConditionsBatch, ...]
    """T."""
    truth: Float[Tensor, "T B E 4 H W"]
    background: Float[Tensor, "B 1 3 1 1"]
    """Colour that pictures are compared over."""
    looked_at: Int[Tensor, "B K"]
    """Frames of each window that the perceptual loss looks at."""
    numbers: tuple[int, ...]
    """Of the B windows in the data's order: what is drawn by lot for one depends on its number alone."""

    @property
    def windows(self) -> int:
        """B."""
        return self.truth.shape[1]

    @property
    def render(self) -> Float[Tensor, "T B E 4 H W"]:
        """The Gaussian render of every frame."""
        return torch.stack([moment.color for moment in self.moments])

    def to(self, device: torch.device) -> "WindowGroup":
        """On another device."""
        names = [field.name for field in fields(ConditionsBatch)]
        return WindowGroup(
            tuple(ConditionsBatch(**{n: getattr(m, n).to(device) for n in names}) for m in self.moments),
            self.truth.to(device),
            self.background.to(device),
            self.looked_at.to(device),
            self.numbers,
        )


@dataclass(frozen=True, slots=True, eq=False)
class DrawnWindow:
    """A window, and what is drawn by lot for it."""

    number: int
    window: Window
    background: Float[np.ndarray, "3"]
    looked_at: Int[np.ndarray, " K"]


class GroupMaker:
    """Decodes and augments samples. What is random depends on the seed and a sample's number alone.

    Args:
        recipe: the run's.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def training(self, numbered: Sequence[tuple[int, dict[str, Any]]]) -> list[WindowGroup]:
        """Groups of augmented windows, those of one eye first."""
        return self._grouped(numbered, self._recipe.augment)

    def held_out(self, numbered: Sequence[tuple[int, dict[str, Any]]]) -> list[WindowGroup]:
        """Groups of windows as they are."""
        return self._grouped(numbered, NO_AUGMENT)

    def _grouped(self, numbered: Sequence[tuple[int, dict[str, Any]]], augment: AugmentRecipe) -> list[WindowGroup]:
        drawn = [self._draw(number, sample, augment) for number, sample in numbered]
        numbers_of_eyes = sorted({d.window.eyes for d in drawn})
        return [stacked([d for d in drawn if d.window.eyes == eyes]) for eyes in numbers_of_eyes]

    def _draw(self, number: int, sample: dict[str, Any], augment: AugmentRecipe) -> DrawnWindow:
        rng = np.random.default_rng([self._recipe.optimiser.seed, number])
        frames = augment.frames
        chosen = decode_window(sample, lambda total: drawn_frames(total, frames or total, rng))
        window = augmented(chosen, augment, rng)
        looked_at = rng.integers(len(window.truth), size=self._recipe.loss.perceptual_frames)
        return DrawnWindow(number, window, rng.uniform(0.0, 1.0, 3).astype(np.float32), looked_at)


def stacked(drawn: Sequence[DrawnWindow]) -> WindowGroup:
    """Windows of one shape and as many eyes beside each other."""
    moments = zip(*(d.window.conditions for d in drawn), strict=True)
    return WindowGroup(
        moments=tuple(ConditionsBatch.of(people) for people in moments),
        truth=torch.stack([d.window.truth for d in drawn], dim=1),
        background=torch.from_numpy(np.stack([d.background for d in drawn]))[:, None, :, None, None],
        looked_at=torch.from_numpy(np.stack([d.looked_at for d in drawn])),
        numbers=tuple(d.number for d in drawn),
    )
