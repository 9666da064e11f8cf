"""The two eyes shaded apart, each with a memory of its own: what sharing it is measured against."""

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.interface import Conditions
from inperson.shader_model.runtime.engine import Engine
from inperson.shader_model.stream import ShaderStream


class SeparateEyes:
    """One stream for each eye.

    Args:
        engine: runs the network; it keeps nothing from step to step, so all streams may use one.
    """

    def __init__(self, engine: Engine, eyes: int, threads: int) -> None:
        self._streams = [ShaderStream(engine, threads) for _ in range(eyes)]

    def shade(self, conditions: Conditions) -> Float[Tensor, "E 4 H W"]:
        """This frame's refined pictures."""
        return torch.cat([stream.shade(alone(conditions, e)) for e, stream in enumerate(self._streams)])

    def close(self) -> None:
        """End the threads."""
        for stream in self._streams:
            stream.close()


def alone(conditions: Conditions, eye: int) -> Conditions:
    """What is told when there is only this eye, now and before."""
    one = slice(eye, eye + 1)
    return Conditions(
        color=conditions.color[one],
        photo=conditions.photo[one],
        dense=conditions.dense[one],
        before=conditions.before[one, one],
        seen_before=conditions.seen_before[one, one],
        switch=conditions.switch[one],
    )
