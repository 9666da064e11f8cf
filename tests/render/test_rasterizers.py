"""Every backend against the plain torch reference, and laws that hold for all of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.gbuffer import GBuffer
from inperson.render.views import EyeView
from tests.render.scenes import cloud, eye, posed, psnr, reordered, single, straight_view

LEAST_PSNR = {"cpu": 45.0, "gl": 40.0, "reference": 100.0}
few = settings(max_examples=8)


def assert_same_picture(drawn: GBuffer, truth: GBuffer, least_psnr: float) -> None:
    assert drawn.rgb.shape == truth.rgb.shape
    assert drawn.features.shape == truth.features.shape
    assert psnr(drawn.rgb, truth.rgb) >= least_psnr
    assert psnr(drawn.alpha, truth.alpha) >= least_psnr
    assert psnr(drawn.normal, truth.normal) >= least_psnr - 3  # from -1 to 1
    if truth.features.size:
        assert psnr(drawn.features, truth.features) >= least_psnr - 3
    covered = truth.alpha > 0.05
    np.testing.assert_allclose(drawn.depth[covered], truth.depth[covered], rtol=0.01)


@pytest.mark.parametrize("num_features", [0, 2, 7, 20])
def test_agrees_with_the_reference(rasterizer, reference, num_features):
    gaussians, views = cloud(600, num_features, seed=num_features), [eye(-0.03), eye(0.03)]
    truth = reference.render(gaussians, views)
    assert truth.alpha.max() > 0.95
    assert_same_picture(rasterizer.render(gaussians, views), truth, LEAST_PSNR[rasterizer.name])


def test_colour_alone_is_the_same_colour(rasterizer):
    gaussians, views = cloud(300, num_features=4), [eye(-0.03), eye(0.03)]
    alone, whole = rasterizer.render_color(gaussians, views), rasterizer.render(gaussians, views)
    assert alone.planes.shape == (2, 5, views[0].height, views[0].width)
    np.testing.assert_allclose(alone.rgb, whole.rgb, atol=1e-6)
    np.testing.assert_allclose(alone.alpha, whole.alpha, atol=1e-6)
    np.testing.assert_allclose(alone.planes[:, 3], whole.depth * whole.alpha, atol=1e-6)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 16), (17, 31), (513, 333)])
def test_any_size(rasterizer, reference, width, height):
    gaussians, views = cloud(150), [eye(width=width, height=height)]
    drawn = rasterizer.render(gaussians, views)
    assert drawn.rgb.shape == (1, height, width, 3)
    assert_same_picture(drawn, reference.render(gaussians, views), LEAST_PSNR[rasterizer.name])


@pytest.mark.parametrize("count", [0, 1, 15, 17])
def test_any_count(rasterizer, reference, count):
    gaussians, views = cloud(count), [eye()]
    drawn = rasterizer.render(gaussians, views)
    assert_same_picture(drawn, reference.render(gaussians, views), LEAST_PSNR[rasterizer.name])
    if count == 0:
        assert not drawn.rgb.any()
        assert not drawn.alpha.any()
        assert not drawn.depth.any()


def test_large_gaussians_fill_every_tile(rasterizer, reference):
    wide = replace(cloud(40), scales=np.full((40, 3), 0.4, np.float32))
    assert_same_picture(
        rasterizer.render(wide, [eye()]), reference.render(wide, [eye()]), LEAST_PSNR[rasterizer.name]
    )


def test_one_gaussian_has_the_opacity_its_formula_says(rasterizer):
    view = straight_view(33)
    drawn = rasterizer.render(single((0, 0, -1), scale=0.02, opacity=0.8), [view])
    variance = (0.02 * view.intrinsics.fx) ** 2 + 0.3
    for dx, dy in ((0, 0), (1, 0), (0, -2), (2, 1)):
        alpha = 0.8 * np.exp(-0.5 * (dx * dx + dy * dy) / variance)
        assert drawn.alpha[0, 16 + dy, 16 + dx] == pytest.approx(alpha, abs=2e-3)
        np.testing.assert_allclose(drawn.rgb[0, 16 + dy, 16 + dx], np.array([1, 0.5, 0.25]) * alpha, atol=2e-3)
    assert drawn.depth[0, 16, 16] == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_allclose(drawn.normal[0, 16, 16], [0, 0, 0.8], atol=2e-3)
    assert drawn.alpha[0, 0, 0] == 0
    assert drawn.depth[0, 0, 0] == 0


def test_every_byte_of_one_gaussian(rasterizer):
    """The whole picture as 8-bit pixels, and exactly the pixels that reach 1/255."""
    view = straight_view(33)
    drawn = rasterizer.render(single((0.03, 0.01, -1), scale=0.05, opacity=0.9), [view])
    K = view.intrinsics
    x = np.arange(33) + 0.5 - (K.fx * 0.03 + K.cx)
    y = np.arange(33)[:, None] + 0.5 - (K.fy * -0.01 + K.cy)
    jacobian = K.fx * np.array([[1, 0, -0.03], [0, 1, 0.01]])
    a, b, _, c = np.linalg.inv(0.05**2 * jacobian @ jacobian.T + 0.3 * np.eye(2)).ravel()
    alpha = 0.9 * np.exp(-0.5 * (a * x * x + c * y * y) - b * x * y)
    alpha[alpha < 1 / 255] = 0
    assert (alpha > 0).sum() > 100
    np.testing.assert_array_equal(drawn.alpha[0] > 0, alpha > 0)
    np.testing.assert_array_equal(np.round(255 * drawn.rgb[0, ..., 0]), np.round(255 * alpha))


def test_up_is_up_and_right_is_right(rasterizer):
    up = rasterizer.render(single((0, 0.2, -1)), [straight_view()]).alpha[0]
    right = rasterizer.render(single((0.2, 0, -1)), [straight_view()]).alpha[0]
    assert up[:16].sum() > 0.99 * up.sum()
    assert right[:, 17:].sum() > 0.99 * right.sum()


def test_nothing_behind_the_near_or_beyond_the_far_plane(rasterizer):
    behind, at_eye, near, far = ((0, 0, z) for z in (1.0, 0.0, -0.04, -101.0))
    for mean in (behind, at_eye, near, far):
        drawn = rasterizer.render(single(mean, scale=0.3), [straight_view()])
        for plane in (drawn.rgb, drawn.alpha, drawn.depth, drawn.normal):
            assert not plane.any()  # also not NaN


def test_the_front_one_covers_the_one_behind(rasterizer):
    front, back = single((0, 0, -1), 0.5, 0.999, (1, 0, 0)), single((0, 0, -2), 1.0, 0.999, (0, 1, 0))
    both = posed(
        **{name: np.concatenate([getattr(back, name), getattr(front, name)]) for name in type(front).__slots__}
    )
    drawn = rasterizer.render(both, [straight_view()])
    np.testing.assert_allclose(drawn.rgb[0, 16, 16], [1, 0, 0], atol=2e-3)
    assert drawn.depth[0, 16, 16] == pytest.approx(1.0, rel=2e-3)


def test_an_asymmetric_view_is_a_cut_out_of_a_wider_one(rasterizer):
    small = np.full((200, 3), 0.01, np.float32)  # none reaches in from where the Jacobian is clamped
    gaussians, pose = replace(cloud(200), scales=small), eye().T_world_from_eye
    tangent = np.arctan(np.array([-0.3, 0.5, 0.4, -0.4]))
    whole = rasterizer.render(gaussians, [EyeView(pose, *tangent, 80, 80)])
    cut = np.arctan(np.array([-0.3 + 0.1, 0.5 - 0.3, 0.4 - 0.2, -0.4 + 0.1]))
    part = rasterizer.render(gaussians, [EyeView(pose, *cut, 40, 50)])
    np.testing.assert_allclose(part.alpha[0], whole.alpha[0, 20:70, 10:50], atol=2e-3)


@few
@given(seed=st.integers(0, 1000), count=st.integers(1, 60))
def test_order_of_the_gaussians_does_not_matter(cpu, seed, count):
    gaussians, views = cloud(count, seed=seed), [eye()]
    shuffled = reordered(gaussians, np.random.default_rng(seed).permutation(count))
    a, b = cpu.render(gaussians, views), cpu.render(shuffled, views)
    np.testing.assert_array_equal(a.rgb, b.rgb)
    np.testing.assert_array_equal(a.depth, b.depth)


@few
@given(seed=st.integers(0, 1000), count=st.integers(1, 60))
def test_values_stay_in_range(cpu, seed, count):
    gaussians, views = cloud(count, 2, seed=seed), [eye()]
    drawn = cpu.render(gaussians, views)
    assert drawn.alpha.min() >= 0
    assert drawn.alpha.max() <= 1
    assert drawn.rgb.min() >= 0
    assert (drawn.rgb <= drawn.alpha[..., None] + 1e-5).all()
    depths = gaussians.means @ views[0].T_cv_from_world[2, :3] + views[0].T_cv_from_world[2, 3]
    inside = drawn.depth[drawn.alpha > 0]
    assert inside.size == 0 or (inside.min() >= depths.min() - 1e-3 and inside.max() <= depths.max() + 1e-3)


@few
@given(seed=st.integers(0, 1000))
def test_a_stereo_pair_is_two_single_views(cpu, seed):
    gaussians = cloud(50, seed=seed)
    left, right = eye(-0.03), eye(0.03)
    pair = cpu.render(gaussians, [left, right])
    for number, view in enumerate((left, right)):
        alone = cpu.render(gaussians, [view])
        np.testing.assert_array_equal(pair.rgb[number], alone.rgb[0])
        np.testing.assert_array_equal(pair.depth[number], alone.depth[0])


@few
@given(angle=st.floats(-3, 3), shift=st.tuples(*[st.floats(-5, 5)] * 3))
def test_moving_the_world_and_the_camera_together_changes_nothing(cpu, angle, shift):
    gaussians, view = cloud(50), eye()
    c, s = np.cos(angle), np.sin(angle)
    move = np.array([[c, 0, s, shift[0]], [0, 1, 0, shift[1]], [-s, 0, c, shift[2]], [0, 0, 0, 1]])
    hc, hs = np.cos(angle / 2), np.sin(angle / 2)
    w, x, y, z = gaussians.quats.T
    turned = np.stack([hc * w - hs * y, hc * x + hs * z, hc * y + hs * w, hc * z - hs * x], 1)
    moved = replace(
        gaussians,
        means=(gaussians.means @ move[:3, :3].T + move[:3, 3]).astype(np.float32),
        quats=turned.astype(np.float32),
    )
    before = cpu.render(gaussians, [view])
    after = cpu.render(moved, [replace(view, T_world_from_eye=move @ view.T_world_from_eye)])
    assert psnr(after.rgb, before.rgb) > 60


def test_repeats_are_bit_identical(cpu):
    gaussians, views = cloud(500, 3), [eye(-0.03), eye(0.03)]
    first, second = cpu.render(gaussians, views), cpu.render(gaussians, views)
    np.testing.assert_array_equal(first.rgb, second.rgb)
    np.testing.assert_array_equal(first.features, second.features)


def test_a_gbuffer_is_not_touched_by_the_next_frame(rasterizer):
    first = rasterizer.render(single((0, 0, -1)), [straight_view()])
    before = first.rgb.copy()
    rasterizer.render(single((0.2, 0, -1)), [straight_view()])
    np.testing.assert_array_equal(first.rgb, before)


@pytest.mark.filterwarnings("error")
def test_gaussians_may_be_read_only(rasterizer):
    fixed = cloud(20)
    for name in PosedGaussians.__slots__:
        getattr(fixed, name).flags.writeable = False
    assert rasterizer.render(fixed, [eye()]).alpha.any()


def test_views_must_have_one_size(rasterizer):
    with pytest.raises(ValueError, match="one size"):
        rasterizer.render(single(), [straight_view(33), straight_view(35)])
