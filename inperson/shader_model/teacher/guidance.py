"""Classifier-free guidance (Ho & Salimans 2022), and its triangular schedule over an orbit."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.told import Told


def guided(
    teacher: Teacher,
    noisy: Float[Tensor, "B T E R h w"],
    times: Float[Tensor, " B"],
    told: Told,
    weights: Float[Tensor, " T"],
) -> Float[Tensor, "B T E R h w"]:
    """r0 + w (r1 - r0): the prediction r1 with all conditions, away from r0 without photo and dense channels.

    Args:
        weights: of each frame; 1 is the conditional prediction, 0 the unconditional one. Where they are all of one of
            these, the other is not computed.
    """
    if bool((weights == 1.0).all()):
        return _predicted(teacher, noisy, times, told)
    without = _predicted(teacher, noisy, times, told.without_conditions())
    if bool((weights == 0.0).all()):
        return without
    w = weights.to(noisy)[:, None, None, None, None]
    return without + w * (_predicted(teacher, noisy, times, told) - without)


def triangular(angles: Float[Tensor, " T"], front: float, back: float) -> Float[Tensor, " T"]:
    """Weights that grow evenly with the angle to the photo's view, up to the back, and come back (SV3D, Voleti et al.
    2024; GAS, Lu et al. 2025).

    Args:
        angles: radians from the photo's view, either way; whole turns do not count.
        front, back: weights at 0 and at pi.
    """
    away = torch.remainder(angles + math.pi, 2.0 * math.pi) - math.pi
    return front + (back - front) * away.abs() / math.pi


def _predicted(teacher: Teacher, noisy: Tensor, times: Tensor, told: Told) -> Tensor:
    clean: Tensor = teacher(noisy, times, told)
    return clean
