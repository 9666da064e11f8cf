"""One person's shading, frame by frame: conditions of their crop, one step of the network, and what both took."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from inperson.app.shading.engines import SizedEngine, compute_device
from inperson.app.shading.personal import PersonalEngines
from inperson.app.shading.planes import refined
from inperson.render.gbuffer import Rasterizer
from inperson.shader_model.conditions.channels import distance_ahead
from inperson.shader_model.conditions.maker import ConditionMaker
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.stream import ShaderStream


@dataclass(frozen=True, slots=True, eq=False)
class ShadedCrop:
    """One frame of the person's crop, without the shader and with it: a `ColorBuffer`'s planes where the rasteriser
    draws, on a GPU perhaps not computed yet."""

    plain: Float[Tensor, "E 5 H W"]
    shaded: Float[Tensor, "E 5 H W"]
    conditions_ns: int
    """Drawing and computing what the shader is told, the plain render included. On a GPU: asking for it."""
    shading_ns: int
    """Likewise of the network's step and what comes after it."""


class PersonShader:
    """Shades one person at a time for the eyes that see them. One thread at a time.

    Args:
        engines: the sizes to choose from; at least one.
        rasterizer: any backend; stays the caller's to close.
        threads: that share the work on a CPU.
    """

    def __init__(self, engines: Sequence[SizedEngine], rasterizer: Rasterizer, threads: int) -> None:
        self.engines = tuple(engines)
        self._maker = ConditionMaker(rasterizer, threads)
        self.pictures_on = self._maker.device
        """Where `shade`'s pictures are."""
        self._stream = ShaderStream(self.engines[0].engine, threads)
        self._device = compute_device()
        self._personal = PersonalEngines(self.engines)
        self._engine = self.engines[0].engine

    def shade(self, moment: Moment, size: int) -> ShadedCrop:
        """The next frame.

        Args:
            moment: the person, and the crops of them.
            size: which of the engines. Another than the last one begins anew, and so does another person that the
                shader has learned something of.
        """
        engine = self._personal.of(size, moment.poser.avatar)
        if engine is not self._engine:
            self.forget()
            self._stream.use(engine)
            self._engine = engine
        begin = time.perf_counter_ns()
        frame = self._maker.make(moment)
        told = time.perf_counter_ns()
        shaded = self._stream.shade(frame.conditions.to(self._device))
        result = refined(frame.planes, shaded, ahead_of(moment))
        done = time.perf_counter_ns()
        return ShadedCrop(frame.planes, result, told - begin, done - told)

    def forget(self) -> None:
        """Begin anew with the next frame: what was between it and the last one was not shaded."""
        self._maker.forget()
        self._stream.forget()

    def close(self) -> None:
        """End the threads."""
        self._maker.close()
        self._stream.close()


def ahead_of(moment: Moment) -> Float[np.ndarray, " E"]:
    """How far the person's middle is before each eye, metres."""
    return np.array([distance_ahead(view, moment.middle) for view in moment.views], np.float32)
