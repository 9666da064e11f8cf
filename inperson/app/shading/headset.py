"""`ShadedPictures`: what draws the avatar in a headset, refined by the video shader as long as pacing grants it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import moderngl
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.app.shading.choice import ShaderChoice
from inperson.app.shading.figures import OFF, ShaderFigures
from inperson.app.shading.keeping_up import worth_offering
from inperson.app.shading.person import PersonShader, ShadedCrop
from inperson.avatar.gaussians import PosedGaussians
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.render.gbuffer import ColorBuffer
from inperson.render.gl import is_software
from inperson.render.headset import ShadingTimes
from inperson.render.pacing import Rung, always_shaded, shaded_while_it_fits
from inperson.render.scene.crop import Crop, PixelRectangle, crop_views
from inperson.render.scene.cuda_pictures import WrittenPictures
from inperson.render.scene.pictures import AvatarPictures, EyePicture, UploadedPictures
from inperson.render.views import EyeView
from inperson.shader_model.conditions.crop import PersonCropper
from inperson.shader_model.conditions.moment import Moment


class PlaneTextures(Protocol):
    """Gets a `ColorBuffer`'s planes, on whatever device they are, into textures."""

    def upload(self, planes: Float[Tensor, "E 5 H W"]) -> tuple[EyePicture, ...]:
        """One picture a view; they hold until the next ones."""
        ...

    def close(self) -> None:
        """Free the textures."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Subject:
    """What the next drawing shows."""

    poser: AvatarPoser
    state: BodyState
    time_ns: int
    size: int


class ShadedPictures:
    """Both eyes' pictures in one batch. An `AvatarPictures` and a `Cropping` for the painter, a `Shading` for the
    frame loop, which says before each drawing whom it shows.

    Args:
        context: of OpenGL, current in the calling thread; stays the caller's.
        plain: draws what is not shaded; stays the caller's to close, like `person`.
        person: the sizes, the largest first.
        asked: by the user.
        shown: what the scene does with a posed person.
        textures: takes the refined pictures; by default from where `person` draws, on a GPU without a copy through
            this process's memory.
    """

    def __init__(
        self,
        context: moderngl.Context,
        plain: AvatarPictures,
        person: PersonShader,
        asked: ShaderChoice,
        shown: Callable[[PosedGaussians], PosedGaussians],
        textures: PlaneTextures | None = None,
    ) -> None:
        self.posers: Sequence[AvatarPoser] = ()
        """The avatar's levels of detail. May be replaced between frames."""
        self.split = False
        """Whether the half to the left of the person's middle stays without."""
        self._plain, self._person, self._asked, self._shown = plain, person, asked, shown
        self._offered = worth_offering([engine.step_ms for engine in person.engines])
        self._textures = _textures_for(person.pictures_on, context) if textures is None else textures
        self._cropper = PersonCropper()
        self._subject: _Subject | None = None
        self._times: ShadingTimes | None = None
        self._pictures: Counter[str] = Counter()

    def begin(self, rung: Rung, state: BodyState, time_ns: int) -> None:
        """The next drawing shows the avatar in this state, on this rung of the ladder."""
        self._times = None
        if rung.shader is None:
            if self._subject is not None:
                self._person.forget()
            self._subject = None
        else:
            self._subject = _Subject(self.posers[rung.level], state, time_ns, self._offered[rung.shader])
        self._pictures[self._name] += 1

    def __call__(
        self,
        gaussians: PosedGaussians,
        views: Sequence[EyeView],
        within: Sequence[PixelRectangle | None] | None = None,
    ) -> Crop | None:
        """The crop to draw: the shader's steady one where it runs."""
        if self._subject is None:
            return crop_views(gaussians, views, within)
        crop = self._cropper.crop(gaussians, views, within)
        if crop is None:
            self._person.forget()
        return crop

    def draw(self, gaussians: PosedGaussians, crop: Crop) -> tuple[EyePicture, ...]:
        """The Gaussians as each of the crop's views sees them."""
        subject = self._subject
        if subject is None:
            return self._plain.draw(gaussians, crop)
        moment = Moment(subject.poser, subject.state, gaussians, crop.views, subject.time_ns, self._shown)
        drawn = self._person.shade(moment, subject.size)
        self._times = ShadingTimes(drawn.conditions_ns / 1e6, drawn.shading_ns / 1e6)
        return self._textures.upload(split_at_the_middle(drawn, moment) if self.split else drawn.shaded)

    def take_times(self) -> ShadingTimes | None:
        """What the shader took of the newest drawing, once; None where it was not shaded."""
        times, self._times = self._times, None
        return times

    def rungs(self, plain: Sequence[Rung]) -> tuple[Rung, ...]:
        """The ladder with the shader: a size asked for by name stays on all of it, `auto` gives way first."""
        if self._asked != "auto":
            return always_shaded(plain)
        return shaded_while_it_fits(plain, [self._person.engines[number].step_ms for number in self._offered])

    @property
    def line(self) -> str:
        """How it stands, in a few words."""
        if self._subject is None:
            return "off"
        return f"{self._name} on {self._person.engines[self._subject.size].engine.name}"

    def figures(self) -> ShaderFigures:
        """Of all frames."""
        names: dict[str, str] = {engine.size: engine.engine.name for engine in self._person.engines}
        return ShaderFigures(self._asked, names, dict(self._pictures))

    def forget_figures(self) -> None:
        """Begin to count anew."""
        self._pictures.clear()

    def close(self) -> None:
        """Free the textures."""
        self._textures.close()

    @property
    def _name(self) -> str:
        return OFF if self._subject is None else self._person.engines[self._subject.size].size


class _UploadedPlanes:
    """Through this process's memory."""

    def __init__(self, context: moderngl.Context) -> None:
        self._uploaded = UploadedPictures(context)

    def upload(self, planes: Float[Tensor, "E 5 H W"]) -> tuple[EyePicture, ...]:
        return self._uploaded.upload(ColorBuffer(planes.cpu().numpy()))

    def close(self) -> None:
        self._uploaded.close()


def _textures_for(device: torch.device, context: moderngl.Context) -> PlaneTextures:
    """CUDA writes into textures of a GPU's OpenGL, not into those of software."""
    if device.type == "cuda" and not is_software(context):
        return WrittenPictures(context)
    return _UploadedPlanes(context)


def split_at_the_middle(drawn: ShadedCrop, moment: Moment) -> Float[Tensor, "E 5 H W"]:
    """Without to the left of an upright line through the person's middle, with to the right of it. The line hangs
    where the person is, so both eyes see it there."""
    planes = drawn.shaded.clone()
    middle = np.append(moment.middle, 1.0)
    for eye, view in enumerate(moment.views):
        x, _, ahead = (view.T_cv_from_world @ middle)[:3]
        if ahead <= view.near:
            continue
        column = int(np.clip(view.intrinsics.fx * x / ahead + view.intrinsics.cx, 0, view.width - 1))
        planes[eye, ..., :column] = drawn.plain[eye, ..., :column]
        planes[eye, ..., column] = 1.0
        planes[eye, 3, :, column] = float(ahead)
    return planes
