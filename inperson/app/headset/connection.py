"""One connection to a runtime: instance, session and input. Lost and made anew as a whole."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

from inperson.app.headset.plan import Binding
from inperson.errors import DeviceError
from inperson.render.exit_watchdog import ExitWatchdog
from inperson.render.xr.graphics import Graphics, open_graphics
from inperson.render.xr.input import HeadsetInput
from inperson.render.xr.loss import RuntimeLost
from inperson.render.xr.runtime import XrRuntime
from inperson.render.xr.session import XrSession

TEARDOWN_S = 4.0
"""A runtime that takes longer to let go hangs: the process ends then."""
HUNG, DONE = 1, 0
"""Exit codes: the session starts the process again after the first, nothing is left to do after the second."""


class Connection:
    """A session that is about to begin, and its input.

    Args:
        runtime: whose session it is; closed with the connection.
        graphics: draws; stays the caller's.
        passthrough: over the real world, where the runtime offers it.

    Raises:
        DeviceError: runtime and graphics do not fit together.
        RuntimeLost: the runtime went away.
    """

    def __init__(self, runtime: XrRuntime, graphics: Graphics, *, passthrough: bool) -> None:
        self.info = runtime.info
        with ExitStack() as closing:
            closing.callback(runtime.close)
            self.session = closing.enter_context(XrSession(runtime, graphics, passthrough=passthrough))
            self.input = closing.enter_context(HeadsetInput(self.session))
            self._closing = closing.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self, exit_code: int = HUNG) -> None:
        """Take everything down; where the runtime hangs in it, the process ends with this code."""
        with ending_if_hung(exit_code):
            self._closing.close()


@contextmanager
def ending_if_hung(exit_code: int) -> Iterator[None]:
    """A block that the process does not outlive by `TEARDOWN_S`."""
    watchdog = ExitWatchdog(TEARDOWN_S)
    watchdog.arm(exit_code)
    try:
        yield
    finally:
        watchdog.disarm()


def open_first(bindings: tuple[Binding, ...]) -> tuple[XrRuntime, Graphics]:
    """The runtime, and a context that it can share: the first way that both know.

    Raises:
        DeviceError: no runtime, no service, no headset, or no way to share a context.
    """
    faults = []
    for binding in bindings:
        try:
            runtime = open_runtime(binding)
        except DeviceError as error:
            faults.append(error)
            continue
        try:
            return runtime, open_graphics(binding)
        except DeviceError as error:
            runtime.close()
            faults.append(error)
    raise faults[0]


def open_runtime(binding: Binding) -> XrRuntime:
    """The runtime.

    Raises:
        DeviceError: as `XrRuntime.open`, or it went away meanwhile.
    """
    try:
        return XrRuntime.open(binding)
    except RuntimeLost as error:
        raise DeviceError(f"the OpenXR runtime went away ({error})", "start it, then start again") from error


def open_any_graphics(bindings: tuple[Binding, ...]) -> Graphics:
    """A context without a runtime that it is for.

    Raises:
        DeviceError: none can be made.
    """
    faults = []
    for binding in bindings:
        try:
            return open_graphics(binding)
        except DeviceError as error:
            faults.append(error)
    raise faults[0]
