"""The person's box of a photo, with the camera that sees just it."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.reconstruct.polish_target import MARGIN, polish_target
from inperson.reconstruct.stages import Matte
from inperson.synthetic.cameras import webcam_view


def block(left: int, top: int, right: int, bottom: int, size: tuple[int, int] = (200, 160)) -> Matte:
    width, height = size
    alpha = np.zeros((height, width), np.float32)
    alpha[top:bottom, left:right] = 1.0
    columns = np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32)[None, :, None], (height, width, 3))
    return Matte(alpha, columns.copy())


def pixel_of(view, point):
    K, eye = view.intrinsics, view.T_cv_from_world[:3, :3] @ point + view.T_cv_from_world[:3, 3]
    return np.array([K.fx * eye[0] / eye[2] + K.cx, K.fy * eye[1] / eye[2] + K.cy])


def test_the_box_has_a_margin_and_ends_at_the_picture():
    target = polish_target(block(60, 30, 100, 160), webcam_view(200, 160))
    assert target.box == (60 - MARGIN, 30 - MARGIN, 100 + MARGIN, 160)
    assert target.rgba.shape == (130 + MARGIN, 40 + 2 * MARGIN, 4)
    assert (target.view.width, target.view.height) == (40 + 2 * MARGIN, 130 + MARGIN)


@pytest.mark.parametrize("max_side", [1024, 71, 40])
def test_a_point_falls_on_the_same_place_of_the_picture(max_side):
    whole = replace(webcam_view(200, 160), near=0.1)
    target = polish_target(block(60, 30, 100, 130), whole, max_side)
    left, top, right, bottom = target.box
    assert max(target.rgba.shape) <= max_side or max_side > 120
    scale = np.array([target.view.width / (right - left), target.view.height / (bottom - top)])
    for point in np.array([[0.1, 0.2, -1.0], [-0.2, 0.0, -2.5], [0.0, -0.3, -1.2]]):
        expected = (pixel_of(whole, point) - [left, top]) * scale
        assert pixel_of(target.view, point) == pytest.approx(expected, abs=1e-6)
    assert target.view.near == 0.1


def test_colour_is_premultiplied_and_averaged():
    matte = block(60, 30, 100, 130)
    half = Matte(matte.alpha * np.float32(0.6), matte.foreground)
    target = polish_target(half, webcam_view(200, 160))
    inside = target.rgba[MARGIN : 100 + MARGIN, MARGIN : 40 + MARGIN]
    assert (inside[..., 3] == round(0.6 * 255)).all()
    assert np.abs(inside[0, :, 0] - 0.6 * 255 * matte.foreground[30, 60:100, 0]).max() <= 0.5
    assert not target.rgba[:MARGIN].any()
    smaller = polish_target(half, webcam_view(200, 160), max_side=62)
    assert smaller.rgba.astype(float).mean() == pytest.approx(target.rgba.astype(float).mean(), rel=0.02)


def test_the_cut_is_the_photos_own_pixels():
    target = polish_target(block(60, 30, 100, 130), webcam_view(200, 160))
    image = np.random.default_rng(0).integers(0, 255, (160, 200, 3), dtype=np.uint8)
    left, top, right, bottom = target.box
    assert np.array_equal(target.cut(image), image[top:bottom, left:right])
    small = polish_target(block(60, 30, 100, 130), webcam_view(200, 160), max_side=62)
    assert small.cut(image).shape == (*small.rgba.shape[:2], 3)
    assert small.cut(image).mean() == pytest.approx(target.cut(image).mean(), abs=1.0)


def test_finer_is_the_same_picture_smooth_between_its_pixels():
    matte = block(60, 30, 100, 130)
    target = polish_target(matte, webcam_view(200, 160))
    finer = target.finer()
    height, width = target.rgba.shape[:2]
    assert finer.rgba.shape == (2 * height, 2 * width, 4)
    assert (finer.view.width, finer.view.height) == (2 * width, 2 * height)
    assert finer.view.intrinsics.fx == pytest.approx(2 * target.view.intrinsics.fx)
    back = finer.rgba.reshape(height, 2, width, 2, 4).mean(axis=(1, 3))
    difference = np.abs(back - target.rgba)
    assert difference[MARGIN + 2 : -MARGIN - 2, MARGIN + 2 : -MARGIN - 2].max() < 1.5  # away from the hard outline
    assert difference.max() < 60
    assert difference.mean() < 2.0
    assert (finer.rgba[..., :3] <= finer.rgba[..., 3:]).all()
    assert finer.box == target.box


def test_large_pictures_are_not_made_finer():
    target = polish_target(block(60, 30, 660, 730, (800, 900)), webcam_view(800, 900))
    assert target.finer() is target


def test_an_empty_matte_is_refused():
    with pytest.raises(ValueError, match="nobody"):
        polish_target(block(0, 0, 0, 0), webcam_view(200, 160))
