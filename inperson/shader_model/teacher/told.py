"""`Told`: what the teacher is told of a window, from the same conditions that the live model gets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inperson.shader_model.data.shards import own_places
from inperson.shader_model.network.batch import ConditionsBatch

MOTION = 3
"""Channels of `Told.motion`."""
FAR = 16.0
"""Pixels of motion that count as 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """B windows of T frames and E eyes."""

    color: Float[Tensor, "B T E 4 H W"]
    photo: Float[Tensor, "B T E 4 H W"]
    dense: Float[Tensor, "B T E D h w"]
    motion: Float[Tensor, "B T E 3 h w"]
    """The way to where each place was in the last frame of the same eye, in units of `FAR`, times how far it was
    seen there; and that, 0 to 1. Zeros in a window's first frame."""
    switch: Float[Tensor, "B T E 2"]

    @staticmethod
    def of(moments: Sequence[ConditionsBatch]) -> "Told":
        """The conditions of consecutive moments."""
        return Told(
            **{name: torch.stack([getattr(m, name) for m in moments], dim=1) for name in ("color", "photo", "dense")},
            motion=torch.stack([_own_motion(moment) for moment in moments], dim=1),
            switch=torch.stack([moment.switch for moment in moments], dim=1),
        )

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """B, T, E, h and w."""
        windows, frames, eyes, _, height, width = self.dense.shape
        return windows, frames, eyes, height, width

    def window(self, frames: Sequence[int]) -> "Told":
        """Some of the frames, as a window that knows nothing of what was before its first."""
        part = self._each(lambda x: x[:, list(frames)])
        motion = part.motion.clone()
        motion[:, 0] = 0.0
        return replace(part, motion=motion)

    def without_conditions(self, dropped: Bool[Tensor, " B"] | None = None) -> "Told":
        """Less the photo and the dense channels, in all windows or in those that are `dropped`; the render stays."""
        if dropped is None:
            dropped = torch.ones(len(self.dense), dtype=torch.bool, device=self.dense.device)
        kept = (~dropped).to(self.dense.dtype).view(-1, 1, 1, 1, 1, 1)
        return replace(self, photo=self.photo * kept, dense=self.dense * kept)

    def to(self, device: torch.device) -> "Told":
        """On another device."""
        return self._each(lambda x: x.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Told":
        return Told(**{field.name: change(getattr(self, field.name)) for field in fields(Told)})


def _own_motion(moment: ConditionsBatch) -> Float[Tensor, "B E 3 h w"]:
    people, eyes, seen_by, height, width = moment.seen_before.shape
    if seen_by == 0:
        return moment.dense.new_zeros(people, eyes, MOTION, height, width)
    own = torch.arange(eyes, device=moment.dense.device)
    seen = moment.seen_before[:, own, own, None]
    way = moment.before[:, own, own] - own_places(height, width).to(seen)
    return torch.cat([way / FAR * seen, seen], dim=2)
