"""Windows of a clip that shows the avatar itself: render and truth are one picture."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.avatar.posing import AvatarPoser
from inperson.errors import BadInputError
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.views import EyeView, look_at
from inperson.shader_model.data.footage import Reenacted, footage_windows
from inperson.shader_model.data.motions import sample_motion
from inperson.shader_model.data.recipe import FootageRecipe, MotionRecipe
from tests.shader_model.data.test_windows import PERSON, skin_avatar

HOW = FootageRecipe(windows=3, frames=3, size=64)


@pytest.fixture(scope="module")
def clip() -> Reenacted:
    """A gesturing bare person before a camera of 160 x 120 pixels."""
    states = sample_motion(PERSON, 6, 30.0, MotionRecipe(still_body=0.0, turning=0.0), np.random.default_rng(1))
    eye = look_at(np.array([0.0, 0.1, 2.0]), np.array([0.0, 0.1, 0.0]))
    view = EyeView(eye, -0.4, 0.4, 0.31, -0.31, 160, 120)
    poser, rasterizer = AvatarPoser(skin_avatar(), PERSON.body), CpuRasterizer(1)
    cut_outs = []
    for state in states:
        drawn = rasterizer.render_color(poser.pose(state, eye[:3, 3]), [view])
        rgba = np.concatenate([drawn.rgb[0], drawn.alpha[0][..., None]], axis=2)
        cut_outs.append(np.rint(255 * rgba.clip(0, 1)).astype(np.uint8))
    avatar, body = poser.avatar, PERSON.body
    poser.close()
    rasterizer.close()
    return Reenacted("mirror", avatar, body, view, cut_outs, states)


def test_every_window_lies_on_its_truth(clip: Reenacted) -> None:
    windows = list(footage_windows(clip, HOW, np.random.default_rng(2)))
    assert [w.name for w in windows] == ["mirrorw00", "mirrorw01", "mirrorw02"]
    for window in windows:
        assert window.truth.shape == (3, 1, 4, 64, 64)
        assert window.truth[:, :, 3].max() > 0.9
        for truth, conditions in zip(window.truth, window.conditions, strict=True):
            apart = (conditions.color - truth).abs()
            assert apart.mean() < 0.02  # one was drawn small, the other reduced
            assert (apart > 0.25).float().mean() < 0.02
        assert window.conditions[0].before.shape[1] == 0
        assert window.conditions[1].seen_before.max() > 0.9


def test_the_same_seed_gives_the_same_windows(clip: Reenacted) -> None:
    once, twice, other = (next(footage_windows(clip, HOW, np.random.default_rng(seed))) for seed in (5, 5, 6))
    assert (once.truth == twice.truth).all()
    assert (once.truth != other.truth).any()


def test_a_clip_that_holds_no_window_is_refused(clip: Reenacted) -> None:
    with pytest.raises(BadInputError, match=r"mirror.*7 frames"):
        next(footage_windows(clip, replace(HOW, frames=6), np.random.default_rng(0)))
    with pytest.raises(BadInputError, match="128 pixels"):
        next(footage_windows(clip, replace(HOW, size=128), np.random.default_rng(0)))
