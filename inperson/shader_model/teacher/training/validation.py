"""How well the teacher does on held-out windows: what it makes of them, and how wrong it is at each time."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.reconstruct.perceptual import Perceptual
from inperson.shader_model.teacher.draws import DrawRecipe, FlowDraws, Lot
from inperson.shader_model.teacher.flow import mixed, sample, velocity_error
from inperson.shader_model.teacher.guidance import guided
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.residual import picture_of, residual_of
from inperson.shader_model.teacher.told import Told
from inperson.shader_model.training.groups import WindowGroup
from inperson.shader_model.training.validation import validate

TIMES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""At which the velocity's error is told, each as `velocity_10`."""
_NOISE = DrawRecipe(forgotten=0.0)


class Sampled:
    """Windows as the teacher makes them, one at a time; remembers how wrong it was on the way.

    Args:
        teacher: that is scored.
        steps: of Euler's method.
    """

    def __init__(self, teacher: Teacher, steps: int) -> None:
        self._teacher, self._steps = teacher, steps
        self._errors: list[Float[Tensor, " times"]] = []

    def __call__(self, group: WindowGroup) -> tuple[Float[Tensor, "T B E 4 H W"], None]:
        """The samples, and nobody's verdict."""
        told = Told.of(group.moments)
        clean = residual_of(group.truth, group.render).transpose(0, 1)
        windows, frames, eyes, height, width = told.shape
        # every validation has the same noise
        lots = [Lot(0, number) for number in range(windows)]
        noise = FlowDraws.of(lots, frames, eyes, (height, width), _NOISE).noise.to(clean.device)
        weights = torch.ones(frames)

        def predict(noisy: Tensor, time: float) -> Tensor:
            return guided(self._teacher, noisy, clean.new_full((windows,), time), told, weights)

        wrong = [
            velocity_error(predict(mixed(noise, clean, t), float(t[0])), clean, t, least_left=0.0).mean()
            for t in (clean.new_full((windows,), time) for time in TIMES)
        ]
        self._errors.append(torch.stack(wrong))
        made = sample(predict, noise, self._steps, "euler")
        return picture_of(made, told.color).transpose(0, 1), None

    def errors(self) -> dict[str, float]:
        """Mean squared error of the velocity at each of `TIMES`."""
        means = torch.stack(self._errors).mean(dim=0)
        return {f"velocity_{round(100 * t)}": float(f"{float(e):.4g}") for t, e in zip(TIMES, means, strict=True)}


@torch.no_grad()
def validate_teacher(
    teacher: Teacher, groups: Iterable[WindowGroup], perceptual: Perceptual, steps: int
) -> dict[str, float]:
    """The live model's scores (`shader_model.training.validation`) of the teacher's samples, and `velocity_...`."""
    sampled = Sampled(teacher, steps)
    return validate(sampled, groups, perceptual) | sampled.errors()
