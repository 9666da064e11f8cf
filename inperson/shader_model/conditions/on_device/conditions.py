"""`DeviceConditions`: drawn and computed by torch where the rasteriser draws."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.avatar.gaussians import GaussianAvatar
from inperson.render.tensors import TensorRasterizer, uploaded
from inperson.shader_model.conditions.change import Change
from inperson.shader_model.conditions.channels import inner_view, surface_features
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.conditions.on_device.eyes import Eyes, Upload
from inperson.shader_model.conditions.on_device.motion import DevicePast, places_on_device
from inperson.shader_model.conditions.on_device.photo import DevicePhoto
from inperson.shader_model.conditions.on_device.planes import (
    DenseTensors,
    channels_on_device,
    dense_on_device,
    nothing_before,
)
from inperson.shader_model.interface import Conditions


class DeviceConditions:
    """See `ConditionBackend`. What crosses the bus in a frame: means, quaternions, scales and normals of N Gaussians
    (52 bytes each), colours too where they change (12), and some 500 bytes about two eyes.

    Args:
        rasterizer: draws on the device; stays the caller's to close.
    """

    def __init__(self, rasterizer: TensorRasterizer) -> None:
        self._rasterizer = rasterizer
        self._upload: Upload = partial(uploaded, device=rasterizer.device)
        self._surface: _Surface | None = None
        self._past: DevicePast | None = None
        self._means: tuple[Float[np.ndarray, "N 3"], Float[Tensor, "N 3"]] | None = None
        """Of the last frame: here and there."""

    @property
    def device(self) -> torch.device:
        """See `ConditionBackend`."""
        return self._rasterizer.device

    @torch.inference_mode()
    def make(self, moment: Moment, change: Change | None) -> tuple[Conditions, Float[Tensor, "E 5 H W"]]:
        """See `ConditionBackend`."""
        if self._surface is None or self._surface.avatar is not moment.avatar:
            self._surface = _Surface.of(moment.avatar, self._upload)
        gaussians, views = moment.gaussians, moment.views
        draw, surface, past = self._rasterizer, self._surface, None if change is None else self._past
        switch = np.zeros((len(views), 2), np.float32) if change is None else change.switch
        eyes = Eyes.of(views, () if past is None else past.views, moment.middle, switch, self._upload)
        shapes, normals = draw.shapes(gaussians), draw.upload("normals", gaussians.normals)
        displacement = torch.zeros_like(shapes.means) if change is None else shapes.means - self._then(change)
        channels = channels_on_device(displacement, normals, surface.features)
        planes = DenseTensors.of(draw.draw(shapes, channels, [inner_view(view) for view in views]))
        colors = draw.draw(shapes, draw.upload("colors", gaussians.colors), views)
        before, seen = nothing_before(planes) if past is None else places_on_device(planes, eyes, past)
        self._past = DevicePast.of(planes, tuple(views))
        self._means = gaussians.means, shapes.means
        color = torch.cat([colors[:, :3], colors[:, 4:]], dim=1)
        photo = torch.zeros_like(color) if surface.photo is None else surface.photo.carry(planes.photo)
        dense = dense_on_device(planes, eyes)
        return Conditions(color, photo, dense, before, seen, eyes.switch), colors

    def close(self) -> None:
        """The device's memory goes back with its tensors; nothing else is held."""

    def _then(self, change: Change) -> Float[Tensor, "N 3"]:
        """Where the Gaussians were: as a rule what the last frame sent."""
        if self._means is not None and self._means[0] is change.then:
            return self._means[1]
        return self._upload(change.then)


@dataclass(frozen=True, slots=True, eq=False)
class _Surface:
    """What does not change while an avatar moves."""

    avatar: GaussianAvatar
    features: Float[Tensor, "N 10"]
    photo: DevicePhoto | None

    @staticmethod
    def of(avatar: GaussianAvatar, upload: Upload) -> "_Surface":
        photo = None if avatar.photo is None else DevicePhoto.of(avatar.photo, upload)
        return _Surface(avatar, upload(surface_features(avatar)), photo)
