"""A rasteriser on the strict fake device, whose drawing is not counted as traffic; and numpy's planes as tensors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import _disable_current_modes

from inperson.render import differentiable
from inperson.render.tensors import TensorRasterizer
from inperson.shader_model.conditions.channels import DensePlanes
from inperson.shader_model.conditions.motion import Past
from inperson.shader_model.conditions.on_device.motion import DevicePast
from inperson.shader_model.conditions.on_device.planes import DenseTensors
from tests.reconstruct.far_device import FAR, FarTensor, far_device


@contextmanager
def elsewhere() -> Iterator[TensorRasterizer]:
    """While it lasts, a device that takes nothing but its own tensors, and a rasteriser there."""
    with pytest.MonkeyPatch.context() as patch, far_device(patch):
        yield TensorRasterizer("far", _draw_there, FAR)


def rasterizer_here() -> TensorRasterizer:
    """Tensors of the CPU."""
    return TensorRasterizer("near", differentiable.rasterize, torch.device("cpu"))


def _draw_there(*args: Any) -> torch.Tensor:
    *tensors, views = args
    assert all(x.device == FAR for x in tensors)
    with _disable_current_modes(), torch.inference_mode(False):
        planes = differentiable.rasterize(*(x.near.clone() for x in tensors), views)
        return FarTensor(planes)


def as_tensors(planes: DensePlanes) -> DenseTensors:
    first = lambda x: torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))  # noqa: E731
    flat = (torch.from_numpy(np.ascontiguousarray(x)) for x in (planes.alpha, planes.depth))
    return DenseTensors(*flat, *(first(x) for x in (planes.displacement, planes.normal, planes.parts, planes.photo)))


def past_as_tensors(past: Past) -> DevicePast:
    return DevicePast(past.views, *(torch.from_numpy(np.asarray(x)) for x in (past.alpha, past.depth, past.slope)))
