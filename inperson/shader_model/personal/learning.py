"""Fine-tuning the live model to one person on their clip, judged on the part of it that was kept back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from inperson.avatar.gaussians import PersonalShader
from inperson.reconstruct.perceptual import Perceptual
from inperson.shader_model.data.footage import Reenacted, footage_windows
from inperson.shader_model.data.recipe import FootageRecipe
from inperson.shader_model.data.shards import encode_window
from inperson.shader_model.interface import MULTIPLE
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.unroll import unroll
from inperson.shader_model.personal.adapter import AdaptedShader, personal_of
from inperson.shader_model.training.groups import GroupMaker, WindowGroup
from inperson.shader_model.training.recipe import AugmentRecipe, Recipe
from inperson.shader_model.training.validation import validate
from inperson.shader_model.training.window_loss import WindowLoss

_AS_IT_IS = AugmentRecipe(gain=0.0, brightness=0.0, swapped_channels=0.0, no_photo=0.0, mirrored=0.0)


@dataclass(frozen=True, slots=True)
class PersonalSettings:
    """How long and on what."""

    steps: int = 160
    batch: int = 2
    rate: float = 2e-3
    seed: int = 0
    windows: FootageRecipe = field(default_factory=lambda: FootageRecipe(windows=24, frames=6))
    """To learn from."""
    judged_on: int = 8
    """Windows of the part that was kept back."""
    augment: AugmentRecipe = field(default_factory=lambda: replace(_AS_IT_IS, frames=4, side=160))
    least_gain: float = 0.05
    """dB of PSNR on the part that was kept back, from which the change is worth keeping."""
    most_blur: float = 0.1
    """By how much sharpness there may come to lie further from the truth's: a blur wins PSNR, and is seen."""

    def for_pictures(self, width: int, height: int) -> "PersonalSettings":
        """The same with crops that fit into pictures of a size."""
        size = min(self.windows.size, min(width, height) // MULTIPLE * MULTIPLE)
        side = min(self.augment.side, size)
        return replace(self, windows=replace(self.windows, size=size), augment=replace(self.augment, side=side))


@dataclass(frozen=True, slots=True)
class LearnedPersonal:
    """What came of it."""

    personal: PersonalShader | None
    """None where the part that was kept back is no better for it in PSNR or perceptually, or is blurred."""
    before: dict[str, float]
    """Scores there (`training.validation`), of the plain model ..."""
    after: dict[str, float]
    """... and of the changed one."""


def learn_personal(
    base: LiveShader,
    clip: Reenacted,
    kept_back: Reenacted,
    settings: PersonalSettings,
    told: Callable[[float], None] = lambda share: None,
    stop: Callable[[], bool] = lambda: False,
) -> LearnedPersonal:
    """Learn one person's change of a live model. The same clip and seed give the same change.

    Args:
        base: the model that ships; stays as it is.
        clip: to learn from.
        kept_back: to judge by.
        told: the share of the steps that are done.
        stop: whether to end with what has been learned; asked at every step.

    Raises:
        BadInputError: a part of the clip is too short or too small.
        MissingModelError: the perceptual distance's network has not been fetched.
    """
    recipe = Recipe(augment=settings.augment)
    recipe = replace(recipe, optimiser=replace(recipe.optimiser, seed=settings.seed))
    rng = np.random.default_rng(settings.seed)
    samples = [encode_window(window) for window in footage_windows(clip, settings.windows, rng)]
    judged = replace(settings.windows, windows=settings.judged_on)
    unseen = [encode_window(window) for window in footage_windows(kept_back, judged, rng)]
    groups, perceptual = GroupMaker(recipe), Perceptual.load()
    loss = WindowLoss(recipe.loss, perceptual)
    torch.manual_seed(settings.seed)
    adapted = AdaptedShader(base)
    before = _scores(adapted, groups, unseen, perceptual)
    optimiser = torch.optim.AdamW(adapted.changes.parameters(), lr=settings.rate, weight_decay=0.01)
    for step in range(settings.steps):
        if stop():
            break
        for rate in optimiser.param_groups:
            rate["lr"] = settings.rate * (1.0 - step / settings.steps)
        chosen = rng.integers(len(samples), size=settings.batch)
        numbered = [(step * settings.batch + i, samples[n]) for i, n in enumerate(chosen)]
        optimiser.zero_grad(set_to_none=True)
        for group in groups.training(numbered):
            parts = loss.of(group, _shown(adapted, group), None)
            (torch.stack(list(parts.values())).sum() / settings.batch).backward()
        optimiser.step()
        told((step + 1) / settings.steps)
    after = _scores(adapted, groups, unseen, perceptual)
    better = (
        after["psnr"] >= before["psnr"] + settings.least_gain
        and after["perceptual"] <= before["perceptual"]
        and abs(1.0 - after["sharpness"]) <= abs(1.0 - before["sharpness"]) + settings.most_blur
    )
    return LearnedPersonal(personal_of(adapted, base) if better else None, before, after)


def _shown(adapted: AdaptedShader, group: WindowGroup) -> torch.Tensor:
    return torch.stack(unroll(adapted, group.moments))


def _scores(
    adapted: AdaptedShader, groups: GroupMaker, unseen: list[dict[str, Any]], perceptual: Perceptual
) -> dict[str, float]:
    def grouped() -> Iterator[WindowGroup]:
        for numbered in enumerate(unseen):
            yield from groups.held_out([numbered])

    return validate(lambda group: (_shown(adapted, group), None), grouped(), perceptual)
