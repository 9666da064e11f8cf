"""Whole shaded frames of a nodding person where a rasteriser draws: conditions, the network's step, composition."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from benchmarks.bench_conditions import FRAME_NS, nodding, photographed
from benchmarks.bus import Bus
from inperson.app.shading.person import ahead_of
from inperson.app.shading.planes import refined
from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.selection import canonical_means
from inperson.avatar.state import BodyState
from inperson.render.scene.cuda_pictures import texels_of
from inperson.render.tensors import TensorRasterizer
from inperson.render.views import EyeView
from inperson.shader_model.conditions.maker import ConditionMaker, FrameConditions
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.runtime.engine import Engine
from inperson.shader_model.stream import ShaderStream

T = TypeVar("T")
STAGES = ("conditions", "step", "compose")
WARM_UP = 5


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """Seconds of each of some frames, the device's own work included."""

    stages: dict[str, list[float]]
    """Of `STAGES`, with a wait for the device after each."""
    whole: list[float]
    """Of frames that wait at their end alone."""
    sent: int
    """Bytes that one frame sends to the device."""
    fetched: int
    """Bytes that one frame brings back."""

    def share(self, stage: str) -> float:
        """Of a stage in a frame."""
        medians = {name: float(np.median(times)) for name, times in self.stages.items()}
        return medians[stage] / sum(medians.values())


class ShadedFrames:
    """Frames of one person with a photo, who fills the eyes' views.

    Args:
        rasterizer: draws, on the engine's device.
        engine: runs the network.
        views: crops, sides multiples of 32.
    """

    def __init__(self, rasterizer: TensorRasterizer, engine: Engine, views: tuple[EyeView, ...]) -> None:
        avatar = load_avatar("ada")
        body = load_body(avatar.body_name)
        self._poser = AvatarPoser(photographed(avatar, canonical_means(avatar, body)), body)
        self._states = [nodding(BodyState.rest(0, body.num_expression), angle) for angle in (0.0, 0.03)]
        self._posed = [self._poser.pose(state) for state in self._states]
        self._device, self._views, self._count = rasterizer.device, views, 0
        self._maker, self._stream = ConditionMaker(rasterizer), ShaderStream(engine, threads=1)

    def times(self, calls: int) -> FrameTimes:
        """Of so many frames by stages, and of as many in one go."""
        for _ in range(WARM_UP):
            self._frame()
        with Bus() as bus:
            self._frame()
        stages: dict[str, list[float]] = {name: [] for name in STAGES}
        whole: list[float] = []
        for _ in range(calls):
            self._frame(stages)
            self._timed(whole, self._frame)
        return FrameTimes(stages, whole, bus.sent, bus.fetched)

    def close(self) -> None:
        """End the threads."""
        self._maker.close()
        self._stream.close()
        self._poser.close()

    def _frame(self, stages: dict[str, list[float]] | None = None) -> None:
        self._count += 1
        number = self._count % 2
        moment = Moment(self._poser, self._states[number], self._posed[number], self._views, FRAME_NS * self._count)
        if stages is None:
            frame = self._maker.make(moment)
            self._compose(moment, frame, self._stream.shade(frame.conditions))
            return
        frame = self._timed(stages["conditions"], lambda: self._maker.make(moment))
        shaded = self._timed(stages["step"], lambda: self._stream.shade(frame.conditions))
        self._timed(stages["compose"], lambda: self._compose(moment, frame, shaded))

    @staticmethod
    def _compose(moment: Moment, frame: FrameConditions, shaded: Tensor) -> object:
        """To what is copied into a headset's textures."""
        return texels_of(refined(frame.planes, shaded, ahead_of(moment)))

    def _timed(self, times: list[float], work: Callable[[], T]) -> T:
        wait_for(self._device)
        start = time.perf_counter()
        out = work()
        wait_for(self._device)
        times.append(time.perf_counter() - start)
        return out


def wait_for(device: torch.device) -> None:
    """Until all that was asked of a device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize()
