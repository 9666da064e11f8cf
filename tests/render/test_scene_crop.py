"""The part of a view that Gaussians cover, and views of parts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.reference import BLUR
from inperson.render.scene.crop import (
    REACH,
    PixelRectangle,
    covered,
    crop_views,
    pixels_of_polygon,
    sub_view,
)
from inperson.render.scene.polygon import cut
from inperson.render.views import EyeView
from tests.render.scenes import cloud, eye, reordered, single, straight_view

some = settings(max_examples=25)


def small_cloud(count: int = 200, seed: int = 0, spread: float = 0.3) -> PosedGaussians:
    """Gaussians of a centimetre at most, well inside the views of `eye`."""
    gaussians = cloud(count, seed=seed)
    return replace(gaussians, means=spread * gaussians.means, scales=np.minimum(gaussians.scales, np.float32(0.01)))


def covered_reference(gaussians: PosedGaussians, view: EyeView, limit: PixelRectangle) -> PixelRectangle | None:
    """One Gaussian at a time, as a ball of its largest scale."""
    K, T = view.intrinsics, view.T_cv_from_world
    boxes = []
    for mean, scales in zip(gaussians.means.astype(float), gaussians.scales.astype(float), strict=True):
        x, y, z = T[:3, :3] @ mean + T[:3, 3]
        if not view.near < z < view.far:
            continue
        jacobian = np.array([[K.fx / z, 0, -K.fx * x / z**2], [0, K.fy / z, -K.fy * y / z**2]])
        covariance = max(scales) ** 2 * jacobian @ jacobian.T + BLUR * np.eye(2)
        u, v = K.fx * x / z + K.cx, K.fy * y / z + K.cy
        reach_x, reach_y = REACH * np.sqrt(np.diag(covariance))
        box = (
            max(u - reach_x, limit.left),
            max(v - reach_y, limit.top),
            min(u + reach_x, limit.right),
            min(v + reach_y, limit.bottom),
        )
        if box[0] < box[2] and box[1] < box[3]:
            boxes.append(box)
    if not boxes:
        return None
    left, top = np.floor(np.min(boxes, axis=0)[:2]).astype(int)
    right, bottom = np.ceil(np.max(boxes, axis=0)[2:]).astype(int)
    return PixelRectangle(int(left), int(top), int(right - left), int(bottom - top))


@some
@given(seed=st.integers(0, 1000), shift=st.tuples(*[st.floats(-1.5, 1.5)] * 3), count=st.integers(1, 30))
def test_bounds_agree_with_the_reference(seed, shift, count):
    gaussians = cloud(count, seed=seed)
    gaussians = replace(gaussians, means=gaussians.means + np.float32(shift))
    view = eye(width=201, height=120)
    for limit in (PixelRectangle(0, 0, 201, 120), PixelRectangle(50, 33, 20, 61)):
        fast, plain = covered(gaussians, view, limit), covered_reference(gaussians, view, limit)
        if fast is None or plain is None:
            assert fast is plain
        else:
            edges = [(r.left, r.top, r.right, r.bottom) for r in (fast, plain)]
            assert np.abs(np.subtract(*edges)).max() <= 1  # float32 beside an edge


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_a_crop_is_the_same_pixels_of_the_whole_picture(backend, request):
    rasterizer = request.getfixturevalue(backend)
    gaussians, views = small_cloud(), [eye(-0.03, 320, 200), eye(0.03, 320, 200)]
    crop = crop_views(gaussians, views)
    assert crop is not None
    whole, part = (
        rasterizer.render_color(gaussians, views).planes,
        rasterizer.render_color(gaussians, crop.views).planes,
    )
    for number, r in enumerate(crop.rectangles):
        seen = whole[number, :, r.top : r.bottom, r.left : r.right]
        # Opacities below 1/255 are cut off: where rounding moves one across, 0.004 appears or goes.
        np.testing.assert_allclose(part[number], seen, atol=5e-3)
        assert np.quantile(np.abs(part[number] - seen), 0.999) < 1e-5
        outside = whole[number, 4].copy()
        outside[r.top : r.bottom, r.left : r.right] = 0
        assert not outside.any()
        assert seen[4].max() > 0.5
        assert r.width < 320 or r.height < 200


@some
@given(left=st.integers(0, 60), top=st.integers(0, 40), width=st.integers(1, 37), height=st.integers(1, 21))
def test_a_part_of_a_view_has_the_same_rays(left, top, width, height):
    view, part = eye(), PixelRectangle(left, top, width, height)
    K, k = view.intrinsics, sub_view(view, part).intrinsics
    x, y = np.array([0.5, width - 0.5]), np.array([0.5, height - 0.5])
    np.testing.assert_allclose((x - k.cx) / k.fx, (x + left - K.cx) / K.fx, atol=1e-12)
    np.testing.assert_allclose((y - k.cy) / k.fy, (y + top - K.cy) / K.fy, atol=1e-12)
    assert (k.width, k.height) == (width, height)


def test_both_eyes_get_one_size_in_steps_and_stay_in_the_picture():
    views = [eye(-0.3, 320, 200), eye(0.3, 320, 200)]
    crop = crop_views(small_cloud(spread=0.2), views)
    assert crop is not None
    (width, height), other = ((r.width, r.height) for r in crop.rectangles)
    assert (width, height) == other
    assert width % 16 == height % 16 == 0
    for r, view in zip(crop.rectangles, crop.views, strict=True):
        assert r.left >= 0
        assert r.top >= 0
        assert r.right <= 320
        assert r.bottom <= 200
        assert (view.width, view.height) == (width, height)


def test_a_view_that_is_no_multiple_of_a_step_is_taken_whole():
    crop = crop_views(single((0, 0, -1), scale=1.0), [straight_view(33)] * 2)
    assert crop is not None
    assert crop.rectangles == (PixelRectangle(0, 0, 33, 33),) * 2


def test_nothing_in_view_is_no_crop():
    behind, aside = single((0, 0, 1)), single((5, 0, -1))
    assert crop_views(behind, [straight_view()] * 2) is None
    assert crop_views(aside, [straight_view()] * 2) is None
    assert crop_views(reordered(cloud(3), np.array([], int)), [eye()] * 2) is None
    assert crop_views(single(), [straight_view()] * 2, [None, None]) is None


def test_one_eye_alone_sees_it():
    turned = replace(straight_view(64), T_world_from_eye=np.diag([-1.0, 1.0, -1.0, 1.0]))
    crop = crop_views(single(), [turned, straight_view(64)])
    assert crop is not None
    assert crop.rectangles[0] == crop.rectangles[1]
    assert crop.rectangles[0].left <= 32 <= crop.rectangles[0].right


def test_only_what_is_within_limits_counts():
    two = cloud(2)
    two = replace(
        two, means=np.array([[-0.2, 0, -1], [0.2, 0, -1]], np.float32), scales=np.full((2, 3), 0.005, np.float32)
    )
    half = PixelRectangle(160, 0, 160, 320)
    crop = crop_views(two, [straight_view(320)], [half])
    assert crop is not None
    assert crop.rectangles[0].left > 200


def test_a_polygon_before_and_behind_the_eye():
    view = straight_view(100)
    square = np.array([[-0.1, -0.1, -1], [0.1, -0.1, -1], [0.1, 0.1, -1], [-0.1, 0.1, -1]])
    half = 0.1 / np.tan(np.deg2rad(20)) * 50
    assert pixels_of_polygon(square, view) == PixelRectangle(
        int(np.floor(50 - half)), int(np.floor(50 - half)), *[int(np.ceil(50 + half) - np.floor(50 - half))] * 2
    )
    floor = np.array([[-1, -0.2, 1], [1, -0.2, 1], [1, -0.2, -2], [-1, -0.2, -2]])
    assert pixels_of_polygon(floor, view) == PixelRectangle(0, 63, 100, 37)  # 50 + 50 * 0.1 / tan 20 degrees
    assert pixels_of_polygon(square * (1, 1, -1), view) is None
    assert pixels_of_polygon(square + np.array([3, 0, 0]), view) is None


@some
@given(
    angles=st.lists(st.floats(0, 6.28), min_size=3, max_size=8, unique=True),
    across=st.floats(0, 6.28),
    offset=st.floats(-1, 1),
)
def test_two_parts_of_a_polygon_make_up_the_whole(angles, across, offset):
    angles = np.sort(angles)
    corners = np.stack([np.cos(angles), np.sin(angles)], 1)
    normal = np.array([np.cos(across), np.sin(across)])
    heights = corners @ normal + offset
    parts = cut(corners, heights), cut(corners, -heights)
    assert sum(map(_area, parts)) == pytest.approx(_area(corners), abs=1e-9)
    assert (parts[0] @ normal + offset).min(initial=0) > -1e-9


def _area(corners: np.ndarray) -> float:
    x, y = corners.T
    return float(0.5 * np.abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))
