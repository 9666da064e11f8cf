"""What runs inside the headset process."""

import contextlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from typing import Protocol

import numpy as np

from inperson.app.headset.link import HeadsetLink
from inperson.app.headset.plan import HeadsetPlan
from inperson.app.headset.status import Go, HeadsetFigures, HeadsetReady
from inperson.app.processes.mailbox import Mailbox
from inperson.app.processes.record_ring import RecordRing

NICENESS = -10
"""What the frame loop asks for: it, the runtime and tracking share the cores, and it alone has a date to keep."""


class Headset(Protocol):
    """What runs in the process."""

    def describe(self) -> HeadsetReady:
        """Who is there."""
        ...

    def run(self, link: HeadsetLink, go: Go) -> HeadsetFigures:
        """Show, until told to stop or the runtime or the wearer ends it."""
        ...


OpenHeadset = Callable[[HeadsetPlan, Mailbox | None], AbstractContextManager[Headset]]


def open_headset(plan: HeadsetPlan, tracked: Mailbox | None) -> AbstractContextManager[Headset]:
    """The real one (imported here: only the headset process pays for OpenXR)."""
    from inperson.app.headset.child import OpenXrHeadset

    return OpenXrHeadset(plan, tracked)


def drive(
    plan: HeadsetPlan,
    open_headset: OpenHeadset,
    tracked: Mailbox | None,
    states: Mailbox,
    dtype: np.dtype,
    ring: RecordRing | None,
    control: Connection,
) -> None:
    """From the start of the process to its end."""
    _ask_for_priority()
    link = HeadsetLink(control, states, dtype, ring)
    with open_headset(plan, tracked) as headset:
        link.say(headset.describe())
        go = link.wait_command()
        if isinstance(go, Go):
            link.say(headset.run(link, go))


def _ask_for_priority() -> None:
    """The system grants it to root, and to users whose limits allow it; without it frames are late more often."""
    if hasattr(os, "nice"):
        with contextlib.suppress(PermissionError):
            os.nice(NICENESS)
