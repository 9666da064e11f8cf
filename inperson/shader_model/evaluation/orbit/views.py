"""A synthetic person who stands still, seen from all around: what the shader is told, and what is truly seen."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from inperson.avatar.body import JOINT_NAMES, BodyModel
from inperson.avatar.posing import AvatarPoser
from inperson.errors import BadInputError
from inperson.render.gbuffer import Rasterizer
from inperson.shader_model.conditions.change import FARTHEST_STEP
from inperson.shader_model.conditions.maker import ConditionMaker
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.data.cameras import CameraPath
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.evaluation.frames import seen_truly
from inperson.shader_model.interface import MULTIPLE, Conditions
from inperson.shader_model.teacher.sequence import closed_conditions
from inperson.synthetic.snapshots import sample_state
from inperson.synthetic.stage import Stage

AIM = "neck"
"""The joint that the camera goes around: the crop then holds a person from above the head to the waist."""
ACROSS, DISTANCE = 1.1, 1.3
"""Metres: what the crop covers, and from how far."""
LEAST_VIEWS = math.ceil(math.pi / math.asin(0.5 * FARTHEST_STEP / DISTANCE))
"""With fewer, the camera goes so far from view to view that it counts as a cut, and nothing is remembered."""


@dataclass(frozen=True, slots=True)
class OrbitSettings:
    """From where a person is seen."""

    views: int = 24
    size: int = 256
    """Side of the crops, pixels; the teacher is trained on 256."""
    fps: float = 30.0
    """Views a second: how fast the camera goes around."""

    def __post_init__(self) -> None:
        if self.views < LEAST_VIEWS:
            what = f"{self.views} views are too few: each would be a cut to another camera"
            raise BadInputError(what, f"ask for at least {LEAST_VIEWS}")
        if self.size < MULTIPLE or self.size % MULTIPLE:
            raise BadInputError(f"crops of {self.size} pixels", f"give a multiple of {MULTIPLE}")


class Side(StrEnum):
    """From where, in thirds of the way from face to back."""

    FRONT = "front"
    """60 degrees to either side at most."""
    SIDE = "side"
    BACK = "back"
    """From 120 degrees on."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One picture of an orbit, of one eye."""

    angle: float
    """Of the camera from the person's front, which is the photo's side, radians from 0 to 2 pi."""
    conditions: Conditions
    """Of somebody who has gone around before."""
    truth: Float[Tensor, "1 4 H W"]
    """Premultiplied colour and alpha."""
    regions: UInt8[np.ndarray, "1 H W"]
    """`Region`."""

    @property
    def side(self) -> Side:
        """Which third it is in."""
        away = abs(math.remainder(self.angle, math.tau)) / (math.pi / 3) - 1.0
        return Side.FRONT if away < 1e-6 else Side.SIDE if away < 1.0 - 1e-6 else Side.BACK


@dataclass(frozen=True, slots=True, eq=False)
class Orbit:
    """N views, the last of which is followed by the first: face to face."""

    begin: Conditions
    """The first view's, of somebody who has seen nothing before."""
    views: tuple[View, ...]

    @property
    def closed(self) -> list[Conditions]:
        """Of a lap that follows another."""
        return [view.conditions for view in self.views]

    @property
    def opened(self) -> list[Conditions]:
        """Of the first lap."""
        return [self.begin, *self.closed[1:]]

    @property
    def angles(self) -> list[float]:
        """Of each view."""
        return [view.angle for view in self.views]

    @property
    def truth(self) -> Float[Tensor, "N 1 4 H W"]:
        """Of all views."""
        return torch.stack([view.truth for view in self.views])


def orbit_of(
    subject: Subject,
    body: BodyModel,
    stage: Stage,
    rasterizer: Rasterizer,
    how: OrbitSettings,
    rng: np.random.Generator,
) -> Orbit:
    """A camera goes evenly around a person in one pose. The avatar is posed exactly.

    Args:
        body: that the avatar is bound to.
        stage: draws the truth.
        rasterizer: draws the avatar.
        rng: draws the pose.
    """
    poser, maker = AvatarPoser(subject.avatar, body), ConditionMaker(rasterizer)
    moments = _moments(subject, poser, how, rng)
    begin = maker.make(moments[0]).conditions
    closed = closed_conditions(maker, moments, round(1e9 / how.fps))
    views = []
    for number, (moment, told) in enumerate(zip(moments, closed, strict=True)):
        drawn = told.color[:, 3].numpy()
        truth, regions = seen_truly(subject, stage, moment.state, moment.views, drawn)
        views.append(View(math.tau * number / how.views, told, truth, regions))
    maker.close()
    poser.close()
    return Orbit(begin, tuple(views))


def path_around(aim: Float[np.ndarray, "3"], how: OrbitSettings) -> CameraPath:
    """The camera's way around a point: before it at first, then towards its +x, all around in `views` views."""
    nowhere = np.zeros(3)
    return CameraPath(
        aim=aim,
        azimuth=0.0,
        elevation=0.0,
        distance=DISTANCE,
        across=ACROSS,
        gaze=nowhere,
        turning=math.tau * how.fps / how.views,
        drift=nowhere,
        offsets=(0.0,),
    )


def _moments(subject: Subject, poser: AvatarPoser, how: OrbitSettings, rng: np.random.Generator) -> list[Moment]:
    """Of a pose that somebody has their picture taken in."""
    state = sample_state(subject.person, rng)
    gaussians = poser.pose(state)
    path = path_around(subject.person.posed(state).pose.body.joints[JOINT_NAMES.index(AIM)], how)
    moments = []
    for number in range(how.views):
        seconds = number / how.fps
        now = replace(state, time_ns=round(1e9 * seconds))
        moments.append(Moment(poser, now, gaussians, path.views(seconds, how.size), now.time_ns))
    return moments
