"""Motion is exact where geometry says what it is, and what was hidden is not said to have been seen."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import PosedGaussians
from inperson.avatar.posing import AvatarPoser
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.views import EyeView
from inperson.shader_model.conditions.channels import NUM_FEATURES, DensePlanes, dense_gaussians, inner_view
from inperson.shader_model.conditions.motion import (
    LEAST_ALPHA,
    SPREAD,
    Past,
    previous_places,
    previous_places_fast,
    surface_slope,
)
from inperson.shader_model.interface import INNER
from tests.shader_model.conditions.scenes import (
    card,
    eye,
    gesturing,
    own_places,
    pixels_of,
    planes_of_wall,
    together,
    turned,
)

angle = st.floats(-0.1, 0.1)
metres = st.floats(-0.05, 0.05)


def drawn(
    cpu: CpuRasterizer, gaussians: PosedGaussians, displacement: np.ndarray, views: list[EyeView]
) -> DensePlanes:
    features = np.zeros((len(gaussians.means), NUM_FEATURES), np.float32)
    dense = dense_gaussians(gaussians, features, displacement)
    return DensePlanes.of(cpu.render(dense, [inner_view(view) for view in views]))


@settings(max_examples=60, deadline=None)
@given(
    turn=st.tuples(angle, angle, angle),
    step=st.tuples(metres, metres, metres),
    moved=st.tuples(metres, metres, metres),
    lean=st.tuples(angle, angle, angle),
)
def test_a_wall_moves_as_geometry_says(turn: tuple, step: tuple, moved: tuple, lean: tuple) -> None:
    """A camera that moves in any way before a leaning wall that shifts: every pixel's flow is known."""
    view = eye()
    planes, points = planes_of_wall(view, Rotation.from_rotvec(lean).apply([0, 0, 1.0]), np.zeros(3))
    displacement = np.broadcast_to(np.array(moved, np.float32), planes.displacement.shape)
    T = view.T_world_from_eye.copy()
    T[:3, :3] = Rotation.from_rotvec(turn).as_matrix() @ T[:3, :3]
    T[:3, 3] += step
    old = replace(view, T_world_from_eye=T)
    past = Past.of(planes, [old])
    for places in (previous_places, previous_places_fast):
        before, _ = places(replace(planes, displacement=displacement), [view], past)
        np.testing.assert_allclose(before[0, 0], pixels_of(points - moved, old), atol=2e-3)


def test_nothing_moves_where_nothing_moves(cpu: CpuRasterizer, ada: AvatarPoser, body: BodyModel) -> None:
    gaussians, view = ada.pose(gesturing(body, 0.3)), eye((0, 0.3, 1.4), (0, 0.25, 0), (256, 256))
    planes = drawn(cpu, gaussians, np.zeros_like(gaussians.means), [view])
    before, seen = previous_places_fast(planes, [view], Past.of(planes, [view]))
    np.testing.assert_allclose(before[0, 0], own_places(view), atol=1e-3)
    solid = planes.alpha[0] > LEAST_ALPHA
    assert seen[0, 0][solid].min() > 0.99


@pytest.mark.parametrize("seed", range(3))
def test_the_fast_path_is_the_plain_one(cpu: CpuRasterizer, seed: int) -> None:
    """Two eyes now, two then, things before each other and partly out of the picture."""
    rng = np.random.default_rng(seed)
    scene = together(card((0, 0, 0), 0.3, 0.2, 0.02), card((0.08, 0.05, 0.3), 0.15, 0.3, 0.02, seed=1))
    views = [eye((x, 0.02, 1.0)) for x in (-0.03, 0.03)]
    old = [eye((x + 0.03, 0.0, 1.1), size=(160, 128)) for x in (-0.03, 0.03)]
    zeros = np.zeros_like(scene.means)
    past = Past.of(drawn(cpu, scene, zeros, old), old)
    displacement = zeros + rng.normal(scale=0.03, size=3).astype(np.float32)
    planes = drawn(cpu, replace(scene, means=scene.means + displacement), displacement, views)
    plain, fast = previous_places(planes, views, past), previous_places_fast(planes, views, past)
    assert plain[0].shape == fast[0].shape == (2, 2, 2, 24, 32)
    np.testing.assert_allclose(fast[0], plain[0], atol=5e-3)
    np.testing.assert_allclose(fast[1], plain[1], atol=5e-3)
    assert 0.02 < (plain[1] > 0.9).mean() < 0.98


def test_slopes_are_the_plain_ones() -> None:
    depth = np.random.default_rng(0).uniform(0.0, 2.0, (2, 9, 13)).astype(np.float32)
    planes, _ = planes_of_wall(eye(), np.array([0, 0, 1.0]), np.zeros(3))
    past = Past.of(replace(planes, depth=depth), [eye(), eye()])
    np.testing.assert_allclose(past.slope, surface_slope(depth), rtol=1e-6)


def test_what_a_card_hid_was_not_seen(cpu: CpuRasterizer) -> None:
    """A card before another moves aside by 40 pixels: the strip it leaves was hidden, all else was seen."""
    back, view = card((0, 0, 0), 1.0, 1.0, 0.01), eye(size=(256, 192))
    metre = view.intrinsics.fx / 0.8  # pixels of a metre at the front card's distance
    shift = np.array([40 / metre, 0, 0], np.float32)
    front = card((0, 0, 0.2), 64 / metre, 80 / metre, 0.004)
    then = together(back, front)
    moved = np.concatenate([np.zeros_like(back.means), np.tile(shift, (len(front.means), 1))])
    now = replace(then, means=then.means + moved)
    past = Past.of(drawn(cpu, then, np.zeros_like(moved), [view]), [view])
    before, seen = previous_places_fast(drawn(cpu, now, moved, [view]), [view], past)
    x, y = own_places(view)
    left, right = (pixels_of(np.array([s * 32 / metre, 0, 0.2]), view)[0] for s in (-1, 1))
    top, bottom = (pixels_of(np.array([0, s * 40 / metre, 0.2]), view)[1] for s in (1, -1))
    inside = (y > top + INNER) & (y < bottom - INNER)
    hidden = inside & (x > left + INNER) & (x < left + 40 - INNER)
    on_card = inside & (x > left + 40 + INNER) & (x < right + 40 - INNER)
    assert hidden.sum() > 100
    assert seen[0, 0][hidden].max() < 0.05
    assert seen[0, 0][on_card].min() > 0.95
    np.testing.assert_allclose((before[0, 0] - own_places(view))[:, on_card].T, [[-40, 0]] * on_card.sum(), atol=0.05)
    elsewhere = (x < left - 3 * INNER) | (y < top - 3 * INNER) | (y > bottom + 3 * INNER)
    assert seen[0, 0][elsewhere].min() > 0.95
    np.testing.assert_allclose((before[0, 0] - own_places(view))[:, elsewhere], 0, atol=1e-3)


def test_what_was_outside_the_crop_was_not_seen(cpu: CpuRasterizer) -> None:
    scene, view = card((0, 0, 0), 1.0, 1.0, 0.01), eye()
    old = replace(view, angle_right=0.5 * view.angle_right, width=96)
    past = Past.of(drawn(cpu, scene, np.zeros_like(scene.means), [old]), [old])
    planes = drawn(cpu, scene, np.zeros_like(scene.means), [view])
    before, seen = previous_places_fast(planes, [view], past)
    outside = before[0, 0, 0] >= old.width
    assert 0.1 < outside.mean() < 0.5
    assert seen[0, 0][outside].max() == 0
    assert seen[0, 0][~outside].min() > 0.95


def test_motion_goes_on_a_little_beyond_the_outline(cpu: CpuRasterizer) -> None:
    scene, view = card((0, 0, 0), 0.15, 0.12), eye(size=(256, 192))
    shift = np.array([0.01, 0.005, 0], np.float32)
    moved = np.broadcast_to(shift, scene.means.shape)
    past = Past.of(drawn(cpu, replace(scene, means=scene.means - shift), 0 * moved, [view]), [view])
    planes = drawn(cpu, scene, moved, [view])
    before, seen = previous_places_fast(planes, [view], past)
    flow = before[0, 0] - own_places(view)
    known = np.abs(flow).max(axis=0) > 0
    rows, columns = np.nonzero(planes.alpha[0] > LEAST_ALPHA)
    grown_rows, grown_columns = np.nonzero(known)
    assert grown_rows.min() == rows.min() - SPREAD
    assert grown_columns.max() == columns.max() + SPREAD
    wanted = pixels_of(-shift.astype(float), view) - pixels_of(np.zeros(3), view)
    np.testing.assert_allclose(flow[:, known].T, np.broadcast_to(wanted, (known.sum(), 2)), atol=0.05)
    assert seen[0, 0][known].min() > 0.5
    assert seen[0, 0][~known].max() == 0


def test_slope_leaves_steps_out() -> None:
    ramp = np.tile(np.arange(12, dtype=np.float32) * 0.01, (8, 1))
    ramp[:, 6:] += 1.0
    np.testing.assert_allclose(surface_slope(ramp[None]), 0.01, atol=1e-6)


def test_the_last_picture_of_a_moving_person_becomes_this_one(
    cpu: CpuRasterizer, ada: AvatarPoser, body: BodyModel
) -> None:
    """A person who talks with their hands, an eye that goes round them: carried by the motion, the previous render is
    this one to less than a grey level; with motion that is off by a pixel it is not."""
    old = eye((0.0, 0.3, 1.4), (0, 0.25, 0), (512, 512), half=0.3)
    view = replace(old, T_world_from_eye=turned(old, 1.5))
    then, now = ada.pose(gesturing(body, 0.3)), ada.pose(gesturing(body, 0.3 + 1 / 30))
    zeros = np.zeros_like(now.means)
    past = Past.of(drawn(cpu, then, zeros, [old]), [old])
    before, seen = previous_places_fast(drawn(cpu, now, now.means - then.means, [view]), [view], past)
    last, this = (
        torch.from_numpy(cpu.render_color(g, [v]).planes[:, [0, 1, 2, 4]]) for g, v in ((then, old), (now, view))
    )
    place, known = _full_size(before), _full_size(seen[:, :, None])[0, 0]
    counted = (this[0, 3] > 0.5) & (known > 0.95)
    assert counted.sum() > 0.93 * (this[0, 3] > 0.5).sum()

    def error(off: tuple[float, float]) -> float:
        moved = _sampled(last, place + torch.tensor(off)[None, :, None, None])
        return 255 * float((moved - this).abs()[0, :3, counted].mean())

    still = 255 * float((last - this).abs()[0, :3, counted].mean())
    assert error((0, 0)) < 0.8
    assert min(error(off) for off in ((1, 0), (-1, 0), (0, 1), (0, -1))) > 2 * error((0, 0))
    assert still > 5 * error((0, 0))


def _full_size(field: np.ndarray) -> torch.Tensor:
    """(1, C, H, W) of the first eye in the first previous one."""
    return F.interpolate(torch.from_numpy(field[:, 0]), scale_factor=INNER, mode="bilinear", align_corners=False)


def _sampled(picture: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    height, width = picture.shape[-2:]
    grid = torch.stack([2 * place[:, 0] / width - 1, 2 * place[:, 1] / height - 1], dim=-1)
    return F.grid_sample(picture, grid, mode="bilinear", align_corners=False)
