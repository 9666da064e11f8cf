"""`RuntimeLost`: the runtime or the session went away. Ordinary here: close what is left and connect again."""

from collections.abc import Iterator
from contextlib import contextmanager

from xr import exception


class RuntimeLost(Exception):
    """The OpenXR instance or session is lost; only closing and connecting anew helps. Any call may raise it."""


_LOST = (
    exception.InstanceLostError,
    exception.SessionLostError,
    exception.SessionLossPending,
    # What Monado and SteamVR answer when their service dies in the middle of a call.
    exception.RuntimeFailureError,
    exception.RuntimeUnavailableError,
)


@contextmanager
def noticing_loss() -> Iterator[None]:
    """Turn OpenXR's words for a lost runtime into `RuntimeLost`; also a decorator. Every call of a session is made
    inside one."""
    try:
        yield
    except _LOST as error:
        raise RuntimeLost(str(error)) from error
