"""Hands that a wrist could not carry lose their confidence; others keep it."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.conventions import Intrinsics
from inperson.tracking.observation import HandObservation, Observation
from inperson.tracking.plausible import with_doubts

WRIST, ELBOW = 15, 13


def observation(bend: float) -> Observation:
    """A forearm pointing up in the picture, and a left hand bent sideways from it by `bend` radians."""
    pixels = np.zeros((33, 2)) + 300.0
    pixels[[11, 12]] = (350, 150), (250, 150)
    pixels[[23, 24]] = (340, 350), (260, 350)
    pixels[ELBOW], pixels[WRIST] = (350, 280), (350, 180)
    world = np.zeros((33, 3))
    world[ELBOW], world[WRIST] = (0.2, 0.0, 0.0), (0.2, -0.25, 0.0)
    away = np.array([np.sin(bend), -np.cos(bend), 0.0])
    hand_world = np.linspace(0.0, 0.18, 21)[:, None] * away
    hand_pixels = pixels[WRIST] + 400.0 * hand_world[:, :2]
    return Observation(
        time_ns=0,
        sequence=0,
        intrinsics=Intrinsics.from_horizontal_fov(640, 480),
        body_pixels=pixels,
        body_world=world,
        body_visibility=np.ones(33),
        left_hand=HandObservation(hand_pixels, hand_world, 0.8),
        right_hand=None,
        face=None,
    )


@pytest.mark.parametrize("bend", [0.0, 0.7, -0.7, 1.4])
def test_hands_within_a_wrists_reach_are_believed(bend: float):
    left = with_doubts(observation(bend)).left_hand
    assert left is not None
    assert left.confidence == pytest.approx(0.8, rel=0.01)


@pytest.mark.parametrize("bend", [2.6, np.pi, -2.6])
def test_hands_pointing_back_along_the_forearm_are_dropped(bend: float):
    assert with_doubts(observation(bend)).left_hand is None


def test_doubt_grows_with_the_bend():
    confidences = []
    for bend in np.linspace(1.4, 2.2, 9):
        left = with_doubts(observation(float(bend))).left_hand
        confidences.append(0.0 if left is None else left.confidence)
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[0] > 0.7
    assert confidences[-1] == 0.0


def test_an_elbow_that_is_not_seen_says_nothing():
    obs = observation(np.pi)
    visibility = np.ones(33)
    visibility[ELBOW] = 0.1
    hidden = replace(obs, body_visibility=visibility)
    assert with_doubts(hidden).left_hand is hidden.left_hand
