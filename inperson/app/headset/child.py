"""What runs in the headset process: opens everything once, then connects to the runtime as often as it takes."""

import gc
from contextlib import ExitStack
from dataclasses import replace
from typing import Self

from inperson.app.headset.connection import (
    DONE,
    Connection,
    ending_if_hung,
    open_any_graphics,
    open_first,
    open_runtime,
)
from inperson.app.headset.link import HeadsetLink
from inperson.app.headset.plan import HeadsetPlan, frame_loop_threads
from inperson.app.headset.show import HeadsetShow
from inperson.app.headset.stage import Stage
from inperson.app.headset.state_feed import Sources
from inperson.app.headset.status import Go, HeadsetFigures, HeadsetReady
from inperson.app.headset.wardrobe import Wardrobe
from inperson.app.processes.mailbox import Mailbox
from inperson.render.xr.runtime import XrRuntime

PASSTHROUGH = "ALPHA_BLEND"
USUAL_EYE_SIZE = (1024, 1024)
"""To warm up with where there is no runtime yet that says."""


class OpenXrHeadset:
    """A headset behind an OpenXR runtime.

    Args:
        plan: what to do.
        tracked: the tracking process's mailbox, if a camera moves the avatar.
    """

    def __init__(self, plan: HeadsetPlan, tracked: Mailbox | None) -> None:
        self._plan, self._tracked = plan, tracked
        self._runtime: XrRuntime | None = None

    def __enter__(self) -> Self:
        plan, threads = self._plan, frame_loop_threads()
        with ExitStack() as closing:
            if plan.patient:
                self._graphics = open_any_graphics(plan.bindings)
            else:
                self._runtime, self._graphics = open_first(plan.bindings)
                closing.callback(self._runtime.close)
                offered = PASSTHROUGH in self._runtime.info.blend_modes
                self._plan = plan = replace(plan, passthrough=plan.passthrough and offered)
            closing.callback(self._graphics.close)
            self._sources = Sources(plan, self._tracked)
            self._wardrobe = Wardrobe(plan, self._sources, threads)
            closing.callback(self._wardrobe.close)
            self._worn = self._wardrobe.put_on(plan.avatar)
            self._stage = Stage(plan, self._graphics, self._worn.counts, threads)
            closing.callback(self._stage.close)
            self._stage.warm(self._worn, self._runtime.info.eye_size if self._runtime else USUAL_EYE_SIZE)
            self._closing = closing.pop_all()
        gc.collect()
        gc.freeze()  # what is there stays: the collector need not walk through it between frames
        return self

    def __exit__(self, *error: object) -> None:
        with ending_if_hung(DONE):
            self._closing.close()

    def describe(self) -> HeadsetReady:
        """Who is there."""
        if self._runtime is None:
            return HeadsetReady("", "", self._graphics.kind, self._plan.passthrough)
        info = self._runtime.info
        offered = PASSTHROUGH in info.blend_modes
        return HeadsetReady(f"{info.name} {info.version}", info.system, self._graphics.kind, offered)

    def run(self, link: HeadsetLink, go: Go) -> HeadsetFigures:
        """Show until the end. The last connection stays open: what hangs in its end must not keep the figures."""
        self._sources.start_ns = go.start_ns
        webcam = self._sources.predicted if self._plan.job == "calibrate" else None
        show = HeadsetShow(self._plan, self._stage, self._wardrobe, self._worn, link, webcam)
        self._closing.callback(show.close)
        show.run(self._connect)
        return show.figures(self._graphics.kind)

    def _connect(self) -> Connection:
        """The runtime that was opened at the start, later ones anew. DeviceError where there is none."""
        runtime, self._runtime = self._runtime or open_runtime(self._graphics.kind), None
        return Connection(runtime, self._graphics, passthrough=self._plan.passthrough)
