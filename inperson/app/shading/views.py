"""The shaded person in whole views, as a rasteriser would have drawn them: for the mirror and `inperson render`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.app.shading.person import PersonShader
from inperson.app.timing import StageTimes
from inperson.avatar.gaussians import PosedGaussians
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.render.gbuffer import ColorBuffer
from inperson.render.scene.crop import Crop, PixelRectangle
from inperson.render.views import EyeView, common_size
from inperson.shader_model.conditions.crop import PersonCropper
from inperson.shader_model.conditions.moment import Moment

PLANES = 5
"""Of a `ColorBuffer`."""


@dataclass(frozen=True, slots=True, eq=False)
class ShadedViews:
    """The same views without the shader and with it. Both are brought into this process's memory and into whole views
    when they are looked at: without is looked at in a split picture alone."""

    plain_crop: Float[Tensor, "E 5 h w"]
    """As a `ColorBuffer`'s planes, on any device; and so the next."""
    shaded_crop: Float[Tensor, "E 5 h w"]
    crop: Crop
    size: tuple[int, int]
    """Width and height of a view, pixels."""

    @staticmethod
    def empty(views: Sequence[EyeView]) -> "ShadedViews":
        """With nobody in them."""
        nothing, nowhere = torch.zeros(len(views), PLANES, 0, 0), PixelRectangle(0, 0, 0, 0)
        return ShadedViews(nothing, nothing, Crop((nowhere,) * len(views), tuple(views)), common_size(views))

    @property
    def plain(self) -> ColorBuffer:
        """Without."""
        return pasted(self.plain_crop, self.crop, *self.size)

    @property
    def shaded(self) -> ColorBuffer:
        """With."""
        return pasted(self.shaded_crop, self.crop, *self.size)


class ViewShader:
    """Shades whoever is in the views.

    Args:
        person: stays the caller's to close.
    """

    def __init__(self, person: PersonShader) -> None:
        self._person, self._cropper = person, PersonCropper()

    def draw(
        self,
        poser: AvatarPoser,
        state: BodyState,
        gaussians: PosedGaussians,
        views: Sequence[EyeView],
        size: int,
        times: StageTimes,
    ) -> ShadedViews:
        """The person in every view; notes the stages `conditions` and `shading`.

        Args:
            poser, state: what made the Gaussians, at the state's own time.
            gaussians: of this frame.
            views: of one size.
            size: which of the person shader's engines.
        """
        crop = self._cropper.crop(gaussians, views)
        if crop is None:
            self._person.forget()
            return ShadedViews.empty(views)
        drawn = self._person.shade(Moment(poser, state, gaussians, crop.views, state.time_ns), size)
        times.add("conditions", drawn.conditions_ns)
        times.add("shading", drawn.shading_ns)
        return ShadedViews(drawn.plain, drawn.shaded, crop, common_size(views))

    def forget(self) -> None:
        """The next picture is a first one."""
        self._person.forget()


def pasted(drawn: Float[Tensor, "E 5 h w"], crop: Crop, width: int, height: int) -> ColorBuffer:
    """What was drawn of a crop in views of width x height; nothing around it. A crop that is the whole view is not
    copied.

    Args:
        drawn: a `ColorBuffer`'s planes of the crop's views, on any device. What of them lies beyond the whole views
            is left out.
    """
    here = drawn.cpu().numpy()
    if all(part == PixelRectangle(0, 0, width, height) for part in crop.rectangles):
        return ColorBuffer(here)
    planes = np.zeros((len(crop.views), PLANES, height, width), np.float32)
    for eye, part in enumerate(crop.rectangles):
        left, top = max(part.left, 0), max(part.top, 0)
        right, bottom = min(part.right, width), min(part.bottom, height)
        planes[eye, :, top:bottom, left:right] = here[
            eye, :, top - part.top : bottom - part.top, left - part.left : right - part.left
        ]
    return ColorBuffer(planes)
