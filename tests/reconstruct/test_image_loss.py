"""The fused loss, and the one for other devices, against torch's own convolutions and autograd in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import conv2d

from inperson.reconstruct.image_loss import (
    TAPS,
    LossWeights,
    capture_loss,
    capture_loss_in_torch,
    psnr,
    ssim,
    ssim_in_torch,
)


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
    fast_loss = capture_loss(fast, torch.from_numpy(rgba), background, weights)
    plain_value = plain_loss(plain, rgba, background, weights)
    (2 * fast_loss).backward()
    (2 * plain_value).backward()
    assert fast_loss.item() == pytest.approx(plain_value.item(), rel=1e-4)
    assert fast.grad is not None
    assert plain.grad is not None
    assert (fast.grad - plain.grad).norm() < 1e-3 * plain.grad.norm()
    elsewhere = torch.tensor(drawn, requires_grad=True)
    loss = capture_loss_in_torch(elsewhere, torch.from_numpy(rgba), background, weights)
    (2 * loss).backward()
    assert loss.item() == pytest.approx(plain_value.item(), rel=1e-12)
    torch.testing.assert_close(elsewhere.grad, plain.grad, rtol=1e-9, atol=1e-12)


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), height=st.integers(1, 40), width=st.integers(1, 40), flat=st.booleans())
def test_on_other_devices_it_is_the_same_loss(seed: int, height: int, width: int, flat: bool) -> None:
    """In float32, in which it runs there; also for pictures smaller than the window, and without any contrast."""
    rng = np.random.default_rng(seed)
    planes = rng.uniform(0, 1, (5, 1, 1) if flat else (5, height, width)).astype(np.float32)
    drawn = np.ascontiguousarray(np.broadcast_to(planes, (5, height, width)))
    rgba = torch.from_numpy(rng.integers(0, 256, (height, width, 4)).astype(np.uint8))
    background, weights = rng.uniform(0, 1, 3), LossWeights(ssim=0.4, mask=0.3)
    fused, plain = (torch.tensor(drawn, requires_grad=True) for _ in range(2))
    losses = [capture_loss(fused, rgba, background, weights), capture_loss_in_torch(plain, rgba, background, weights)]
    for loss in losses:
        loss.backward()
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-4)
    assert (fused.grad - plain.grad).norm() < 3e-3 * plain.grad.norm()


@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_an_image_is_like_itself_and_ssim_is_symmetric(seed: int) -> None:
    a, b = np.random.default_rng(seed).uniform(0, 1, (2, 3, 24, 31)).astype(np.float32)
    assert ssim(a, a) == pytest.approx(1.0, abs=1e-4)
    assert ssim(a, b) == pytest.approx(ssim(b, a), abs=1e-5)
    assert ssim(a, b) < 0.5
    assert ssim_in_torch(torch.from_numpy(a), torch.from_numpy(b)).item() == pytest.approx(ssim(a, b), abs=1e-5)


def test_psnr_of_a_known_error() -> None:
    a = np.zeros((10, 10, 3))
    assert psnr(a, a + 0.1) == pytest.approx(20.0, abs=1e-3)
