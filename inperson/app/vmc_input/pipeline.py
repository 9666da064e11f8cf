"""A tracking pipeline whose states have parts from VMC in them."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from inperson.app.motion.pipeline import Pipeline
from inperson.app.outputs.addresses import find_address
from inperson.app.outputs.options import VMC_INPUT_PORT, VmcInput
from inperson.app.vmc_input.parts import ExternalParts
from inperson.app.vmc_input.receiver import VmcReceiver
from inperson.avatar.body import BodyModel
from inperson.avatar.state import BodyState
from inperson.tracking.observation import CameraFrame, Observation


class WithVmcInput:
    """See `Pipeline`. Everything downstream gets the mixed states: display, headset, recording, outputs.

    Args:
        open_camera: opens the pipeline that gives everything else; it is closed with this one.
        options: where to listen and for what; not off.
        body: whose states these are.

    Raises:
        BadInputError: the address is none.
        DeviceError: it is in use.
    """

    def __init__(self, open_camera: Callable[[], Pipeline], options: VmcInput, body: BodyModel) -> None:
        address = find_address("--vmc-input", options.address, VMC_INPUT_PORT)
        if address is None:
            raise ValueError("VMC input is off: use the camera's pipeline itself")
        self._parts = ExternalParts(body, options.parts)
        with ExitStack() as opened:
            self._receiver = opened.enter_context(VmcReceiver(address))
            self._camera = opened.enter_context(open_camera())
            self._opened = opened.pop_all()
        self._described = f"{self._camera.describe()} and VMC on {address}"
        self.clip_seconds, self.fps = self._camera.clip_seconds, self._camera.fps

    def describe(self) -> str:
        """What the source calls itself."""
        return self._described

    @property
    def dropped(self) -> int:
        """Frames the source produced that were never asked for."""
        return self._camera.dropped

    @property
    def notices(self) -> tuple[str, ...]:
        """What came, and what of it was ignored."""
        return (*self._camera.notices, self._receiver.figures)

    def next_frame(self) -> CameraFrame | None:
        """Wait for a frame newer than the last; None when the source has ended."""
        return self._camera.next_frame()

    def observe(self, frame: CameraFrame) -> Observation:
        """Find the landmarks."""
        return self._camera.observe(frame)

    def fit(self, observation: Observation) -> BodyState:
        """Fit the body to them, and put the other program's parts in."""
        return self._parts(self._camera.fit(observation), self._receiver.heard, time.monotonic_ns())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)
