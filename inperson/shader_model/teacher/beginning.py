"""Where a teacher begins: at the Gaussian render, or at the live model's pictures.

A teacher that begins at the live model's pictures (`TeacherConfig.begins_at`) is told them in place of the render:
what it generates is the way from them to the truth, as the refiner of a cascade does (Ho et al. 2022, "Cascaded
Diffusion Models").
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.unroll import StepModel, unroll


@torch.no_grad()
def begun_at(live: StepModel | None, moments: Sequence[ConditionsBatch]) -> tuple[ConditionsBatch, ...]:
    """The moments as a teacher is told them.

    Args:
        live: whose pictures take the render's place; None leaves the render there.
        moments: in order of time.
    """
    if live is None:
        return tuple(moments)
    shown = unroll(live, moments)
    return tuple(replace(moment, color=picture) for moment, picture in zip(moments, shown, strict=True))


@torch.no_grad()
def begun_around(live: StepModel | None, moments: Sequence[ConditionsBatch]) -> tuple[ConditionsBatch, ...]:
    """The same for a closed sequence, in which the live model has gone around before."""
    return tuple(moments) if live is None else begun_at(live, [*moments, *moments])[len(moments) :]
