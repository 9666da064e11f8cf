"""Functions of OpenXR extensions, resolved once and checked on every call."""

import ctypes
from collections.abc import Callable

import xr

from inperson.render.xr.loss import check, noticing_loss


def extension_function(instance: xr.Instance, name: str) -> Callable[..., None]:
    """An extension's function by its C name ("xrLocateHandJointsEXT"), to be called with its C arguments.

    pyopenxr's own wrappers look the address up on every call, and some cannot be given the arrays a runtime should
    fill; this is the function itself.

    Raises:
        RuntimeLost: here and from every call, when the runtime or the session is gone.
        xr.exception.ResultException: from every call, whatever else the runtime refuses.
    """
    with noticing_loss():
        address = xr.get_instance_proc_addr(instance, name)
    function = ctypes.cast(address, getattr(xr, f"PFN_{name}"))

    def call(*arguments: object) -> None:
        with noticing_loss():
            check(function(*arguments))

    return call
