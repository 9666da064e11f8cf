"""One person who gestures and talks for minutes on end, shaded frame after frame without a reset."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from inperson.avatar.body import JOINT_NAMES, BodyModel
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.reconstruct.perceptual import Perceptual
from inperson.render.gbuffer import Rasterizer
from inperson.render.views import EyeView
from inperson.shader_model.conditions.maker import ConditionMaker
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.data.cameras import CameraPath
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.evaluation.carrying import GREY_LEVELS
from inperson.shader_model.evaluation.drift import BLOCK
from inperson.shader_model.evaluation.pictures import fine_energy, over_grey
from inperson.shader_model.interface import DENSE_CHANNELS, INNER, Conditions
from inperson.shader_model.stream import ShaderStream
from inperson.synthetic.motion.scripts import random_gestures
from inperson.synthetic.motion.upper_body import perform

SIZE = 256
"""Side of the crops, pixels."""
FPS = 30.0
PARTS = ("skin", "cloth", "hair")
LAP = 5000
"""Frames of the motion, which is played forwards and backwards in turn: 20,000 frames end in the poses they began in,
and nothing ever jumps."""
LOOK_EVERY = 10
"""Frames between looks at what costs more to measure."""
ACROSS, DISTANCE = 1.1, 1.3
"""Metres: what the crop covers, and from how far."""
SWAY = 0.35
"""Radians by which the camera goes to either side. Once in `BLOCK` frames: every block sees the same views."""


@dataclass(frozen=True, slots=True, eq=False)
class LongRun:
    """T frames."""

    series: dict[str, Float[np.ndarray, " T"]]
    """How the refined picture differs from the plain render: `red_skin`, ... (grey levels, mean over a part),
    `contrast` (grey levels); and, NaN between looks, `fine` (logarithm of the ratio of fine detail's energies) and
    `perceptual`."""
    resets: int
    """Frames in which nothing was remembered; the first is one."""


def run_long(
    subject: Subject,
    body: BodyModel,
    rasterizer: Rasterizer,
    stream: ShaderStream,
    perceptual: Perceptual,
    frames: int,
    rng: np.random.Generator,
    told: Callable[[int], None] = lambda frame: None,
) -> LongRun:
    """Shade `frames` frames of one person.

    Args:
        body: that the avatar is bound to.
        told: the number of frames so far.
    """
    poser, maker = AvatarPoser(subject.avatar, body), ConditionMaker(rasterizer)
    rows: list[dict[str, float]] = []
    resets = 0
    stream.forget()
    for number, (state, views) in enumerate(_performance(subject, frames, rng)):
        moment = Moment(poser, state, poser.pose(state), views, state.time_ns)
        conditions = maker.make(moment).conditions
        shaded = stream.shade(conditions)
        resets += conditions.before.shape[1] == 0
        row = picture_statistics(shaded, conditions)
        if number % LOOK_EVERY == 0:
            row |= {"perceptual": _distance(perceptual, shaded, conditions.color), "fine": _fine(shaded, conditions)}
        rows.append(row)
        told(number + 1)
    maker.close()
    poser.close()
    names = rows[0]
    return LongRun({name: np.array([row.get(name, np.nan) for row in rows]) for name in names}, resets)


def picture_statistics(shaded: Float[Tensor, "E 4 H W"], conditions: Conditions) -> dict[str, float]:
    """How a refined picture differs from the render in every frame; NaN where a part is not seen."""
    plain = conditions.color
    off = GREY_LEVELS * F.avg_pool2d((shaded - plain)[:, :3], INNER)
    out: dict[str, float] = {}
    for part in PARTS:
        share = conditions.dense[:, DENSE_CHANNELS.index(part), None].clamp(0.0, 1.0)
        weight = float(share.sum())
        means = (off * share).sum(dim=(0, 2, 3)) / weight if weight > 1.0 else torch.full((3,), torch.nan)
        out |= {f"{channel}_{part}": float(x) for channel, x in zip(("red", "green", "blue"), means, strict=True)}
    inside = plain[:, 3] > 0.5
    luma = [over_grey(x).mean(dim=1)[inside] for x in (shaded, plain)]
    out["contrast"] = GREY_LEVELS * float(luma[0].std() - luma[1].std())
    return out


def _performance(
    subject: Subject, frames: int, rng: np.random.Generator
) -> Iterator[tuple[BodyState, tuple[EyeView, ...]]]:
    """States of somebody's gestures and talk, and a camera that goes from side to side."""
    seconds = min(frames, LAP) / FPS + 1.0
    states = perform(subject.person, random_gestures(rng, seconds), FPS, seed=int(rng.integers(2**31))).states[:LAP]
    neck = subject.person.posed(states[0]).pose.body.joints[JOINT_NAMES.index("neck")]
    nowhere = np.zeros(3)
    for number in range(frames):
        lap, place = divmod(number, len(states))
        state = states[place if lap % 2 == 0 else -1 - place]
        azimuth = SWAY * float(np.sin(2.0 * np.pi * number / BLOCK))
        path = CameraPath(neck, azimuth, 0.0, DISTANCE, ACROSS, nowhere, 0.0, nowhere, (0.0,))
        yield replace(state, time_ns=round(number * 1e9 / FPS)), path.views(0.0, SIZE)


def _fine(shaded: Float[Tensor, "E 4 H W"], conditions: Conditions) -> float:
    """Logarithm of the energy of fine detail in that of the render; NaN where there is none."""
    inside = (conditions.color[:, 3] > 0.5).numpy()
    energy, plain = (fine_energy(over_grey(x), inside) for x in (shaded, conditions.color))
    return float(np.log(energy / plain)) if min(energy, plain) > 0.0 else float("nan")


def _distance(perceptual: Perceptual, shaded: Float[Tensor, "E 4 H W"], plain: Float[Tensor, "E 4 H W"]) -> float:
    mask = (plain[:, 3:] > 0.5).float()
    with torch.inference_mode():
        return float(perceptual.distance(over_grey(shaded), over_grey(plain), mask).mean())
