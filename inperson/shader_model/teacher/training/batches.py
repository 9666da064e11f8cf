"""From raw samples to what one step of the flow learns from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from inperson.reconstruct.training.loop import Numbered
from inperson.shader_model.data.shards import decode_window
from inperson.shader_model.interface import INNER
from inperson.shader_model.teacher.draws import FlowDraws, Lot
from inperson.shader_model.teacher.training.recipe import Recipe, StageRecipe
from inperson.shader_model.training.augment import augmented
from inperson.shader_model.training.cuts import drawn_frames
from inperson.shader_model.training.groups import DrawnWindow, WindowGroup, stacked


@dataclass(frozen=True, slots=True, eq=False)
class FlowBatch:
    """B windows of one shape, and what is drawn by lot for their flow."""

    group: WindowGroup
    draws: FlowDraws

    def to(self, device: torch.device) -> "FlowBatch":
        """On another device."""
        return FlowBatch(self.group.to(device), self.draws.to(device))


class FlowBatchMaker:
    """Decodes and augments samples. What is random depends on the seed and a sample's number alone.

    Args:
        recipe: the run's.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def make(self, numbered: Sequence[Numbered], stage: StageRecipe) -> list[FlowBatch]:
        """A stage's parts of some windows; those of one eye first."""
        seed = self._recipe.optimiser.seed
        lots = [
            (Lot(seed, number * stage.pieces + piece), sample)
            for number, sample in numbered
            for piece in range(stage.pieces)
        ]
        drawn = [(self._part(lot, sample, stage), lot) for lot, sample in lots]
        numbers_of_eyes = sorted({part.window.eyes for part, _ in drawn})
        return [self._stacked([d for d in drawn if d[0].window.eyes == eyes]) for eyes in numbers_of_eyes]

    def _part(self, lot: Lot, sample: dict[str, object], stage: StageRecipe) -> DrawnWindow:
        rng = np.random.default_rng(lot)
        window = decode_window(sample, lambda total: drawn_frames(total, stage.frames or total, rng))
        window = augmented(window, replace(self._recipe.augment, side=stage.side), rng)
        looked_at = rng.integers(len(window.truth), size=self._recipe.loss.perceptual_frames)
        return DrawnWindow(lot.number, window, rng.uniform(0.0, 1.0, 3).astype(np.float32), looked_at)

    def _stacked(self, drawn: Sequence[tuple[DrawnWindow, Lot]]) -> FlowBatch:
        windows, lots = zip(*drawn, strict=True)
        group = stacked(windows)
        frames, _, eyes, _, height, width = group.truth.shape
        size = (height // INNER, width // INNER)
        return FlowBatch(group, FlowDraws.of(lots, frames, eyes, size, self._recipe.draws))
