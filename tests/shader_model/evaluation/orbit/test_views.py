"""Orbits around a bare person: where the camera is, what is known of the last view, and which sides are seen."""

import math
from collections import Counter

import numpy as np
import pytest
import torch

from inperson.errors import BadInputError
from inperson.shader_model.evaluation.orbit.views import (
    ACROSS,
    DISTANCE,
    LEAST_VIEWS,
    Orbit,
    OrbitSettings,
    Side,
    path_around,
)
from tests.shader_model.evaluation.orbit.conftest import SIDE, VIEWS


def test_the_camera_goes_around_once() -> None:
    """Face to face at first, a quarter later at the person's left; the crop is upright about the aim."""
    aim, how = np.array([0.1, 1.2, 0.3]), OrbitSettings(VIEWS, SIDE)
    path = path_around(aim, how)
    for number, towards in ((0, (0, 0, 1)), (VIEWS / 4, (1, 0, 0)), (VIEWS / 2, (0, 0, -1)), (VIEWS, (0, 0, 1))):
        (view,) = path.views(number / how.fps, how.size)
        np.testing.assert_allclose(view.T_world_from_eye[:3, 3], aim + DISTANCE * np.array(towards), atol=1e-9)
        np.testing.assert_allclose(view.T_world_from_eye[:3, 2], towards, atol=1e-9)
        assert view.angle_right == -view.angle_left == pytest.approx(np.arctan(0.5 * ACROSS / DISTANCE))


def test_the_views_are_spread_evenly(orbit: Orbit) -> None:
    assert orbit.angles == pytest.approx([math.tau * n / VIEWS for n in range(VIEWS)])
    assert orbit.truth.shape == (VIEWS, 1, 4, SIDE, SIDE)


def test_no_view_is_a_cut_and_the_first_knows_the_last(orbit: Orbit) -> None:
    assert orbit.begin.before.shape[1] == 0
    assert {told.before.shape[1] for told in orbit.closed} == {1}
    assert float(orbit.closed[0].seen_before.max()) > 0.9
    assert torch.equal(orbit.begin.color, orbit.closed[0].color)
    assert orbit.opened[0] is orbit.begin
    assert orbit.opened[1:] == orbit.closed[1:]


def test_truth_and_render_lie_on_each_other(orbit: Orbit) -> None:
    for view in orbit.views:
        true, drawn = view.truth[0, 3] > 0.5, view.conditions.color[0, 3] > 0.5
        assert not (true & ~drawn).any()
        assert float(true.sum() / drawn.sum()) > 0.7  # Gaussians reach a pixel beyond the skin


def test_each_side_is_a_third_of_the_way_around(cards: Orbit) -> None:
    sides = [view.side for view in cards.views]
    assert Counter(sides) == {Side.FRONT: 9, Side.SIDE: 6, Side.BACK: 9}
    assert sides[1:] == sides[:0:-1], "left as right"
    assert sides[4] == Side.FRONT
    assert sides[8] == sides[12] == Side.BACK


@pytest.mark.parametrize("wrong", [{"views": LEAST_VIEWS - 1}, {"size": 100}, {"size": 0}])
def test_what_cannot_be_gone_around_is_said(wrong: dict[str, int]) -> None:
    with pytest.raises(BadInputError, match=r"at least|multiple"):
        OrbitSettings(**wrong)
