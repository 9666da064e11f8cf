"""Windows of a synthetic person, frame by frame: what the shader is told, and what the eyes would truly see."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from inperson.avatar.body import BodyModel
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.render.gbuffer import Rasterizer
from inperson.render.views import EyeView
from inperson.shader_model.conditions.maker import ConditionMaker
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.data.cameras import CameraPath, sample_path
from inperson.shader_model.data.motions import sample_motion
from inperson.shader_model.data.recipe import FramingRecipe, MotionRecipe
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.evaluation.regions import regions_of
from inperson.shader_model.interface import Conditions
from inperson.synthetic.stage import Stage


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """What is shown of each person."""

    frames: int = 12
    """Of a window."""
    fps: float = 30.0
    size: int = 512
    """Side of the crops, pixels."""
    windows: int = 3
    """The first one for two eyes, the rest for one."""
    motion: MotionRecipe = field(default_factory=MotionRecipe)
    framing: FramingRecipe = field(default_factory=FramingRecipe)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One moment, seen by E eyes."""

    window: int
    number: int
    """Within the window, from 0: that one follows a reset."""
    moment: Moment
    conditions: Conditions
    truth: Float[Tensor, "E 4 H W"]
    """Premultiplied colour and alpha."""
    regions: UInt8[np.ndarray, "E H W"]
    """`Region`."""


@dataclass(frozen=True, slots=True, eq=False)
class Act:
    """What a person does in a window, and who looks on. T frames."""

    states: tuple[BodyState, ...]
    path: CameraPath


def sample_act(subject: Subject, how: WindowSettings, stereo: bool, rng: np.random.Generator) -> Act:
    """As training's windows are drawn."""
    states = sample_motion(subject.person, how.frames, how.fps, how.motion, rng)
    middle = subject.person.posed(states[len(states) // 2])
    framing = replace(how.framing, stereo=float(stereo))
    return Act(states, sample_path(middle.pose.body.joints, framing, how.motion, rng))


def frames_of(
    subject: Subject,
    body: BodyModel,
    stage: Stage,
    rasterizer: Rasterizer,
    how: WindowSettings,
    rng: np.random.Generator,
) -> Iterator[Frame]:
    """All frames of all windows of one person. The avatar is posed exactly: what is scored is the picture and not
    the tracker's errors.

    Args:
        body: that the avatar is bound to.
        stage: draws the truth.
        rasterizer: draws the avatar.
    """
    poser, maker = AvatarPoser(subject.avatar, body), ConditionMaker(rasterizer)
    for window in range(how.windows):
        act = sample_act(subject, how, stereo=window == 0, rng=rng)
        maker.forget()
        for number, state in enumerate(act.states):
            views = act.path.views(state.time_ns * 1e-9, how.size)
            moment = Moment(poser, state, poser.pose(state), views, state.time_ns)
            conditions = maker.make(moment).conditions
            truth, regions = seen_truly(subject, stage, state, views, conditions.color[:, 3].numpy())
            yield Frame(window, number, moment, conditions, truth, regions)
    maker.close()
    poser.close()


def seen_truly(
    subject: Subject,
    stage: Stage,
    state: BodyState,
    views: tuple[EyeView, ...],
    drawn: Float[np.ndarray, "E H W"],
) -> tuple[Float[Tensor, "E 4 H W"], UInt8[np.ndarray, "E H W"]]:
    """What the eyes would see, and what each pixel belongs to.

    Args:
        drawn: alpha of the avatar in the same views.

    Returns:
        Premultiplied colour and alpha, and `Region`.
    """
    posed = subject.person.posed(state)
    stage.set_scene(posed, subject.light)
    pictures, regions = [], []
    for view, alpha in zip(views, drawn, strict=True):
        shot = stage.shoot(view)
        assert shot.geometry is not None
        joints = posed.pose.body.joints
        regions.append(regions_of(shot.geometry, view, joints, shot.mask > 127, alpha > 0.5))
        rgba = np.concatenate([shot.rgb, shot.mask[..., None]], axis=-1)
        pictures.append(np.moveaxis(rgba, -1, 0).astype(np.float32) / 255.0)
    return torch.from_numpy(np.stack(pictures)), np.stack(regions)
