"""`TrajectoryLoss`: the teacher's trajectories as a target of the live model."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.teacher.draws import DrawRecipe, FlowDraws, Lot
from inperson.shader_model.teacher.guidance import guided
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.residual import SCALE, residual_of
from inperson.shader_model.teacher.told import Told
from inperson.shader_model.training.groups import WindowGroup


class TrajectoryLoss:
    """Where the teacher would take what the live model shows.

    The live model's pictures are brought back to a random time of the teacher's flow; what the teacher then makes of
    them, with its gradient stopped, is what they should have been (adversarial diffusion distillation, Sauer et al.
    2023, whose weight, the share of signal, is kept: near noise the teacher's opinion is of anybody). A teacher that
    begins at the live model's pictures begins at these.

    Args:
        teacher: frozen, on the device of the groups.
        guidance: weight of the teacher's guidance.
        draws: how the flow's times are spread.
        bf16: the teacher computes in bfloat16.
    """

    def __init__(
        self, teacher: Teacher, guidance: float = 1.0, draws: DrawRecipe | None = None, *, bf16: bool = False
    ) -> None:
        self._teacher, self._guidance, self._draws = teacher, guidance, draws or DrawRecipe()
        self._bf16 = bf16

    def of(self, group: WindowGroup, shown: Float[Tensor, "T B E 4 H W"], lots: Sequence[Lot]) -> Float[Tensor, " B"]:
        """Mean squared distance of each window's pictures from where the teacher takes them, in picture units.

        Args:
            lots: what is random about each window comes from its lot alone; a sample's number in the data's order
                makes processes and restarts agree.
        """
        base, told = group.render, Told.of(group.moments)
        if self._teacher.config.begins_at == "live":
            base = shown.detach()
            told = replace(told, color=base.transpose(0, 1))
        made = residual_of(shown, base).transpose(0, 1)
        _, frames, eyes, height, width = told.shape
        with torch.no_grad(), torch.autocast(made.device.type, torch.bfloat16, enabled=self._bf16):
            draws = FlowDraws.of(lots, frames, eyes, (height, width), self._draws).to(made.device)
            weights = torch.full((frames,), self._guidance)
            target = guided(self._teacher, draws.noisy(made), draws.times, told, weights)
        return draws.times * SCALE**2 * (made - target.float()).square().flatten(1).mean(dim=1)
