"""Gaussians and views for the rasteriser's tests."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.views import EyeView, look_at

Tensors = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def cloud(count: int, num_features: int = 0, seed: int = 0) -> PosedGaussians:
    """Random Gaussians of all sizes and opacities in half a metre around the origin."""
    rng = np.random.default_rng(seed)
    quats, normals = rng.normal(size=(count, 4)), rng.normal(size=(count, 3))
    return posed(
        means=0.25 * rng.normal(size=(count, 3)),
        quats=quats / np.linalg.norm(quats, axis=1, keepdims=True),
        scales=np.exp(rng.uniform(np.log(0.002), np.log(0.08), (count, 3))),
        opacities=rng.uniform(0.0, 1.0, count),
        colors=rng.uniform(0.0, 1.0, (count, 3)),
        normals=normals / np.linalg.norm(normals, axis=1, keepdims=True),
        features=rng.uniform(-1.0, 1.0, (count, num_features)),
    )


def single(
    mean: Iterable[float] = (0, 0, -1),
    scale: float = 0.02,
    opacity: float = 0.8,
    color: Iterable[float] = (1, 0.5, 0.25),
) -> PosedGaussians:
    """One round Gaussian."""
    return posed(
        means=[list(mean)],
        quats=[[1, 0, 0, 0]],
        scales=[[scale] * 3],
        opacities=[opacity],
        colors=[list(color)],
        normals=[[0, 0, 1]],
        features=np.zeros((1, 0)),
    )


def posed(**fields) -> PosedGaussians:
    """float32 and contiguous."""
    return PosedGaussians(**{name: np.ascontiguousarray(value, np.float32) for name, value in fields.items()})


def reordered(gaussians: PosedGaussians, order: np.ndarray) -> PosedGaussians:
    """The same Gaussians in another order, or some of them."""
    return posed(**{name: getattr(gaussians, name)[order] for name in PosedGaussians.__slots__})


def eye(x: float = 0.0, width: int = 97, height: int = 61, near: float = 0.05, far: float = 100.0) -> EyeView:
    """A view on the origin from 1.2 m away, with four different angles and an odd size."""
    pose = look_at(np.array([x, 0.1, 1.2]), np.array([0.0, 0.05, 0.0]))
    return EyeView(pose, -0.35, 0.28, 0.24, -0.31, width, height, near, far)


def straight_view(size: int = 33) -> EyeView:
    """From the origin along -z, 40 degrees wide; the middle pixel's centre lies on the axis where `size` is odd."""
    half = np.deg2rad(20)
    return EyeView(np.eye(4), -half, half, half, -half, size, size)


def tensors(gaussians: PosedGaussians, dtype: torch.dtype = torch.float32) -> Tensors:
    """means, quats, scales, opacities and colours, each a leaf that wants its gradient."""
    arrays = (gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, gaussians.colors)
    means, quats, scales, opacities, colors = (torch.tensor(a, dtype=dtype, requires_grad=True) for a in arrays)
    return means, quats, scales, opacities, colors


def psnr(image: np.ndarray, truth: np.ndarray) -> float:
    """Decibels, for values from 0 to 1."""
    return float(-10 * np.log10(np.mean((np.asarray(image, np.float64) - truth) ** 2) + 1e-20))
