"""`ConditionMaker`: a posed person and the views on them in, `Conditions` out. Keeps the previous frame."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.avatar.gaussians import GaussianAvatar
from inperson.render.gbuffer import ColorBuffer, Rasterizer
from inperson.render.views import common_size
from inperson.shader_model.conditions.backend import backend_for
from inperson.shader_model.conditions.change import Change, RigidMotion, is_jump, modality_switch
from inperson.shader_model.conditions.moment import SAMPLE, Moment
from inperson.shader_model.interface import MULTIPLE, Conditions


@dataclass(frozen=True, slots=True, eq=False)
class FrameConditions:
    """What the shader is told, and the plain render it was told of: all on the device where the rasteriser draws."""

    conditions: Conditions
    planes: Float[Tensor, "E 5 H W"]
    """Of the same views, as a `ColorBuffer`'s: with the depth that compositors need."""

    def to(self, device: torch.device) -> "FrameConditions":
        """The same on another device."""
        return FrameConditions(self.conditions.to(device), self.planes.to(device))

    @property
    def colors(self) -> ColorBuffer:
        """The planes in this process's memory: from a GPU a copy, for which it waits."""
        return ColorBuffer(self.planes.cpu().numpy())


class ConditionMaker:
    """Makes the conditions of one person, frame after frame. One thread at a time.

    It forgets the previous frame by itself where nothing of it holds: another person, another number of eyes, a long
    pause, a clock set back, a view or a body that jumps. Another level of detail of the same avatar is no such
    thing: the new one is posed as the old one was.

    Args:
        rasterizer: any backend; stays the caller's to close. One that draws on a GPU leaves everything there.
        threads: that share the work outside the rasteriser, on a CPU.
    """

    def __init__(self, rasterizer: Rasterizer, threads: int = 1) -> None:
        self._backend = backend_for(rasterizer, threads)
        self._last: Moment | None = None

    @property
    def device(self) -> torch.device:
        """Where the conditions are made."""
        return self._backend.device

    def make(self, moment: Moment) -> FrameConditions:
        """The conditions of this moment; `before` has no eyes (P is 0) in the first frame after a reset.

        Raises:
            ValueError: views of several sizes, or sides that are no multiples of `MULTIPLE`.
        """
        width, height = common_size(moment.views)
        if width % MULTIPLE or height % MULTIPLE:
            raise ValueError(f"crops have sides that are multiples of {MULTIPLE}, not {width} x {height}")
        change = None if self._last is None else _change(self._last, moment)
        made = self._backend.make(moment, change)
        self._last = moment
        return FrameConditions(*made)

    def forget(self) -> None:
        """The next frame is a first one."""
        self._last = None

    def close(self) -> None:
        """End the threads."""
        self._backend.close()


def _change(last: Moment, moment: Moment) -> Change | None:
    """How the Gaussians moved since the last frame, and the modality switch; None after a jump."""
    if len(last.views) != len(moment.views) or not same_person(last.poser.avatar, moment.poser.avatar):
        return None
    same = last.poser is moment.poser
    then = last.gaussians.means if same else last.shown(moment.poser.pose(last.state)).means
    motion = RigidMotion.of(then[::SAMPLE], moment.gaussians.means[::SAMPLE])
    if is_jump(motion, last.views, moment.views, moment.time_ns - last.time_ns):
        return None
    return Change(then, modality_switch(motion, last.views, moment.views))


def same_person(a: GaussianAvatar, b: GaussianAvatar) -> bool:
    """Whether two avatars are one, perhaps with fewer Gaussians."""
    return a is b or (
        (a.name, a.body_sha256, a.provenance) == (b.name, b.body_sha256, b.provenance)
        and np.array_equal(a.betas, b.betas)
    )
