"""Each function on tensors against its plain form, and against geometry."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.avatar.gaussians import ReferencePhoto
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.views import EyeView
from inperson.shader_model.conditions.channels import (
    NUM_FEATURES,
    DensePlanes,
    dense_condition,
    dense_gaussians,
    inner_view,
)
from inperson.shader_model.conditions.motion import Past, previous_places, surface_slope
from inperson.shader_model.conditions.on_device.eyes import Eyes
from inperson.shader_model.conditions.on_device.motion import places_on_device, slope_on_device
from inperson.shader_model.conditions.on_device.photo import DevicePhoto, stride_on_device
from inperson.shader_model.conditions.on_device.planes import dense_on_device
from inperson.shader_model.conditions.photo import PhotoPyramid, carry_photo, usual_stride
from inperson.shader_model.interface import INNER
from tests.avatar.made_up import made_up_photo
from tests.shader_model.conditions.elsewhere import as_tensors, past_as_tensors
from tests.shader_model.conditions.scenes import card, eye, pixels_of, planes_of_wall, together

angle = st.floats(-0.1, 0.1)
metres = st.floats(-0.05, 0.05)


def eyes_of(now: list[EyeView], then: tuple[EyeView, ...] = (), middle: tuple[float, ...] = (0, 0, 0)) -> Eyes:
    return Eyes.of(now, then, np.array(middle), np.zeros((len(now), 2), np.float32), torch.from_numpy)


def places(planes: DensePlanes, views: list[EyeView], past: Past) -> tuple[np.ndarray, np.ndarray]:
    before, seen = places_on_device(as_tensors(planes), eyes_of(views, past.views), past_as_tensors(past))
    return before.numpy(), seen.numpy()


@settings(max_examples=40)
@given(
    turn=st.tuples(angle, angle, angle),
    step=st.tuples(metres, metres, metres),
    moved=st.tuples(metres, metres, metres),
    lean=st.tuples(angle, angle, angle),
)
def test_a_wall_moves_as_geometry_says(turn: tuple, step: tuple, moved: tuple, lean: tuple) -> None:
    view = eye()
    planes, points = planes_of_wall(view, Rotation.from_rotvec(lean).apply([0, 0, 1.0]), np.zeros(3))
    displacement = np.broadcast_to(np.array(moved, np.float32), planes.displacement.shape)
    T = view.T_world_from_eye.copy()
    T[:3, :3] = Rotation.from_rotvec(turn).as_matrix() @ T[:3, :3]
    T[:3, 3] += step
    old = replace(view, T_world_from_eye=T)
    before, _ = places(replace(planes, displacement=displacement), [view], Past.of(planes, [old]))
    np.testing.assert_allclose(before[0, 0], pixels_of(points - moved, old), atol=2e-3)


@pytest.mark.parametrize("seed", range(3))
def test_places_are_the_plain_ones(cpu: CpuRasterizer, seed: int) -> None:
    """Two eyes now, three then, in crops of another size; things before each other and partly out of the picture."""
    rng = np.random.default_rng(seed)
    scene = together(card((0, 0, 0), 0.3, 0.2, 0.02), card((0.08, 0.05, 0.3), 0.15, 0.3, 0.02, seed=1))
    views = [eye((x, 0.02, 1.0)) for x in (-0.03, 0.03)]
    old = [eye((x + 0.03, 0.0, 1.1), size=(160, 128)) for x in (-0.03, 0.03, 0.2)]
    zeros = np.zeros_like(scene.means)
    past = Past.of(drawn(cpu, scene, zeros, old), old)
    displacement = zeros + rng.normal(scale=0.03, size=3).astype(np.float32)
    planes = drawn(cpu, replace(scene, means=scene.means + displacement), displacement, views)
    plain, own = previous_places(planes, views, past), places(planes, views, past)
    assert plain[0].shape == own[0].shape == (2, 3, 2, 24, 32)
    np.testing.assert_allclose(own[0], plain[0], atol=5e-3)
    np.testing.assert_allclose(own[1], plain[1], atol=5e-3)
    assert 0.02 < (plain[1] > 0.9).mean() < 0.98
    np.testing.assert_allclose(slope_on_device(torch.from_numpy(past.depth)), surface_slope(past.depth), atol=1e-6)


def drawn(cpu: CpuRasterizer, gaussians, displacement: np.ndarray, views: list[EyeView]) -> DensePlanes:
    features = np.zeros((len(gaussians.means), NUM_FEATURES), np.float32)
    dense = dense_gaussians(gaussians, features, displacement)
    return DensePlanes.of(cpu.render(dense, [inner_view(view) for view in views]))


def test_a_point_behind_the_earlier_eye_was_not_seen_and_does_not_move() -> None:
    view = eye()
    planes, _ = planes_of_wall(view, np.array([0, 0, 1.0]), np.zeros(3))
    behind = replace(view, T_world_from_eye=view.T_world_from_eye @ np.diag([-1.0, 1, -1, 1]))
    before, seen = places(planes, [view], Past.of(planes, [behind]))
    plain = previous_places(planes, [view], Past.of(planes, [behind]))
    np.testing.assert_allclose(before, plain[0], atol=1e-3)
    assert not seen.any()
    assert not plain[1].any()


def test_the_dense_condition_is_the_plain_one() -> None:
    rng = np.random.default_rng(0)
    alpha = np.clip(rng.uniform(-0.5, 1.5, (2, 24, 32)), 0, 1).astype(np.float32)
    some = lambda channels: rng.normal(size=(2, 24, 32, channels)).astype(np.float32)  # noqa: E731
    depth = np.where(alpha > 0, rng.uniform(0.5, 2.0, alpha.shape), 0.0).astype(np.float32)
    planes = DensePlanes(alpha, depth, some(3), some(3), some(7), some(3))
    views, middle = [eye((x, 0.1, 1.0), (0.1, 0.3, 0)) for x in (-0.2, 0.3)], (0.1, 0.05, -0.1)
    own = dense_on_device(as_tensors(planes), eyes_of(views, middle=middle))
    np.testing.assert_allclose(own, dense_condition(planes, views, np.array(middle)), atol=2e-6)


def fields_of(scale: float, photo: ReferencePhoto, seed: int = 0) -> np.ndarray:
    """(2, h, w, 3): bent places some `scale` photo pixels apart, a step in the middle, trust that comes and goes."""
    rng, (width, height) = np.random.default_rng(seed), (40, 32)
    size = np.array(photo.image.shape[1::-1])
    span = scale * INNER * np.array([width, height]) / size
    x, y = (np.arange(width) + 0.5) / width - 0.5, (np.arange(height) + 0.5) / height - 0.5
    places = 0.5 + span * np.stack(np.meshgrid(x, y), axis=-1)
    places += 0.01 * np.sin(5 * places[..., ::-1])
    places[:, width // 2 :] += 0.3
    trust = np.clip(np.cumsum(rng.normal(scale=0.2, size=(height, width)), axis=1) + 0.5, 0, 1)[..., None]
    one = np.concatenate([np.clip(places, 0, 1) * trust, trust], axis=-1)[None].astype(np.float32)
    return np.concatenate([one, one[:, ::-1]])


def first(fields: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(fields, -1, 1)))


@pytest.mark.parametrize("scale", [0.7, 1.4, 2.6, 60.0])
@pytest.mark.parametrize("sides", [(200, 150), (90, 211), (20, 17)])
def test_the_photo_is_carried_as_plainly(scale: float, sides: tuple[int, int]) -> None:
    photo = made_up_photo(1, width=sides[0], height=sides[1])
    fields = fields_of(scale, photo)
    plain = carry_photo(fields, PhotoPyramid.of(photo)).numpy()
    own = DevicePhoto.of(photo, torch.from_numpy).carry(first(fields)).numpy()
    assert plain[:, 3].max() > 0.5
    np.testing.assert_allclose(own, plain, atol=2e-3)
    assert np.abs(own - plain).mean() < 1e-5


def test_levels_of_the_photo_do_not_bleed_into_each_other() -> None:
    """Around the edges of every level nothing of its neighbours in the atlas is seen."""
    photo = made_up_photo(1, width=64, height=48)
    photo = replace(photo, image=np.full_like(photo.image, 255))
    photo.image[..., :3] = 0
    carried = DevicePhoto.of(photo, torch.from_numpy)
    outside = torch.stack([torch.linspace(-0.5, 1.5, 33).expand(33, 33)] * 2)[None]
    for level in range(len(carried.levels)):
        for place in (outside, outside.transpose(2, 3)):
            seen = carried._at(torch.tensor([level]), place)
            torch.testing.assert_close(seen[0, 3], torch.ones(33, 33), rtol=0, atol=1e-5)


@given(seed=st.integers(0, 1000), share=st.floats(0.0, 1.0))
def test_the_usual_stride_is_numpys_median(seed: int, share: float) -> None:
    """Of odd and even counts, and of none."""
    rng = np.random.default_rng(seed)
    trust = (rng.random((1, 6, 5, 1)) < share).astype(np.float32)
    fields = np.concatenate([rng.random((1, 6, 5, 2)).astype(np.float32) * trust, trust], axis=-1)
    own = stride_on_device(first(fields), torch.tensor([120.0, 80.0]))
    assert own.item() == pytest.approx(usual_stride(fields, (120, 80)), rel=1e-5)
