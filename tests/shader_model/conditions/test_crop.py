"""Crops hold the person, have the network's sizes, see the same rays, and stay where they are while they can."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.scene.crop import Crop, PixelRectangle, covered
from inperson.render.views import EyeView
from inperson.shader_model.conditions.crop import PATIENCE, STEP, PersonCropper
from inperson.shader_model.interface import MULTIPLE
from tests.shader_model.conditions.scenes import card, eye

WIDTH, HEIGHT = 500, 380


def pair(x: float = 0.0) -> list[EyeView]:
    return [eye((x + side, 0.0, 1.0), (x, 0.0, 0.0), (WIDTH, HEIGHT), half=0.5) for side in (-0.03, 0.03)]


def needed(gaussians: PosedGaussians, views: list[EyeView]) -> list[PixelRectangle]:
    found = [covered(gaussians, view, PixelRectangle(0, 0, WIDTH, HEIGHT)) for view in views]
    return [rectangle for rectangle in found if rectangle is not None]


def assert_right(crop: Crop, gaussians: PosedGaussians, views: list[EyeView]) -> None:
    for rectangle, one in zip(crop.rectangles, needed(gaussians, views), strict=True):
        assert rectangle.left <= one.left < one.right <= rectangle.right
        assert rectangle.top <= one.top < one.bottom <= rectangle.bottom
    assert len({(r.width, r.height) for r in crop.rectangles}) == 1
    assert crop.rectangles[0].width % MULTIPLE == crop.rectangles[0].height % MULTIPLE == 0
    assert [(v.width, v.height) for v in crop.views] == [(r.width, r.height) for r in crop.rectangles]


places = st.tuples(st.floats(-0.4, 0.4), st.floats(-0.3, 0.3), st.floats(0.05, 0.5), st.floats(0.05, 0.6))


@settings(max_examples=40, deadline=None)
@given(frames=st.lists(places, min_size=1, max_size=6))
def test_whatever_moves_is_held(frames: list[tuple[float, float, float, float]]) -> None:
    cropper, views = PersonCropper(), pair()
    for x, y, width, height in frames:
        gaussians = card((x, y, 0.0), width, height, 0.02)
        crop = cropper.crop(gaussians, views)
        assert crop is not None
        assert_right(crop, gaussians, views)


def test_its_pixels_are_the_views_own(cpu: CpuRasterizer) -> None:
    gaussians, views = card((0.1, 0.05, 0), 0.2, 0.15, 0.02), pair()
    crop = PersonCropper().crop(gaussians, views)
    assert crop is not None
    whole, part = cpu.render_color(gaussians, views), cpu.render_color(gaussians, crop.views)
    for r, one, other in zip(crop.rectangles, whole.planes, part.planes, strict=True):
        np.testing.assert_allclose(other, one[:, r.top : r.bottom, r.left : r.right], atol=2e-4)


def test_a_crop_that_holds_stays(cpu: CpuRasterizer) -> None:
    cropper, views = PersonCropper(), pair()
    first = cropper.crop(card((0.0, 0.0, 0), 0.2, 0.2), views)
    assert first is not None
    for shift in np.linspace(-0.012, 0.012, 9):
        crop = cropper.crop(card((shift, -shift, 0), 0.2, 0.2), views)
        assert crop is not None
        assert crop.rectangles == first.rectangles


def test_a_crop_moves_by_whole_steps() -> None:
    cropper, views = PersonCropper(), pair()
    crops = [cropper.crop(card((x, 0.5 * x, 0), 0.2, 0.2, 0.02), views) for x in np.linspace(-0.2, 0.2, 30)]
    corners = np.array([[(r.left, r.top) for r in crop.rectangles] for crop in crops if crop is not None])
    moved = np.diff(corners, axis=0)
    assert 4 < (np.abs(moved).sum(axis=(1, 2)) > 0).sum() < 29
    assert (moved % STEP == 0).all()


def test_it_grows_at_once_and_shrinks_when_it_has_been_large_for_long() -> None:
    cropper, views = PersonCropper(), pair()
    small, large = card((0, 0, 0), 0.2, 0.2, 0.02), card((0, 0, 0), 0.36, 0.36, 0.02)

    def area(gaussians: PosedGaussians) -> int:
        crop = cropper.crop(gaussians, views)
        assert crop is not None
        return crop.rectangles[0].width * crop.rectangles[0].height

    least, most = area(small), area(large)
    assert 0.5 * most < least < most
    kept = [area(small) for _ in range(PATIENCE + 1)]
    assert kept == [most] * PATIENCE + [least]
    area(large)
    assert area(card((0, 0, 0), 0.05, 0.05, 0.02)) < 0.5 * most  # at once


def test_a_person_who_fills_the_view_gets_no_more_than_the_view() -> None:
    view = replace(eye(size=(512, 384), half=0.2))
    crop = PersonCropper().crop(card((0, 0, 0), 1.0, 1.0, 0.02), [view])
    assert crop is not None
    assert crop.rectangles == (PixelRectangle(0, 0, 512, 384),)
    np.testing.assert_allclose(crop.views[0].projection, view.projection, atol=1e-12)


def test_nobody_in_view_is_no_crop_and_who_comes_back_gets_a_fresh_one() -> None:
    cropper, views = PersonCropper(), pair()
    fresh = PersonCropper().crop(card((0, 0, 0), 0.2, 0.2), views)
    cropper.crop(card((0.2, 0, 0), 0.2, 0.2), views)
    assert cropper.crop(card((0, 0, 5.0), 0.2, 0.2), views) is None
    again = cropper.crop(card((0, 0, 0), 0.2, 0.2), views)
    assert fresh is not None
    assert again is not None
    assert again.rectangles == fresh.rectangles


def test_who_is_in_one_eye_alone_is_cropped_in_both() -> None:
    left, right = pair()
    away = replace(right, T_world_from_eye=eye((3.0, 0, 1.0), (6.0, 0, 1.0)).T_world_from_eye)
    crop = PersonCropper().crop(card((0, 0, 0), 0.2, 0.2), [left, away])
    assert crop is not None
    assert crop.rectangles[0] == crop.rectangles[1]


def test_views_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        PersonCropper().crop(card((0, 0, 0), 0.2, 0.2), [eye(), eye(size=(64, 64))])


def test_what_lies_outside_the_part_that_counts_is_not_held() -> None:
    """A mirror's glass: in one eye its left half, in the other none of it."""
    gaussians, views = card((0.0, 0.0, 0.0), 0.5, 0.3, 0.02), pair()
    half = PixelRectangle(0, 0, WIDTH // 2, HEIGHT)
    crop = PersonCropper().crop(gaussians, views, [half, None])
    assert crop is not None
    seen = covered(gaussians, views[0], half)
    assert seen is not None
    assert crop.rectangles[0].left <= seen.left < seen.right <= crop.rectangles[0].right
    assert crop.rectangles[0].width < needed(gaussians, views)[0].width
    assert crop.rectangles[1].width == crop.rectangles[0].width
    assert PersonCropper().crop(gaussians, views, [None, None]) is None
