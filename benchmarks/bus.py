"""`Bus`: counts what passes between this process's memory and a device, and what waits for the device."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_READS = ("aten._local_scalar_dense", "aten.nonzero", "aten.masked_select", "aten.equal")
"""Operators that tell this process a number of the device's."""


class Bus(TorchDispatchMode):
    """While it lasts, every operator of torch is looked at. What libraries copy by themselves is not seen."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0
        """Bytes to the device."""
        self.fetched = 0
        """Bytes from it."""
        self.waits: list[str] = []
        """Operators that make this process wait for the device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        given = [x for x in tree_leaves((args, kwargs or {})) if isinstance(x, torch.Tensor)]
        far = [x for x in given if x.device.type != "cpu"]
        results = [x for x in tree_leaves(out) if isinstance(x, torch.Tensor)]
        if far and (str(func).startswith(_READS) or _by_mask(func, given)):
            self.waits.append(str(func))
        for result in results:
            away = result.device.type != "cpu"
            source = given[-1].device.type != "cpu" if given else away
            if away and not source:
                self.sent += result.numel() * result.element_size()
            elif source and not away:
                self.fetched += result.numel() * result.element_size()
                self.waits.append(str(func))
        return out


def _by_mask(func: Any, given: list[torch.Tensor]) -> bool:
    """Whether elements are chosen by a mask, whose count this process must know."""
    return str(func).startswith("aten.index.") and any(x.dtype is torch.bool for x in given[1:])
