"""Scores at the photo's own view."""

import numpy as np
import pytest

from inperson.reconstruct.create_scores import compare, masked_ssim
from inperson.reconstruct.image_loss import ssim
from inperson.reconstruct.polish_target import PolishTarget
from inperson.synthetic.cameras import webcam_view


@pytest.fixture
def target() -> PolishTarget:
    rng = np.random.default_rng(1)
    rgba = np.zeros((60, 50, 4), np.uint8)
    rgba[10:50, 10:40] = rng.integers(0, 255, (40, 30, 4))
    rgba[10:50, 10:40, 3] = 255
    return PolishTarget(rgba, webcam_view(50, 60), (0, 0, 50, 60))


def drawn_like(target: PolishTarget) -> tuple[np.ndarray, np.ndarray]:
    rgba = target.rgba.astype(np.float32) / 255
    return rgba[..., :3].copy(), rgba[..., 3].copy()


def test_the_photo_itself_is_perfect(target):
    scores = compare(*drawn_like(target), target)
    assert scores.iou == 1.0
    assert scores.psnr > 100
    assert scores.ssim == pytest.approx(1.0)


def test_psnr_is_of_the_pixels_inside_alone(target):
    rgb, alpha = drawn_like(target)
    rgb[10:50, 10:40] += 0.01
    rgb[:10] = alpha[:10] = 0.7  # a mess outside
    scores = compare(np.minimum(rgb, 1.0), alpha, target)
    assert scores.psnr == pytest.approx(40.0, abs=0.2)
    assert scores.iou == pytest.approx(1200 / 1700)


def test_a_shifted_outline_costs_iou(target):
    rgb, alpha = drawn_like(target)
    scores = compare(np.roll(rgb, 3, axis=1), np.roll(alpha, 3, axis=1), target)
    assert scores.iou == pytest.approx(27 / 33)


def test_ssim_over_everything_is_that_of_the_loss():
    rng = np.random.default_rng(2)
    truth = rng.random((40, 56, 3)).astype(np.float32)
    image = np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1).astype(np.float32)
    ours = masked_ssim(image, truth, np.ones((40, 56), bool))
    assert ours == pytest.approx(ssim(image.transpose(2, 0, 1), truth.transpose(2, 0, 1)), abs=1e-4)
