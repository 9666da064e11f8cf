"""The photometric loss of fitting: (1 - w) L1 + w (1 - SSIM).

SSIM is Wang et al. 2004's with an 11x11 Gaussian window of sigma 1.5, zero padding at the border, averaged
over pixels and channels, as everyone fits Gaussians since Kerbl et al. 2023. On the CPU torch's convolutions cost
more than the rasteriser; there value and gradient come from one fused and separable numba pass, for a fraction of it.
Other devices get the formula in torch, which is also the reference that the fused pass is tested against.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numba import njit
from torch import Tensor
from torch.nn import functional as F

WINDOW = 11
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2

_taps = np.exp(-((np.arange(WINDOW) - WINDOW // 2) ** 2) / (2 * SIGMA**2))
TAPS: Float[np.ndarray, "11"] = (_taps / _taps.sum()).astype(np.float32)


@dataclass(frozen=True, slots=True)
class LossWeights:
    """What counts in `capture_loss`."""

    ssim: float = 0.2
    """w: the rest, 1 - w, is mean absolute difference."""
    mask: float = 0.2
    """Of the mean absolute difference of alpha."""


def capture_loss(
    planes: Float[Tensor, "5 H W"],
    rgba: UInt8[Tensor, "H W 4"],
    background: Float[np.ndarray, "3"],
    weights: LossWeights,
) -> Float[Tensor, ""]:
    """(1 - w) L1 + w (1 - SSIM) over a background, plus the mask's L1; differentiable in `planes`.

    Args:
        planes: what a rasteriser sums: premultiplied RGB, depth (ignored), alpha.
        rgba: the capture, premultiplied, 0..255; on the device of `planes`.
        background: sRGB-encoded, behind both.
    """
    form = _CaptureLoss.apply if planes.device.type == "cpu" else capture_loss_in_torch
    loss: Float[Tensor, ""] = form(planes, rgba, background, weights)
    return loss


def capture_loss_in_torch(
    planes: Float[Tensor, "5 H W"],
    rgba: UInt8[Tensor, "H W 4"],
    background: Float[np.ndarray, "3"],
    weights: LossWeights,
) -> Float[Tensor, ""]:
    """`capture_loss` on any device, in the planes' own precision."""
    behind = torch.as_tensor(background, dtype=planes.dtype, device=planes.device)[:, None, None]
    capture = rgba.permute(2, 0, 1).to(planes.dtype) / 255
    image = planes[:3] + (1 - planes[4]) * behind
    truth = capture[:3] + (1 - capture[3]) * behind
    l1, mask = (image - truth).abs().mean(), (planes[4] - capture[3]).abs().mean()
    return (1 - weights.ssim) * l1 + weights.ssim * (1 - ssim_in_torch(image, truth)) + weights.mask * mask


def ssim_in_torch(image: Float[Tensor, "C H W"], truth: Float[Tensor, "C H W"]) -> Float[Tensor, ""]:
    """Mean structural similarity, differentiable, on any device."""
    fields = torch.cat([image, truth, image * image, truth * truth, image * truth])
    mx, my, xx, yy, xy = _blurred(fields).chunk(5)
    structure = (2 * mx * my + C1) * (2 * (xy - mx * my) + C2)
    return (structure / ((mx * mx + my * my + C1) * (xx - mx * mx + yy - my * my + C2))).mean()


def _blurred(fields: Float[Tensor, "F H W"]) -> Float[Tensor, "F H W"]:
    """Each field under the window, zeros outside.

    A group for each: so CUDA convolves in full float32. Ungrouped convolutions may be rounded to TF32, whose ten bits
    are too few for variances that are differences of means.
    """
    taps = torch.from_numpy(TAPS).to(fields).expand(len(fields), 1, 1, WINDOW)
    along_rows = F.conv2d(fields[None], taps, padding=(0, WINDOW // 2), groups=len(fields))
    return F.conv2d(along_rows, taps.mT, padding=(WINDOW // 2, 0), groups=len(fields))[0]


def ssim(image: Float[np.ndarray, "C H W"], truth: Float[np.ndarray, "C H W"]) -> float:
    """Mean structural similarity of two images in 0..1."""
    _, similarity, _ = _fused(np.ascontiguousarray(image), np.ascontiguousarray(truth), 1.0)
    return similarity


def psnr(image: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of two images in 0..1."""
    return float(-10 * np.log10(np.mean((np.asarray(image, np.float64) - truth) ** 2) + 1e-12))


class _CaptureLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, planes: Tensor, rgba: Tensor, background: np.ndarray, weights: LossWeights) -> Tensor:
        drawn = planes.detach().contiguous().numpy()
        background = np.asarray(background, np.float32)
        image, truth = np.empty_like(drawn[:3]), np.empty_like(drawn[:3])
        gradient = np.zeros_like(drawn)
        mask_loss = _over(drawn, rgba.numpy(), background, np.float32(weights.mask), image, truth, gradient)
        l1, similarity, image_gradient = _fused(image, truth, weights.ssim)
        _back_through_over(image_gradient, background, gradient)
        ctx.gradient = torch.from_numpy(gradient)
        return planes.new_tensor((1 - weights.ssim) * l1 + weights.ssim * (1 - similarity) + mask_loss)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None, None]:
        return ctx.gradient * upstream[0], None, None, None


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _over(drawn, rgba, background, mask_weight, image, truth, gradient):
    """Both pictures over the background; the mask's loss, and its gradient into the alpha plane."""
    height, width = drawn.shape[1:]
    byte = np.float32(1.0 / 255.0)
    one = np.float32(1.0)
    total = 0.0
    per_pixel = mask_weight / np.float32(height * width)
    for i in range(height):
        for j in range(width):
            alpha, true_alpha = drawn[4, i, j], rgba[i, j, 3] * byte
            for c in range(3):
                image[c, i, j] = drawn[c, i, j] + (one - alpha) * background[c]
                truth[c, i, j] = rgba[i, j, c] * byte + (one - true_alpha) * background[c]
            difference = alpha - true_alpha
            total += abs(difference)
            gradient[4, i, j] = per_pixel * np.sign(difference)
    return total * per_pixel


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _back_through_over(image_gradient, background, gradient):
    """Adds the composited image's gradient to that of colour and alpha."""
    _, height, width = image_gradient.shape
    for c in range(3):
        for i in range(height):
            for j in range(width):
                gradient[c, i, j] = image_gradient[c, i, j]
                gradient[4, i, j] -= background[c] * image_gradient[c, i, j]


def _fused(image: np.ndarray, truth: np.ndarray, ssim_weight: float) -> tuple[float, float, np.ndarray]:
    """Mean absolute difference, mean SSIM, and the gradient of the loss they make."""
    gradient = np.empty_like(image)
    l1 = similarity = 0.0
    for channel in range(len(image)):
        a, s = _channel(image[channel], truth[channel], TAPS, np.float32(ssim_weight), gradient[channel])
        l1 += a
        similarity += s
    gradient /= image.size
    return l1 / image.size, similarity / image.size, gradient


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _blur(plane, taps, padded):
    """Separable Gaussian of an (H, W) plane, in place, zeros outside. `padded`: (H + 10, W + 10), zero border."""
    height, width = plane.shape
    t0, t1, t2, t3, t4, t5 = taps[5], taps[6], taps[7], taps[8], taps[9], taps[10]
    for i in range(height):
        out = padded[i + 5]
        for j in range(width):
            out[j + 5] = plane[i, j]
    for i in range(height):  # down columns, so that the inner loop runs along memory
        a0, a1, a2, a3, a4 = padded[i], padded[i + 1], padded[i + 2], padded[i + 3], padded[i + 4]
        b5, b4, b3, b2, b1, b0 = (
            padded[i + 5],
            padded[i + 6],
            padded[i + 7],
            padded[i + 8],
            padded[i + 9],
            padded[i + 10],
        )
        row = plane[i]
        for j in range(width):
            k = j + 5
            row[j] = (
                t0 * b5[k]
                + t1 * (a4[k] + b4[k])
                + t2 * (a3[k] + b3[k])
                + t3 * (a2[k] + b2[k])
                + t4 * (a1[k] + b1[k])
                + t5 * (a0[k] + b0[k])
            )
    line = np.zeros(width + 10, plane.dtype)
    for i in range(height):
        row = plane[i]
        line[5 : width + 5] = row
        for j in range(width):
            row[j] = (
                t0 * line[j + 5]
                + t1 * (line[j + 4] + line[j + 6])
                + t2 * (line[j + 3] + line[j + 7])
                + t3 * (line[j + 2] + line[j + 8])
                + t4 * (line[j + 1] + line[j + 9])
                + t5 * (line[j] + line[j + 10])
            )


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _channel(x, y, taps, ssim_weight, gradient):
    """Sums of |x - y| and of SSIM over one (H, W) channel; `gradient` gets d(sum loss)/dx."""
    height, width = x.shape
    padded = np.zeros((height + 10, width + 10), x.dtype)
    planes = np.empty((5, height, width), x.dtype)
    for i in range(height):
        for j in range(width):
            a, b = x[i, j], y[i, j]
            planes[0, i, j], planes[1, i, j] = a, b
            planes[2, i, j], planes[3, i, j], planes[4, i, j] = a * a, b * b, a * b
    for p in range(5):
        _blur(planes[p], taps, padded)
    c1, c2 = np.float32(1e-4), np.float32(9e-4)
    one, two = np.float32(1.0), np.float32(2.0)
    similarity = 0.0
    for i in range(height):
        for j in range(width):
            mx, my = planes[0, i, j], planes[1, i, j]
            a = two * mx * my + c1
            b = two * (planes[4, i, j] - mx * my) + c2
            c = mx * mx + my * my + c1
            d = planes[2, i, j] - mx * mx + planes[3, i, j] - my * my + c2
            inverse = one / (c * d)
            s = a * b * inverse
            similarity += s
            # derivatives of S by the three blurred fields that hold x: its mean, x^2 and x y
            planes[0, i, j] = two * my * (b - a) * inverse - two * mx * s * (d - c) * inverse
            planes[1, i, j] = -s * c * inverse
            planes[2, i, j] = two * a * inverse
    for p in range(3):
        _blur(planes[p], taps, padded)
    l1 = 0.0
    l1_weight = one - ssim_weight
    for i in range(height):
        for j in range(width):
            difference = x[i, j] - y[i, j]
            l1 += abs(difference)
            ds = planes[0, i, j] + two * x[i, j] * planes[1, i, j] + y[i, j] * planes[2, i, j]
            gradient[i, j] = l1_weight * np.sign(difference) - ssim_weight * ds
    return l1, similarity
