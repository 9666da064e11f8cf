"""Scores of pictures, against torchmetrics and against arithmetic that can be done by hand."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from inperson.reconstruct.evaluation.metrics import overlap, psnr_inside, ssim_map


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    """A picture with structure, and a noisy, darker copy of it."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:48, :64] / 9.0
    image = 0.5 + 0.4 * np.stack([np.sin(x), np.cos(y), np.sin(x + y)], axis=2)
    return image.astype(np.float32), np.clip(0.9 * image + rng.normal(0, 0.05, image.shape), 0, 1).astype(np.float32)


def batch(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float64))


def test_ssim_is_torchmetrics(pair: tuple[np.ndarray, np.ndarray]) -> None:
    image, truth = pair
    _, theirs = structural_similarity_index_measure(
        batch(image), batch(truth), data_range=1.0, sigma=1.5, return_full_image=True
    )
    inner = (slice(5, -5), slice(5, -5))  # they leave the border out
    np.testing.assert_allclose(ssim_map(image, truth)[inner], theirs[0].mean(dim=0).numpy()[inner], atol=1e-6)


def test_psnr_is_torchmetrics_over_everything(pair: tuple[np.ndarray, np.ndarray]) -> None:
    image, truth = pair
    everywhere = np.ones(image.shape[:2], bool)
    theirs = peak_signal_noise_ratio(batch(image), batch(truth), data_range=1.0)
    assert psnr_inside(image, truth, everywhere) == pytest.approx(float(theirs), abs=1e-4)


def test_psnr_sees_only_the_region() -> None:
    image, truth = np.zeros((4, 6, 3), np.float32), np.zeros((4, 6, 3), np.float32)
    truth[:, :3] = 0.1
    left = np.zeros((4, 6), bool)
    left[:, :3] = True
    assert psnr_inside(image, truth, left) == pytest.approx(20.0, abs=1e-4)  # 0.1 off: 20 dB
    assert psnr_inside(image, truth, ~left) == pytest.approx(100.0)
    assert np.isnan(psnr_inside(image, truth, np.zeros((4, 6), bool)))


def test_equal_pictures_are_wholly_similar(pair: tuple[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_allclose(ssim_map(pair[0], pair[0]), 1.0, atol=1e-9)


def test_overlap_counts_pixels() -> None:
    a, b = np.zeros((2, 4), bool), np.zeros((2, 4), bool)
    a[0, :3], b[0, 1:4] = True, True
    assert overlap(a, b) == 0.5
    assert overlap(a, a) == 1.0
    assert overlap(a, ~a) == 0.0
    assert overlap(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 1.0
