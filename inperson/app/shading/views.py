"""The shaded person in whole views, as a rasteriser would have drawn them: for the mirror and `inperson render`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inperson.app.shading.person import PersonShader
from inperson.app.timing import StageTimes
from inperson.avatar.gaussians import PosedGaussians
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.render.gbuffer import ColorBuffer
from inperson.render.scene.crop import Crop
from inperson.render.views import EyeView, common_size
from inperson.shader_model.conditions.crop import PersonCropper
from inperson.shader_model.conditions.maker import Moment

PLANES = 5
"""Of a `ColorBuffer`."""


@dataclass(frozen=True, slots=True, eq=False)
class ShadedViews:
    """The same views without the shader and with it."""

    plain: ColorBuffer
    shaded: ColorBuffer


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
        width, height = common_size(views)
        if crop is None:
            self._person.forget()
            empty = ColorBuffer(np.zeros((len(views), PLANES, height, width), np.float32))
            return ShadedViews(empty, empty)
        drawn = self._person.shade(Moment(poser, state, gaussians, crop.views, state.time_ns), size)
        times.add("conditions", drawn.conditions_ns)
        times.add("shading", drawn.shading_ns)
        return ShadedViews(*(pasted(buffer, crop, width, height) for buffer in (drawn.plain, drawn.shaded)))

    def forget(self) -> None:
        """The next picture is a first one."""
        self._person.forget()


def pasted(drawn: ColorBuffer, crop: Crop, width: int, height: int) -> ColorBuffer:
    """What was drawn of a crop in views of width x height; nothing around it.

    Args:
        drawn: of the crop's views. What of them lies beyond the whole views is left out.
    """
    planes = np.zeros((len(crop.views), PLANES, height, width), np.float32)
    for eye, part in enumerate(crop.rectangles):
        left, top = max(part.left, 0), max(part.top, 0)
        right, bottom = min(part.right, width), min(part.bottom, height)
        planes[eye, :, top:bottom, left:right] = drawn.planes[
            eye, :, top - part.top : bottom - part.top, left - part.left : right - part.left
        ]
    return ColorBuffer(planes)
