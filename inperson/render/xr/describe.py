"""`describe_runtime`: what the active runtime and its headset offer, for `inperson doctor` and `devices`."""

from contextlib import closing
from dataclasses import replace

from inperson.render.xr.graphics import GraphicsKind, open_graphics
from inperson.render.xr.runtime import RuntimeInfo, XrRuntime
from inperson.render.xr.session import XrSession


def describe_runtime(binding: GraphicsKind = "egl") -> RuntimeInfo:
    """The active runtime, refresh rates included (this takes a brief session; nothing is shown).

    Raises:
        DeviceError: as `XrRuntime.open`, `open_graphics` and `XrSession`.
        RuntimeLost: the runtime went away in between.
    """
    with (
        XrRuntime.open(binding) as runtime,
        closing(open_graphics(binding)) as graphics,
        XrSession(runtime, graphics) as session,
    ):
        return replace(runtime.info, refresh_rates=session.refresh_rates)
