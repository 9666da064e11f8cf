"""The product's session and input as a client that draws nothing, for tests of what the input says."""

import time
from contextlib import ExitStack
from typing import Self

from inperson.avatar.headset_pose import HeadsetPose
from inperson.render.xr.buttons import InputEvent
from inperson.render.xr.frames import FrameTiming
from inperson.render.xr.graphics import Graphics
from inperson.render.xr.input import HeadsetInput
from inperson.render.xr.runtime import XrRuntime
from inperson.render.xr.session import XrSession


class InputClient:
    """The product's session and input, frame by frame, drawing nothing.

    Args:
        graphics: shared by the sessions of a test.
        api_layers: of the instance.
    """

    def __init__(self, graphics: Graphics, api_layers: tuple[str, ...] = ()) -> None:
        with ExitStack() as closing:
            self.runtime = XrRuntime.open("egl", api_layers=api_layers)
            closing.callback(self.runtime.close)
            self.session = closing.enter_context(XrSession(self.runtime, graphics))
            self.input = closing.enter_context(HeadsetInput(self.session))
            self._closing = closing.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.close()

    def frame(self) -> tuple[FrameTiming, HeadsetPose, tuple[InputEvent, ...]]:
        """One frame with nothing in it, and what was read for it."""
        give_up = time.monotonic() + 20.0
        self.session.poll()
        while not self.session.running:
            assert time.monotonic() < give_up, f"stays {self.session.state}"
            time.sleep(0.005)
            self.session.poll()
        timing = self.session.wait_frame()
        self.session.begin_frame()
        headset, events = self.input.read(timing)
        self.session.end_frame(timing)
        return timing, headset, events

    def focus(self) -> None:
        """Frames until input arrives, and one more: the buttons' first state is known then."""
        give_up = time.monotonic() + 20.0
        while not self.session.focused:
            assert time.monotonic() < give_up, f"stays {self.session.state}"
            self.frame()
        self.frame()

    def read(self) -> HeadsetPose:
        """One frame's pose."""
        return self.frame()[1]

    def events(self, frames: int = 3) -> list[InputEvent]:
        """What some frames ask for."""
        return [event for _ in range(frames) for event in self.frame()[2]]
