"""A session without scenes, for the tests of OpenXR itself: fills rectangles and shows them."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from inperson.render.xr.events import Event, SessionState
from inperson.render.xr.frames import FrameTiming, Submission
from inperson.render.xr.graphics import Graphics, GraphicsKind, open_graphics
from inperson.render.xr.runtime import XrRuntime
from inperson.render.xr.session import XrSession
from inperson.render.xr.swapchains import EyeTarget

NEAR, FAR = 0.05, 100.0
PATIENCE = 20.0  # seconds

Draw = Callable[[tuple[EyeTarget, EyeTarget]], tuple[int, int]]
"""Draws both eyes; the size of what it drew."""


def draw_grey(targets: tuple[EyeTarget, EyeTarget]) -> tuple[int, int]:
    """Both pictures wholly grey."""
    for target in targets:
        target.framebuffer.clear(0.5, 0.5, 0.5, 1.0)
    return targets[0].max_width, targets[0].max_height


class SessionClient:
    """Runtime, graphics and session, closed with the `with` block.

    Args:
        binding: the kind of graphics, when none are given.
        graphics: to keep using.
        api_layers: of the instance.
    """

    def __init__(
        self,
        binding: GraphicsKind = "egl",
        *,
        graphics: Graphics | None = None,
        api_layers: Sequence[str] = (),
    ) -> None:
        self.events: list[Event] = []
        with ExitStack() as stack:
            self.graphics = open_graphics(binding) if graphics is None else graphics
            if graphics is None:
                stack.callback(self.graphics.close)
            self.runtime = stack.enter_context(XrRuntime.open(self.graphics.kind, api_layers=api_layers))
            self.session = stack.enter_context(XrSession(self.runtime, self.graphics))
            self._cleanup = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def poll_until(self, condition: Callable[[], bool]) -> None:
        """Poll without frames."""
        give_up = time.monotonic() + PATIENCE
        self.events += self.session.poll()
        while not condition():
            assert time.monotonic() < give_up, f"stays {self.session.state}"
            time.sleep(0.002)
            self.events += self.session.poll()

    def frame(self, draw: Draw = draw_grey) -> FrameTiming:
        """One whole frame; waits until the session runs."""
        self.poll_until(lambda: self.session.running)
        timing = self.session.wait_frame()
        self.session.begin_frame()
        eyes = self.session.locate_views(timing) if timing.should_render else None
        submission = None
        if eyes is not None:
            targets = self.session.swapchains.acquire()
            try:
                width, height = draw(targets)
            finally:
                self.session.swapchains.release()
            submission = Submission(eyes, width, height, NEAR, FAR)
        self.session.end_frame(timing, submission)
        return timing

    def frames(self, count: int, draw: Draw = draw_grey) -> list[FrameTiming]:
        """So many frames."""
        return [self.frame(draw) for _ in range(count)]

    def show(self, draw: Draw = draw_grey, frames: int = 4) -> None:
        """Frames until some were really shown."""
        while sum(timing.should_render for timing in self.frames(1, draw)) == 0:
            pass
        self.frames(frames, draw)

    def leave(self) -> None:
        """Ask to exit and see it through."""
        self.session.request_exit()
        self.session.request_exit()  # twice is once
        give_up = time.monotonic() + PATIENCE
        while self.session.state is not SessionState.EXITING:
            assert time.monotonic() < give_up, f"stays {self.session.state}"
            self.events += self.session.poll()
            if self.session.running:
                timing = self.session.wait_frame()
                self.session.begin_frame()
                self.session.end_frame(timing)
