"""Opacities and colours at an outline, against mixes that are known."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inperson.reconstruct.photo import matting
from inperson.reconstruct.photo.matting_reference import mix_along_rays

SIZE = 96


def disc(radius: float, softness: float) -> np.ndarray:
    """Opacity of a disc with a soft edge."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    distance = np.hypot(x - SIZE / 2, y - SIZE / 2) - radius
    return np.clip(0.5 - distance / softness, 0, 1).astype(np.float32)


def composed(alpha, fore, back):
    mix = alpha[..., None] * np.array(fore) + (1 - alpha[..., None]) * np.array(back)
    return np.rint(255 * mix).astype(np.uint8)


FORE, BACK = (0.8, 0.5, 0.1), (0.2, 0.3, 0.5)


def test_opacity_and_colour_of_a_soft_disc_are_recovered():
    """From a guess that is off by two pixels and blurred."""
    alpha = disc(30, 6)
    guess = cv2.GaussianBlur(disc(32, 2), (0, 0), 1.5)
    found, colors = matting.cut(composed(alpha, FORE, BACK), guess, 2.0)
    edge = (alpha > 0.02) & (alpha < 0.98)
    assert np.abs(found - alpha)[edge].mean() < 0.03
    assert np.abs(guess - alpha)[edge].mean() > 0.15, "the guess must have been worse"
    assert np.abs(colors - FORE)[alpha > 0.02].max() < 0.06


def test_colours_go_on_beyond_the_outline():
    alpha = disc(30, 3)
    _, colors = matting.cut(composed(alpha, FORE, BACK), cv2.GaussianBlur(alpha, (0, 0), 1.0), 1.5)
    beyond = (alpha == 0) & (disc(38, 1) > 0.5)
    assert np.abs(colors - FORE)[beyond].max() < 0.06


def test_where_colours_cannot_tell_the_segmenter_decides():
    alpha = disc(30, 3)
    guess = cv2.GaussianBlur(disc(31, 2), (0, 0), 1.5)
    found, _ = matting.cut(composed(alpha, FORE, FORE), guess, 2.0)
    np.testing.assert_allclose(found[20:76, 20:76], guess[20:76, 20:76], atol=0.06)


def test_large_doubt_is_decided():
    """A half-believed region is not a pane of glass."""
    probability = disc(40, 2) * 0.6
    found, _ = matting.cut(composed(probability, FORE, FORE), probability, 1.5)
    middle = disc(22, 1) > 0.5
    assert (found[middle] == 1).all()


def test_an_empty_guess_gives_an_empty_matte():
    image = composed(disc(30, 3), FORE, BACK)
    found, colors = matting.cut(image, np.zeros((SIZE, SIZE), np.float32), 2.0)
    assert not found.any()
    np.testing.assert_allclose(colors, image / np.float32(255), atol=1e-6)


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.floats(1.0, 3.0))
def test_compiled_matting_is_the_plain_one(seed, pixel):
    rng = np.random.default_rng(seed)
    alpha = disc(rng.uniform(15, 35), rng.uniform(1, 8))
    colors = rng.uniform(size=(SIZE, SIZE, 3)).astype(np.float32)
    ground = np.where(alpha > 0.95, 1, np.where(alpha < 0.05, -1, 0)).astype(np.int8)
    rows, columns = np.nonzero(ground == 0)
    chosen = rng.choice(len(rows), min(30, len(rows)), replace=False)
    rows, columns = rows[chosen], columns[chosen]
    offsets = matting.ray_offsets(pixel)
    fast = matting._mix_along_rays(colors, alpha, ground, rows, columns, offsets)
    for a, b in zip(fast, mix_along_rays(colors, alpha, ground, rows, columns, offsets), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


@pytest.mark.parametrize("pixel", [1.0, 2.5])
def test_sure_ground_keeps_away_from_doubt(pixel):
    alpha = disc(30, 8)
    inside, outside = matting.sure_ground(alpha, pixel)
    doubt = (alpha > 0.05) & (alpha < 0.95)
    near_doubt = cv2.dilate(doubt.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))) > 0
    assert not (inside & near_doubt).any()
    assert not (outside & near_doubt).any()
    assert not (inside & outside).any()
    assert inside.any()
    assert outside.any()
