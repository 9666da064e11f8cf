"""The conditions of a frame as a whole: what they hold, and when the frame before is forgotten."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.lod import levels_of_detail
from inperson.avatar.posing import AvatarPoser
from inperson.reconstruct.network.interface import PARTS
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.gl import GlRasterizer
from inperson.render.views import EyeView
from inperson.shader_model.conditions.maker import ConditionMaker, FrameConditions
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.interface import DENSE_CHANNELS, Conditions
from tests.shader_model.conditions.scenes import eye, gesturing

FIELDS = tuple(Conditions.__slots__)


def pair() -> tuple[EyeView, ...]:
    return tuple(eye((x, 0.3, 1.4), (0, 0.25, 0), (192, 160), half=0.3) for x in (-0.03, 0.03))


@pytest.fixture(scope="module")
def few(photographed: GaussianAvatar) -> GaussianAvatar:
    return photographed


@pytest.fixture(scope="module")
def poser(few: GaussianAvatar, body: BodyModel) -> AvatarPoser:
    return AvatarPoser(few, body)


@pytest.fixture
def maker(cpu: CpuRasterizer) -> Iterator[ConditionMaker]:
    maker = ConditionMaker(cpu)
    yield maker
    maker.close()


def moment(
    poser: AvatarPoser, seconds: float, views: tuple[EyeView, ...] | None = None, shift: float = 0.0
) -> Moment:
    state = gesturing(poser.body, seconds)
    state = replace(state, transl=np.array([shift, 0, 0], np.float32))
    return Moment(poser, state, poser.pose(state), views or pair(), round(seconds * 1e9))


def previous_eyes(frame: FrameConditions) -> int:
    """P."""
    assert frame.conditions.before.shape[1] == frame.conditions.seen_before.shape[1]
    return frame.conditions.before.shape[1]


def test_shapes_and_types(maker: ConditionMaker, poser: AvatarPoser) -> None:
    maker.make(moment(poser, 0.0))
    frame = maker.make(moment(poser, 0.03))
    c = frame.conditions
    assert tuple(c.color.shape) == tuple(c.photo.shape) == (2, 4, 160, 192)
    assert tuple(c.dense.shape) == (2, len(DENSE_CHANNELS), 40, 48)
    assert tuple(c.before.shape) == (2, 2, 2, 40, 48)
    assert tuple(c.seen_before.shape) == (2, 2, 40, 48)
    assert tuple(c.switch.shape) == (2, 2)
    for name in FIELDS:
        tensor = getattr(c, name)
        assert tensor.dtype == torch.float32
        assert tensor.is_contiguous()
        assert torch.isfinite(tensor).all(), name
    np.testing.assert_array_equal(c.color[:, 3], frame.colors.alpha)
    assert 0 <= c.seen_before.min() <= c.seen_before.max() <= 1
    assert 0 < c.switch.min() <= c.switch.max() < 1


def test_the_dense_channels_say_what_they_should(maker: ConditionMaker, poser: AvatarPoser) -> None:
    """Depth, normals and parts against what geometry says of the middle of the chest."""
    now = moment(poser, 0.0)
    dense = maker.make(now).conditions.dense.numpy()
    channel = {name: dense[:, n] for n, name in enumerate(DENSE_CHANNELS)}
    solid = channel["alpha"] > 0.99
    assert 0.2 < solid.mean() < 0.8
    for e, view in enumerate(now.views):
        to_eye = view.T_cv_from_world
        depth = now.gaussians.means @ to_eye[2, :3] + to_eye[2, 3]
        middle = now.gaussians.means.mean(axis=0) @ to_eye[2, :3] + to_eye[2, 3]
        least, most = 1 / depth.max() - 1 / middle, 1 / depth.min() - 1 / middle
        inverse = channel["inverse_depth"][e][solid[e]]
        assert least < inverse.min() < 0 < inverse.max() < most
    towards = channel["normal_z"][solid]
    assert np.median(towards) > 0.7  # what is seen faces the eye
    assert towards.max() <= 1.0 + 1e-4
    assert (channel["normal_y"][solid] > 0.4).any()
    for number, part in enumerate(PARTS):
        np.testing.assert_allclose(channel[part], channel["alpha"] * number / 7, atol=1e-5)
    for name in DENSE_CHANNELS:
        assert np.abs(channel[name][channel["alpha"] == 0]).max() == 0, name


def test_without_photo_and_parts_there_are_zeros(maker: ConditionMaker, few: GaussianAvatar, body: BodyModel) -> None:
    plain = AvatarPoser(replace(few, photo=None, features=few.features[:, :0]), body)
    c = maker.make(moment(plain, 0.0)).conditions
    assert c.photo.abs().max() == 0
    assert c.dense[:, DENSE_CHANNELS.index("skin") :].abs().max() == 0
    assert c.dense[:, 0].max() > 0.99


def test_the_first_frame_has_nothing_before_it_and_forgetting_makes_a_first_one(
    maker: ConditionMaker, poser: AvatarPoser
) -> None:
    first = maker.make(moment(poser, 0.0))
    assert previous_eyes(first) == 0
    assert first.conditions.switch.abs().max() == 0
    assert previous_eyes(maker.make(moment(poser, 0.03))) == 2
    maker.forget()
    again = maker.make(moment(poser, 0.0))
    for name in FIELDS:
        assert torch.equal(getattr(again.conditions, name), getattr(first.conditions, name)), name


def test_what_does_not_go_on_is_forgotten(
    maker: ConditionMaker, poser: AvatarPoser, few: GaussianAvatar, body: BodyModel
) -> None:
    other = AvatarPoser(replace(few, name="someone else"), body)
    far = tuple(replace(v, T_world_from_eye=v.T_world_from_eye + np.eye(4)[3] * 0) for v in pair())
    for view in far:
        view.T_world_from_eye[0, 3] += 0.7
    breaks = {
        "a pause": moment(poser, 0.6),
        "an earlier time": moment(poser, -0.1),
        "another person": moment(other, 0.03),
        "one eye": moment(poser, 0.03, pair()[:1]),
        "a teleported view": moment(poser, 0.03, far),
        "a teleported body": moment(poser, 0.03, shift=0.6),
    }
    for what, after in breaks.items():
        maker.forget()
        maker.make(moment(poser, 0.0))
        assert previous_eyes(maker.make(after)) == 0, what
        following = replace(after, time_ns=after.time_ns + 10_000_000)
        assert previous_eyes(maker.make(following)) == len(after.views), what


def test_another_level_of_detail_is_the_same_person(
    maker: ConditionMaker, poser: AvatarPoser, few: GaussianAvatar, body: BodyModel
) -> None:
    """Half the Gaussians from one frame to the next: the motion is what it would have been."""
    level = AvatarPoser(levels_of_detail(few, body, levels=2)[1], body)
    maker.make(moment(poser, 0.0))
    steady = maker.make(moment(poser, 0.03)).conditions
    maker.forget()
    maker.make(moment(poser, 0.0))
    changed = maker.make(moment(level, 0.03)).conditions
    assert changed.before.shape == steady.before.shape
    solid = (steady.dense[:, 0] > 0.99) & (changed.dense[:, 0] > 0.99)
    apart = (changed.before - steady.before).abs().amax(dim=(1, 2))[solid]
    assert apart.quantile(0.95) < 0.7
    np.testing.assert_allclose(changed.switch, steady.switch, atol=0.05)


def test_a_crop_that_moves_is_followed(maker: ConditionMaker, poser: AvatarPoser) -> None:
    """The same eye through a crop 16 pixels further right: all that changes is where things were in the last one."""
    view = pair()[0]
    across = (np.tan(view.angle_right) - np.tan(view.angle_left)) / view.width
    moved = replace(
        view,
        angle_left=float(np.arctan(np.tan(view.angle_left) + 16 * across)),
        angle_right=float(np.arctan(np.tan(view.angle_right) + 16 * across)),
    )
    maker.make(moment(poser, 0.0, (view,)))
    c = maker.make(replace(moment(poser, 0.0, (moved,)), time_ns=1)).conditions
    solid = c.dense[0, 0] > 0.5
    rows, columns = np.mgrid[:40, :48] * 4.0 + 2.0
    np.testing.assert_allclose(c.before[0, 0, 0][solid], (columns + 16)[solid], atol=0.02)
    np.testing.assert_allclose(c.before[0, 0, 1][solid], rows[solid], atol=0.02)
    assert c.switch.abs().max() < 1e-6


def test_backends_agree(cpu: CpuRasterizer, poser: AvatarPoser) -> None:
    gl = GlRasterizer()
    frames = []
    for rasterizer in (cpu, gl):
        maker = ConditionMaker(rasterizer)
        maker.make(moment(poser, 0.0))
        frames.append(maker.make(moment(poser, 0.03)).conditions)
        maker.close()
    gl.close()
    one, other = frames
    np.testing.assert_allclose(other.color, one.color, atol=5e-3)
    np.testing.assert_allclose(other.dense, one.dense, atol=5e-3)
    solid = (one.dense[:, 0] > 0.9)[:, None, None].expand_as(one.before)
    np.testing.assert_allclose(other.before[solid], one.before[solid], atol=0.05)


@pytest.mark.parametrize("size", [(100, 96), (96, 100)])
def test_sizes_the_network_cannot_take_are_refused(
    maker: ConditionMaker, poser: AvatarPoser, size: tuple[int, int]
) -> None:
    with pytest.raises(ValueError, match="multiples of 32"):
        maker.make(moment(poser, 0.0, (eye(size=size),)))
