"""From a subject to windows: something moves, the avatar is drawn as a tracker would have it, the truth as it was."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.views import EyeView
from inperson.shader_model.conditions.maker import ConditionMaker
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.data.cameras import sample_path
from inperson.shader_model.data.motions import sample_motion
from inperson.shader_model.data.recipe import WindowRecipe
from inperson.shader_model.data.subjects import Subject
from inperson.shader_model.data.tracking_error import tracked
from inperson.shader_model.data.window import Window
from inperson.synthetic.stage import Stage


def make_windows(
    subject: Subject, body: BodyModel, stage: Stage, how: WindowRecipe, count: int, rng: np.random.Generator
) -> Iterator[Window]:
    """Windows of one person. The same generator's state gives the same pixels.

    Args:
        body: that the avatar is bound to.
        stage: draws the truth.
    """
    poser, rasterizer = AvatarPoser(subject.avatar, body), CpuRasterizer(1)
    maker = ConditionMaker(rasterizer)
    for number in range(count):
        states = sample_motion(subject.person, how.frames, how.fps, how.motion, rng)
        middle = subject.person.posed(states[len(states) // 2])
        path = sample_path(middle.pose.body.joints, how.framing, how.motion, rng)
        exact = rng.random() < how.tracking.exact
        told = states if exact else tracked(states, how.tracking, how.fps, rng)
        conditions, truth = [], []
        maker.forget()
        for true_state, told_state in zip(states, told, strict=True):
            views = path.views(true_state.time_ns * 1e-9, how.size)
            truth.append(_truth(subject, stage, true_state, views))
            moment = Moment(poser, told_state, poser.pose(told_state), views, true_state.time_ns)
            conditions.append(maker.make(moment).conditions)
        yield Window(f"{subject.person.name}w{number:02d}", tuple(conditions), torch.from_numpy(np.stack(truth)))
    maker.close()
    rasterizer.close()
    poser.close()


def _truth(
    subject: Subject, stage: Stage, state: BodyState, views: tuple[EyeView, ...]
) -> Float[np.ndarray, "E 4 H W"]:
    """What the eyes would truly see."""
    stage.set_scene(subject.person.posed(state), subject.light)
    out = []
    for view in views:
        picture = stage.shoot(view, geometry=False)
        rgba = np.concatenate([picture.rgb, picture.mask[..., None]], axis=-1)
        out.append(np.moveaxis(rgba, -1, 0).astype(np.float32) / 255.0)
    return np.stack(out)
