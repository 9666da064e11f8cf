"""Where the conditions are drawn and computed: decided by where the rasteriser's pictures are."""

from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.render.gbuffer import Rasterizer
from inperson.render.tensors import TensorRasterizer
from inperson.shader_model.conditions.change import Change
from inperson.shader_model.conditions.host import HostConditions
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.conditions.on_device.conditions import DeviceConditions
from inperson.shader_model.interface import Conditions


class ConditionBackend(Protocol):
    """Draws and computes conditions, and keeps what the next frame needs of this one."""

    @property
    def device(self) -> torch.device:
        """Where."""
        ...

    def make(self, moment: Moment, change: Change | None) -> tuple[Conditions, Float[Tensor, "E 5 H W"]]:
        """The conditions of a frame, and a `ColorBuffer`'s planes of the plain render; both on one device.

        Args:
            moment: what is drawn.
            change: since the frame that was made last; None where nothing of that holds.
        """
        ...

    def close(self) -> None:
        """Free what is held."""
        ...


def backend_for(rasterizer: Rasterizer, threads: int) -> ConditionBackend:
    """Where the rasteriser draws.

    Args:
        rasterizer: any; stays the caller's to close.
        threads: that share the work outside the rasteriser, where that is the CPU's.
    """
    if isinstance(rasterizer, TensorRasterizer):
        return DeviceConditions(rasterizer)
    return HostConditions(rasterizer, threads)
