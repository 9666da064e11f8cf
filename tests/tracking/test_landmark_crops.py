"""Crops: points go there and back, pixels land where the geometry says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.tracking.crops import RotatedSquare, angle_of_up

number = st.floats(-200, 200)
squares = st.builds(RotatedSquare, st.tuples(number, number).map(np.array), st.floats(1, 300), st.floats(-7, 7))


@given(squares, st.lists(st.tuples(number, number), min_size=1, max_size=5))
def test_points_there_and_back(square, points):
    points = np.array(points)
    np.testing.assert_allclose(square.from_image(square.to_image(points)), points, atol=1e-6)


@given(st.floats(-3, 3))
def test_angle_of_up_points_that_direction_to_the_top(angle):
    direction = np.array([np.sin(angle), -np.cos(angle)])
    square = RotatedSquare(np.zeros(2), 10.0, angle_of_up(direction))
    np.testing.assert_allclose(square.from_image(3 * direction[None]), [[0.5, 0.2]], atol=1e-9)


def test_cutting_at_the_same_size_copies_pixels():
    image = np.random.default_rng(0).integers(0, 255, (50, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(RotatedSquare(np.array([30.0, 25.0]), 20.0).cut(image, 20), image[15:35, 20:40])


def test_a_quarter_turn_brings_the_right_side_to_the_top():
    image = np.random.default_rng(0).integers(0, 255, (50, 50, 3), dtype=np.uint8)
    turned = RotatedSquare(np.array([25.0, 25.0]), 50.0, angle_of_up(np.array([1.0, 0.0]))).cut(image, 50)
    np.testing.assert_allclose(turned.astype(int), np.rot90(image, 1).astype(int), atol=1)


def test_outside_the_image_is_black():
    image = np.full((20, 20, 3), 255, np.uint8)
    cut = RotatedSquare(np.array([0.0, 10.0]), 20.0).cut(image, 20)
    assert not cut[:, :9].any()
    assert (cut[:, 11:] == 255).all()


@pytest.mark.parametrize("angle", [0.0, 0.4, 2.0])
@pytest.mark.parametrize("pixels", [40, 96])
def test_a_dot_lands_where_the_points_say(angle, pixels):
    image = np.zeros((100, 100, 3), np.uint8)
    image[60:63, 30:33] = 255  # centred on (31.5, 61.5)
    square = RotatedSquare(np.array([40.0, 50.0]), 60.0, angle)
    cut = square.cut(image, pixels)[..., 0].astype(float)
    ys, xs = np.mgrid[:pixels, :pixels] + 0.5
    found = np.array([(xs * cut).sum(), (ys * cut).sum()]) / cut.sum() / pixels
    np.testing.assert_allclose(found, square.from_image(np.array([[31.5, 61.5]]))[0], atol=0.006)
