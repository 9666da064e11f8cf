"""`RuntimeLost`: the runtime or the session went away. Ordinary here: close what is left and connect again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import xr
from xr import exception


class RuntimeLost(Exception):
    """The OpenXR instance or session is lost; only closing and connecting anew helps. Any call may raise it."""


_LOST = (
    exception.InstanceLostError,
    exception.SessionLostError,
    exception.SessionLossPending,
    # What a runtime's client library answers when its service dies in the middle of a call.
    exception.RuntimeFailureError,
)


@contextmanager
def noticing_loss() -> Iterator[None]:
    """Turn OpenXR's words for a lost runtime into `RuntimeLost`; also a decorator. Every call on a session or an
    instance is made inside one."""
    try:
        yield
    except _LOST as error:
        raise RuntimeLost(str(error)) from error


def check(result: xr.Result) -> None:
    """Raise pyopenxr's exception for the result of a raw function, as its own wrappers do (they also raise on
    qualified success)."""
    checked = exception.check_result(xr.Result(result))
    if checked.is_exception():
        raise checked


def destroy(destroy_function: Callable[[Any], None], handle: Any) -> None:
    """Destroy a handle, whether or not its runtime still lives: a loss takes the handle with it."""
    with suppress(exception.ErrorResult):
        destroy_function(handle)
