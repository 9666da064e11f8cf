"""Scores of one drawn frame."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from inperson.reconstruct.evaluation.pictures import RealPicture, hand_boxes, score_picture
from inperson.reconstruct.perceptual import Perceptual
from inperson.tracking.observation import HandObservation
from tests.tracking.anchor_cases import seen, standing


class Flat(Perceptual):
    """A perceptual distance that can be worked out by hand: the mean difference inside the mask."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)

    def distance(self, a, b, mask=None):
        return ((a - b).abs().mean(dim=1, keepdim=True) * mask).sum(dim=(1, 2, 3)) / mask.sum(dim=(1, 2, 3))


def hand(left: float, top: float, size: float) -> HandObservation:
    corners = np.array([[left, top], [left + size, top + size]])
    return HandObservation(np.resize(corners, (21, 2)), np.zeros((21, 3)), 1.0)


@pytest.fixture
def observation():
    return replace(seen(standing()), left_hand=hand(20, 30, 10), right_hand=None)


def test_hand_boxes_are_the_landmarks_and_four_pixels(observation):
    boxes = hand_boxes(observation, 100, 120)
    rows, columns = np.nonzero(boxes)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (26, 43, 16, 33)
    assert boxes.sum() == 18 * 18
    assert not hand_boxes(replace(observation, left_hand=None), 100, 120).any()


def test_hands_outside_the_picture_are_cut_off(observation):
    boxes = hand_boxes(replace(observation, left_hand=hand(-30, 95, 40)), 100, 120)
    rows, columns = np.nonzero(boxes)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (91, 99, 0, 13)


def test_only_the_union_counts(observation):
    real = np.full((100, 120, 3), 0.5, np.float32)
    drawn, inside, shown = real.copy(), np.zeros((100, 120), bool), np.zeros((100, 120), bool)
    inside[20:60, 10:60] = shown[20:60, 30:80] = True
    drawn[20:60, 60:80] = 0.6  # drawn only: 0.1 off on 2 of 7 parts of the union
    drawn[80:] = 0.0  # beside both: not seen
    score = score_picture(drawn, shown, RealPicture(real, inside, observation), Flat())
    assert score.iou == pytest.approx(30 / 70)
    assert score.psnr == pytest.approx(-10 * np.log10(0.01 * 2 / 7), abs=1e-3)
    assert score.perceptual == pytest.approx(0.1 * 2 / 7, abs=1e-6)
    assert score.hands == pytest.approx(100.0)
    assert 0.5 < score.ssim < 1.0


def test_nobody_scores_nothing(observation):
    empty = np.zeros((100, 120), bool)
    score = score_picture(
        np.zeros((100, 120, 3)), empty, RealPicture(np.zeros((100, 120, 3)), empty, observation), Flat()
    )
    assert np.isnan([score.psnr, score.ssim, score.perceptual, score.iou, score.hands]).all()
