"""The fused loss against torch's own convolutions and autograd, in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import conv2d

from inperson.reconstruct.image_loss import TAPS, LossWeights, capture_loss, psnr, ssim


def blurred(x: torch.Tensor) -> torch.Tensor:
    taps = torch.tensor(TAPS, dtype=torch.float64)
    rows = conv2d(x[:, None], taps.view(1, 1, 1, 11), padding=(0, 5))
    return conv2d(rows, taps.view(1, 1, 11, 1), padding=(5, 0))[:, 0]


def plain_ssim(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    mx, my = blurred(x), blurred(y)
    sxx, syy, sxy = blurred(x * x) - mx * mx, blurred(y * y) - my * my, blurred(x * y) - mx * my
    return ((2 * mx * my + 1e-4) * (2 * sxy + 9e-4) / ((mx**2 + my**2 + 1e-4) * (sxx + syy + 9e-4))).mean()


def plain_loss(planes: torch.Tensor, rgba: np.ndarray, background: np.ndarray, w: LossWeights) -> torch.Tensor:
    truth = torch.tensor(rgba.transpose(2, 0, 1) / 255.0)
    behind = torch.tensor(background)[:, None, None]
    x = planes[:3] + (1 - planes[4]) * behind
    y = truth[:3] + (1 - truth[3]) * behind
    image = (1 - w.ssim) * (x - y).abs().mean() + w.ssim * (1 - plain_ssim(x, y))
    return image + w.mask * (planes[4] - truth[3]).abs().mean()


@pytest.mark.parametrize("size", [(40, 33), (16, 70), (7, 9)])
@pytest.mark.parametrize("ssim_weight", [0.0, 0.2, 1.0])
def test_value_and_gradient_agree_with_the_plain_loss(size: tuple[int, int], ssim_weight: float) -> None:
    rng = np.random.default_rng(3)
    alpha = rng.uniform(0, 1, (1, *size))
    drawn = np.concatenate([alpha * rng.uniform(0, 1, (3, *size)), alpha, alpha])
    rgba = rng.integers(0, 256, (*size, 4)).astype(np.uint8)
    background, weights = rng.uniform(0, 1, 3), LossWeights(ssim=ssim_weight, mask=0.3)
    fast = torch.tensor(drawn, dtype=torch.float32, requires_grad=True)
    plain = torch.tensor(drawn, requires_grad=True)
    fast_loss = capture_loss(fast, rgba, background, weights)
    plain_value = plain_loss(plain, rgba, background, weights)
    (2 * fast_loss).backward()
    (2 * plain_value).backward()
    assert fast_loss.item() == pytest.approx(plain_value.item(), rel=1e-4)
    assert fast.grad is not None
    assert plain.grad is not None
    assert (fast.grad - plain.grad).norm() < 1e-3 * plain.grad.norm()


@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_an_image_is_like_itself_and_ssim_is_symmetric(seed: int) -> None:
    a, b = np.random.default_rng(seed).uniform(0, 1, (2, 3, 24, 31)).astype(np.float32)
    assert ssim(a, a) == pytest.approx(1.0, abs=1e-4)
    assert ssim(a, b) == pytest.approx(ssim(b, a), abs=1e-5)
    assert ssim(a, b) < 0.5


def test_psnr_of_a_known_error() -> None:
    a = np.zeros((10, 10, 3))
    assert psnr(a, a + 0.1) == pytest.approx(20.0, abs=1e-3)
