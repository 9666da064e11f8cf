"""Whether a still avatar before a still camera is still."""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inperson.render.gbuffer import Rasterizer
from inperson.shader_model.conditions.maker import ConditionMaker
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.evaluation.carrying import GREY_LEVELS
from inperson.shader_model.evaluation.pictures import over_grey
from inperson.shader_model.stream import ShaderStream

SETTLING = 5
"""Frames after a reset that do not count."""


class Flicker:
    """The standard deviation over time of every pixel."""

    def __init__(self) -> None:
        self._count = 0
        self._mean = self._squares = torch.zeros(())

    def add(self, pictures: Float[Tensor, "E 3 H W"]) -> None:
        """The next pictures (Welford 1962)."""
        now = pictures.double()
        self._count += 1
        off = now - self._mean
        self._mean = self._mean + off / self._count
        self._squares = self._squares + off * (now - self._mean)

    def value(self, where: Bool[Tensor, "E H W"]) -> float:
        """Mean over these pixels and the channels, grey levels; NaN where there are none."""
        deviation = (self._squares / max(self._count, 1)).sqrt().mean(dim=1)
        return GREY_LEVELS * float(deviation[where].mean())


def flicker_when_still(
    moment: Moment, rasterizer: Rasterizer, stream: ShaderStream, frames: int, fps: float = 30.0
) -> float:
    """Of the refined pictures of a moment that lasts, after the first `SETTLING` frames: mean over the pixels where
    the avatar is, grey levels."""
    maker, flicker = ConditionMaker(rasterizer), Flicker()
    where = torch.zeros(0, dtype=torch.bool)
    stream.forget()
    for number in range(frames):
        conditions = maker.make(replace(moment, time_ns=round(number * 1e9 / fps))).conditions
        shaded = stream.shade(conditions)
        if number >= SETTLING:
            flicker.add(over_grey(shaded))
        where = conditions.color[:, 3] > 0.5
    maker.close()
    return flicker.value(where)
