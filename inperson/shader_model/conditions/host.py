"""`HostConditions`: drawn by any rasteriser, computed by numpy and numba in this process's memory."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.avatar.gaussians import GaussianAvatar
from inperson.render.gbuffer import Rasterizer
from inperson.shader_model.conditions.change import Change
from inperson.shader_model.conditions.channels import (
    DensePlanes,
    dense_condition,
    dense_gaussians,
    inner_view,
    surface_features,
)
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.conditions.motion import Past, previous_places_fast
from inperson.shader_model.conditions.photo import PhotoCarrier
from inperson.shader_model.interface import Conditions
from inperson.workers import Workers

RGBA = (0, 1, 2, 4)
"""Of a `ColorBuffer`'s planes."""


class HostConditions:
    """See `ConditionBackend`.

    Args:
        rasterizer: any backend; stays the caller's to close.
        threads: that share the work outside the rasteriser.
    """

    def __init__(self, rasterizer: Rasterizer, threads: int) -> None:
        self._rasterizer, self._workers = rasterizer, Workers(threads)
        self._surface: _Surface | None = None
        self._past: Past | None = None

    @property
    def device(self) -> torch.device:
        """See `ConditionBackend`."""
        return torch.device("cpu")

    def make(self, moment: Moment, change: Change | None) -> tuple[Conditions, Float[Tensor, "E 5 H W"]]:
        """See `ConditionBackend`."""
        if self._surface is None or self._surface.avatar is not moment.avatar:
            self._surface = _Surface.of(moment.avatar, self._workers)
        surface, gaussians, views = self._surface, moment.gaussians, moment.views
        then = gaussians.means if change is None else change.then
        dense = dense_gaussians(gaussians, surface.features, gaussians.means - then)
        planes = DensePlanes.of(self._rasterizer.render(dense, [inner_view(view) for view in views]))
        colors = self._rasterizer.render_color(gaussians, views).planes
        before, seen = _nothing_before(planes)
        if self._past is not None and change is not None:
            before, seen = previous_places_fast(planes, views, self._past)
        self._past = Past.of(planes, views)
        eyes, _, height, width = colors.shape
        arrays = (
            np.take(colors, RGBA, axis=1),
            np.zeros((eyes, 4, height, width), np.float32)
            if surface.photo is None
            else surface.photo.carry(planes.photo),
            dense_condition(planes, views, moment.middle),
            *(before, seen, np.zeros((eyes, 2), np.float32) if change is None else change.switch),
        )
        return Conditions(*(torch.from_numpy(array) for array in arrays)), torch.from_numpy(colors)

    def close(self) -> None:
        """End the threads."""
        self._workers.close()


@dataclass(frozen=True, slots=True, eq=False)
class _Surface:
    """What does not change while an avatar moves."""

    avatar: GaussianAvatar
    features: Float[np.ndarray, "N 10"]
    photo: PhotoCarrier | None

    @staticmethod
    def of(avatar: GaussianAvatar, workers: Workers) -> "_Surface":
        carrier = None if avatar.photo is None else PhotoCarrier(avatar.photo, workers)
        return _Surface(avatar, surface_features(avatar), carrier)


def _nothing_before(planes: DensePlanes) -> tuple[Float[np.ndarray, "E 0 2 h w"], Float[np.ndarray, "E 0 h w"]]:
    eyes, height, width = planes.alpha.shape
    return np.zeros((eyes, 0, 2, height, width), np.float32), np.zeros((eyes, 0, height, width), np.float32)
