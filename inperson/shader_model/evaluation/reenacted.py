"""Real people's clips by self-reenactment, plain and shaded: as `inperson evaluate reenact`, with the live model.

An avatar is made from a clip's first frame, the rest is tracked live, the avatar is drawn in the tracked states with
the clip's camera, refined, and set before a clean plate.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.reconstruct.create import Created, CreateSettings, create_avatar
from inperson.reconstruct.evaluation.anchoring import anchors_of
from inperson.reconstruct.evaluation.footage import SeenFrame, read_footage, watch
from inperson.reconstruct.evaluation.pictures import PictureScore, RealPicture, score_picture, to_float
from inperson.reconstruct.evaluation.plate import background_plate
from inperson.reconstruct.evaluation.reenact import drive, live_tracker
from inperson.reconstruct.perceptual import Perceptual
from inperson.render.gbuffer import Rasterizer
from inperson.render.scene.crop import PixelRectangle
from inperson.shader_model.conditions.crop import PersonCropper
from inperson.shader_model.conditions.maker import ConditionMaker
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.evaluation.pictures import fine_energy, well_inside
from inperson.shader_model.stream import ShaderStream

METHODS = ("plain", "shaded")


@dataclass(frozen=True, slots=True)
class ReenactedClip:
    """Means over the scored frames of one clip, made one way."""

    psnr: float
    """dB inside the union of the real and the drawn person, as everything here."""
    ssim: float
    perceptual: float
    sharpness: float
    """Energy of fine detail, in that of the real frames."""
    iou: float
    hands: float

    def to_dict(self) -> dict[str, float]:
        """By name."""
        return asdict(self)


def reenact_shaded(
    path: Path,
    create: CreateSettings,
    rasterizer: Rasterizer,
    stream: ShaderStream,
    perceptual: Perceptual,
    every: int,
    told: Callable[[str], None],
) -> dict[str, ReenactedClip]:
    """One clip, by `METHODS`. All frames are shaded, every `every`-th is scored, from the second on.

    Raises:
        BadInputError: not a clip, too short a one, or its first frame is not fit for making an avatar.
        MissingModelError: model files or weights are not there.
    """
    footage = read_footage(path)
    told("making the avatar")
    created = create_avatar(footage.photo, create)
    told("tracking")
    seen = watch(footage, created.fit.view.intrinsics)
    states, _ = drive(live_tracker(created.surface, anchors_of(created, footage.photo.image)), seen)
    told("shading")
    pictures = _draw(created, states, [frame.frame.time_ns for frame in seen], rasterizer, stream)
    told("scoring")
    return _score(pictures, seen, range(1, len(seen), every), perceptual)


Pictures = dict[str, list[Float[np.ndarray, "H W 4"]]]
"""Of every frame by `METHODS`: premultiplied colour and alpha in the clip's own pixels."""


def _draw(
    created: Created, states: Sequence[BodyState], times: Sequence[int], rasterizer: Rasterizer, stream: ShaderStream
) -> Pictures:
    poser, maker, cropper = AvatarPoser(created.avatar, created.fit.body), ConditionMaker(rasterizer), PersonCropper()
    view = created.fit.view
    pictures: Pictures = {name: [] for name in METHODS}
    stream.forget()
    for state, time_ns in zip(states, times, strict=True):
        posed = poser.pose(state, view.T_world_from_eye[:3, 3])
        crop = cropper.crop(posed, [view])
        if crop is None:  # nobody in the picture
            maker.forget()
            for frames in pictures.values():
                frames.append(np.zeros((view.height, view.width, 4), np.float32))
            continue
        conditions = maker.make(Moment(poser, state, posed, crop.views, time_ns)).conditions
        for name, rgba in (("plain", conditions.color), ("shaded", stream.shade(conditions))):
            pictures[name].append(pasted(rgba[0].numpy(), crop.rectangles[0], view.height, view.width))
    maker.close()
    poser.close()
    return pictures


def pasted(
    rgba: Float[np.ndarray, "4 G V"], where: PixelRectangle, height: int, width: int
) -> Float[np.ndarray, "H W 4"]:
    """A crop in an otherwise empty picture; what reaches beyond it is cut off."""
    out = np.zeros((height, width, 4), np.float32)
    top, left = max(where.top, 0), max(where.left, 0)
    bottom, right = min(where.bottom, height), min(where.right, width)
    inside = rgba[:, top - where.top : bottom - where.top, left - where.left : right - where.left]
    out[top:bottom, left:right] = np.moveaxis(inside, 0, -1)
    return out


def _score(
    pictures: Pictures, seen: Sequence[SeenFrame], rows: Sequence[int], perceptual: Perceptual
) -> dict[str, ReenactedClip]:
    plate = background_plate([s.frame.image for s in seen], [s.alpha for s in seen])
    scores: dict[str, list[PictureScore]] = {name: [] for name in METHODS}
    fine, true_fine = dict.fromkeys(METHODS, 0.0), dict.fromkeys(METHODS, 0.0)
    for row in rows:
        frame = seen[row]
        truth = RealPicture(to_float(frame.frame.image), frame.alpha > 127, frame.observation)
        for name, frames in pictures.items():
            rgba = frames[row]
            drawn = np.clip(rgba[..., :3] + (1 - rgba[..., 3:]) * plate, 0, 1)
            scores[name].append(score_picture(drawn, rgba[..., 3] > 0.5, truth, perceptual))
            well = well_inside(np.minimum(rgba[..., 3], to_float(frame.alpha))[None])
            fine[name] += fine_energy(_planes(drawn), well)
            true_fine[name] += fine_energy(_planes(truth.image), well)
    return {
        name: ReenactedClip(
            **{field: _mean([getattr(s, field) for s in each]) for field in ("psnr", "ssim", "perceptual", "iou")},
            hands=_mean([s.hands for s in each]),
            sharpness=fine[name] / true_fine[name] if true_fine[name] else float("nan"),
        )
        for name, each in scores.items()
    }


def _planes(image: Float[np.ndarray, "H W 3"]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), np.float32))[None]


def _mean(values: Sequence[float]) -> float:
    known = [v for v in values if np.isfinite(v)]
    return float(np.mean(known)) if known else float("nan")
