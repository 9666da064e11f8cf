"""`ConditionMaker`: a posed person and the views on them in, `Conditions` out. Keeps the previous frame."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from inperson.avatar.gaussians import GaussianAvatar, PosedGaussians
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.render.gbuffer import ColorBuffer, Rasterizer
from inperson.render.views import EyeView, common_size
from inperson.shader_model.conditions.change import RigidMotion, is_jump, modality_switch
from inperson.shader_model.conditions.channels import (
    DensePlanes,
    dense_condition,
    dense_gaussians,
    inner_view,
    surface_features,
)
from inperson.shader_model.conditions.motion import Past, previous_places_fast
from inperson.shader_model.conditions.photo import PhotoCarrier
from inperson.shader_model.interface import MULTIPLE, Conditions
from inperson.workers import Workers

RGBA = (0, 1, 2, 4)
"""Of a `ColorBuffer`'s planes."""
SAMPLE = 16
"""One Gaussian in as many tells where the body is and how it moved as a whole."""


def as_posed(gaussians: PosedGaussians) -> PosedGaussians:
    """Shown where the poser put them."""
    return gaussians


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One person at one time, and who looks at them."""

    poser: AvatarPoser
    state: BodyState
    gaussians: PosedGaussians
    """What `poser` made of `state`, as `shown`."""
    views: tuple[EyeView, ...]
    """The person's crop of each eye's view (`PersonCropper`): one size, sides multiples of `MULTIPLE`."""
    time_ns: int
    """When this is shown, monotonic."""
    shown: Callable[[PosedGaussians], PosedGaussians] = as_posed
    """What a scene does with a posed person, a mirror for instance."""

    @property
    def middle(self) -> Float[np.ndarray, "3"]:
        """Of the person, in the world."""
        return np.asarray(self.gaussians.means[::SAMPLE].mean(axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class FrameConditions:
    """What the shader is told, and the plain render it was told of."""

    conditions: Conditions
    colors: ColorBuffer
    """Of the same views, with the depth that compositors need."""


class ConditionMaker:
    """Makes the conditions of one person, frame after frame. One thread at a time.

    It forgets the previous frame by itself where nothing of it holds: another person, another number of eyes, a long
    pause, a clock set back, a view or a body that jumps. Another level of detail of the same avatar is no such
    thing: the new one is posed as the old one was.

    Args:
        rasterizer: any backend; stays the caller's to close.
        threads: that share the work outside the rasteriser.
    """

    def __init__(self, rasterizer: Rasterizer, threads: int = 1) -> None:
        self._rasterizer, self._workers = rasterizer, Workers(threads)
        self._surface: _Surface | None = None
        self._last: tuple[Moment, Past] | None = None

    def make(self, moment: Moment) -> FrameConditions:
        """The conditions of this moment; `before` has no eyes (P is 0) in the first frame after a reset.

        Raises:
            ValueError: views of several sizes, or sides that are no multiples of `MULTIPLE`.
        """
        width, height = common_size(moment.views)
        if width % MULTIPLE or height % MULTIPLE:
            raise ValueError(f"crops have sides that are multiples of {MULTIPLE}, not {width} x {height}")
        if self._surface is None or self._surface.poser is not moment.poser:
            self._surface = _Surface.of(moment.poser, self._workers)
        displacement, switch = self._change(moment)
        dense = dense_gaussians(moment.gaussians, self._surface.features, displacement)
        planes = DensePlanes.of(self._rasterizer.render(dense, [inner_view(view) for view in moment.views]))
        colors = self._rasterizer.render_color(moment.gaussians, moment.views)
        before, seen = _nothing_before(planes)
        if self._last is not None:
            before, seen = previous_places_fast(planes, moment.views, self._last[1])
        self._last = moment, Past.of(planes, moment.views)
        arrays = (
            *(np.take(colors.planes, RGBA, axis=1), self._photo(planes, width, height)),
            *(dense_condition(planes, moment.views, moment.middle), before, seen, switch),
        )
        return FrameConditions(Conditions(*(torch.from_numpy(array) for array in arrays)), colors)

    def forget(self) -> None:
        """The next frame is a first one."""
        self._last = None

    def close(self) -> None:
        """End the threads."""
        self._workers.close()

    def _change(self, moment: Moment) -> tuple[Float[np.ndarray, "N 3"], Float[np.ndarray, "E 2"]]:
        """How the Gaussians moved since the previous frame, and the modality switch; forgets it after a jump."""
        now = moment.gaussians.means
        if self._last is not None:
            last = self._last[0]
            if len(last.views) == len(moment.views) and same_person(last.poser.avatar, moment.poser.avatar):
                same = last.poser is moment.poser
                then = last.gaussians.means if same else last.shown(moment.poser.pose(last.state)).means
                motion = RigidMotion.of(then[::SAMPLE], now[::SAMPLE])
                if not is_jump(motion, last.views, moment.views, moment.time_ns - last.time_ns):
                    return now - then, modality_switch(motion, last.views, moment.views)
            self.forget()
        return np.zeros_like(now), np.zeros((len(moment.views), 2), np.float32)

    def _photo(self, planes: DensePlanes, width: int, height: int) -> Float[np.ndarray, "E 4 H W"]:
        assert self._surface is not None
        if self._surface.photo is None:
            return np.zeros((len(planes.alpha), 4, height, width), np.float32)
        return self._surface.photo.carry(planes.photo)


def same_person(a: GaussianAvatar, b: GaussianAvatar) -> bool:
    """Whether two avatars are one, perhaps with fewer Gaussians."""
    return a is b or (
        (a.name, a.body_sha256, a.provenance) == (b.name, b.body_sha256, b.provenance)
        and np.array_equal(a.betas, b.betas)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Surface:
    """What does not change while an avatar moves."""

    poser: AvatarPoser
    features: Float[np.ndarray, "N 10"]
    photo: PhotoCarrier | None

    @staticmethod
    def of(poser: AvatarPoser, workers: Workers) -> "_Surface":
        photo = poser.avatar.photo
        carrier = None if photo is None else PhotoCarrier(photo, workers)
        return _Surface(poser, surface_features(poser.avatar), carrier)


def _nothing_before(planes: DensePlanes) -> tuple[Float[np.ndarray, "E 0 2 h w"], Float[np.ndarray, "E 0 h w"]]:
    eyes, height, width = planes.alpha.shape
    return np.zeros((eyes, 0, 2, height, width), np.float32), np.zeros((eyes, 0, height, width), np.float32)
