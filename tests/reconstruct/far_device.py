"""A device that computes on the CPU and is as strict as CUDA: what is written for CUDA runs where there is none.

Its tensors report another device (`meta`, which every torch knows) and hold ordinary ones. While `far_device` lasts:

- `.numpy()` and whatever calls it fails; only `.cpu()`, `.to` and `.item()` bring numbers back;
- an operator that is given tensors of both devices fails, also for indices and masks (stricter than CUDA); a single
  CPU number (0-dimensional) may take part, as with CUDA;
- `rasterize` takes them: through the CPU's engine, there and back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from inperson.render import differentiable

FAR = torch.device("meta")
_MOVES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)


class FarTensor(torch.Tensor):
    """An ordinary tensor that says it is elsewhere."""

    near: torch.Tensor

    @staticmethod
    def __new__(cls, near: torch.Tensor) -> "FarTensor":
        layout = {"strides": near.stride(), "storage_offset": near.storage_offset(), "dtype": near.dtype}
        with torch.inference_mode(False):  # wrapped inference tensors cannot be viewed
            out = torch.Tensor._make_wrapper_subclass(cls, near.size(), device=FAR, **layout)
        out.near = near
        return out

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError(f"{func} on a far tensor outside of `far_device`")


class _Far(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.operators: set[str] = set()
        """What ran there."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        tensors = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, torch.Tensor)]
        far = [x for x in tensors if isinstance(x, FarTensor)]
        if far and func not in _MOVES and any(not isinstance(x, FarTensor) and x.dim() > 0 for x in tensors):
            raise RuntimeError(f"{func}: expected all tensors to be on the same device")
        there = bool(far)
        if kwargs.get("device") is not None:
            there = torch.device(kwargs["device"]) == FAR
            kwargs["device"] = torch.device("cpu")
        out = func(*tree_map(_near, args), **tree_map(_near, kwargs))
        if there:
            self.operators.add(str(func))
        if func._schema.is_mutable:
            return args[0] if isinstance(out, torch.Tensor) else out
        return tree_map(_as_far, out) if there else out


def _near(x: Any) -> Any:
    return x.near if isinstance(x, FarTensor) else x


def _as_far(x: Any) -> Any:
    return FarTensor(x) if isinstance(x, torch.Tensor) else x


def _draw(*args: Any) -> torch.Tensor:
    *tensors, views = args
    assert all(x.device == FAR for x in tensors)
    return differentiable.rasterize(*(x.cpu() for x in tensors), views).to(FAR)


@contextmanager
def far_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """While it lasts, `FAR` is a device; gives the names of the operators that ran on it."""
    with monkeypatch.context() as patch, _Far() as mode:
        patch.setitem(differentiable.BACKEND_OF_DEVICE, "meta", "far")
        patch.setitem(differentiable._BACKENDS, "far", _draw)
        yield mode.operators
