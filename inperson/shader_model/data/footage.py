"""Windows of real people: a clip's first frame becomes an avatar, which re-enacts the clip beside the truth."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.reconstruct.create import CreateSettings, create_avatar
from inperson.reconstruct.evaluation.anchoring import anchors_of
from inperson.reconstruct.evaluation.footage import read_footage, watch
from inperson.reconstruct.evaluation.reenact import drive, live_tracker
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.scene.crop import PixelRectangle, sub_view
from inperson.render.views import EyeView
from inperson.shader_model.conditions.maker import ConditionMaker
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.data.recipe import FootageRecipe
from inperson.shader_model.data.window import Window


@dataclass(frozen=True, slots=True, eq=False)
class Reenacted:
    """A clip, an avatar of who is in it, and its pose in every frame as the live tracker gave it."""

    name: str
    avatar: GaussianAvatar
    body: BodyModel
    view: EyeView
    """The clip's camera."""
    cut_outs: Sequence[UInt8[np.ndarray, "H W 4"]]
    """The person in every frame, premultiplied."""
    states: Sequence[BodyState]


def reenacted(path: Path, told: Callable[[int], None] = lambda frames: None) -> Reenacted:
    """Make and drive the avatar, as `create --fast` and `live` do.

    Args:
        path: of a clip.
        told: the number of frames that have been looked at.

    Raises:
        BadInputError: not a clip, too short a one, or a first frame that is not fit for making an avatar.
        MissingModelError: model files or weights are not there.
    """
    footage = read_footage(path)
    created = create_avatar(footage.photo, CreateSettings(fast=True))
    seen = watch(footage, created.fit.view.intrinsics, told)
    tracker = live_tracker(created.surface, anchors_of(created, footage.photo.image))
    states, _ = drive(tracker, seen)
    fit = created.fit
    return Reenacted(path.stem, created.avatar, fit.body, fit.view, [s.cut_out for s in seen], states)


def footage_windows(clip: Reenacted, how: FootageRecipe, rng: np.random.Generator) -> Iterator[Window]:
    """Windows of a clip: squares of its frames about points of the person, never enlarged.

    Raises:
        BadInputError: a clip that is shorter than a window, or smaller.
    """
    height, width = clip.cut_outs[0].shape[:2]
    if len(clip.states) <= how.frames or min(height, width) < how.size:
        least = f"give one of {how.frames + 1} frames and {how.size} pixels, or more"
        raise BadInputError(f"clip {clip.name} is too short or too small", least)
    poser, rasterizer = AvatarPoser(clip.avatar, clip.body), CpuRasterizer(1)
    maker = ConditionMaker(rasterizer)
    for number in range(how.windows):
        # the first frame made the avatar: it would be too easy
        first = int(rng.integers(1, len(clip.states) - how.frames + 1))
        square = _square(clip.cut_outs[first][..., 3], how.size, rng)
        view = replace(sub_view(clip.view, square), width=how.size, height=how.size)
        conditions, truth = [], []
        maker.forget()
        frames = slice(first, first + how.frames)
        for cut_out, state in zip(clip.cut_outs[frames], clip.states[frames], strict=True):
            gaussians = poser.pose(state, view.T_world_from_eye[:3, 3])
            moment = Moment(poser, state, gaussians, (view,), state.time_ns)
            conditions.append(maker.make(moment).conditions)
            truth.append(_reduced(cut_out, square, how.size)[None])
        yield Window(f"{clip.name}w{number:02d}", tuple(conditions), torch.from_numpy(np.stack(truth)))
    maker.close()
    rasterizer.close()
    poser.close()


def _square(alpha: UInt8[np.ndarray, "H W"], least: int, rng: np.random.Generator) -> PixelRectangle:
    """About a random point of the person; inside the picture."""
    height, width = alpha.shape
    side = int(rng.integers(least, min(height, width) + 1))
    ys, xs = np.nonzero(alpha > 127)
    point = rng.integers(max(len(ys), 1))
    y, x = (ys[point], xs[point]) if len(ys) else (height // 2, width // 2)
    top, left = (min(max(int(c) - side // 2, 0), most - side) for c, most in ((y, height), (x, width)))
    return PixelRectangle(left, top, side, side)


def _reduced(rgba: UInt8[np.ndarray, "H W 4"], square: PixelRectangle, size: int) -> Float[np.ndarray, "4 S S"]:
    part = rgba[square.top : square.bottom, square.left : square.right]
    reduced = cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA)
    return np.moveaxis(reduced, -1, 0).astype(np.float32) / 255.0
