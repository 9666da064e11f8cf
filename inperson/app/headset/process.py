"""The headset process as the session sees it: it may come, crash and come back; the session goes on meanwhile.

A process and not a thread: the frame loop must never wait for Python's lock, and a runtime that hangs or crashes
inside this program must not take the mirror window along.
"""

import multiprocessing
import time
from dataclasses import replace

from inperson.app.headset.inside import OpenHeadset, drive, open_headset
from inperson.app.headset.plan import HeadsetPlan
from inperson.app.headset.status import (
    CalibrationSeen,
    Go,
    HeadsetFigures,
    HeadsetReady,
    HeadsetStatus,
    Play,
    Recenter,
    Recentred,
    ShowAvatar,
    ShowSign,
    Stop,
    ToggleShader,
    ToggleSplit,
)
from inperson.app.motion.state_record import state_dtype, unpack_state
from inperson.app.processes.child_process import ChildProcess
from inperson.app.processes.mailbox import Mailbox
from inperson.app.processes.record_ring import RecordRing
from inperson.app.replay.tempo import Tempo
from inperson.avatar.state import BodyState
from inperson.errors import InPersonError

READY_PATIENCE_S = 240.0
"""Compilation on a slow machine's first start takes most of this."""
STOP_PATIENCE_S = 6.0
"""To walk through the states up to EXITING, with a runtime that dawdles."""
RESTART_AFTER_S = 1.0
MOST_CRASHES, WITHIN_S = 3, 60.0
"""This many crashes in this long are a fault that starting again does not mend."""
SILENCE_S = 3.0
"""Without a word from a process that tells its status twice a second: its runtime does not return."""
FRESH_NS = 250_000_000
"""How long a wearer's state is shown after the headset drew it."""


class HeadsetProcess:
    """The handle. Start it, `wait_ready`, `go`, then `poll` now and then; leave through `with`.

    Args:
        plan: what to do.
        tracked: the mailbox of the tracking process, if a camera moves the avatar.
        num_betas, num_expression: of the body.
        open_headset: makes what runs inside (a module-level function).
        ring: where every frame goes, if a recording wants them all.
    """

    def __init__(
        self,
        plan: HeadsetPlan,
        tracked: Mailbox | None,
        num_betas: int,
        num_expression: int,
        open_headset: OpenHeadset = open_headset,
        ring: RecordRing | None = None,
    ) -> None:
        self._plan, self._tracked, self._open_headset, self._ring = plan, tracked, open_headset, ring
        self._context = multiprocessing.get_context("spawn")
        self._dtype = state_dtype(num_betas, num_expression)
        self._states = Mailbox(self._context, self._dtype)
        self._status = HeadsetStatus("starting")
        self._sign = ""
        self._tempo: Tempo | None = None
        self._heard_at = 0.0
        self._talks = False
        self.seen: CalibrationSeen | None = None
        """What a calibration saw."""
        self._figures: HeadsetFigures | None = None
        self._go: Go | None = None
        self._ready: HeadsetReady | None = None
        self._crashes: list[float] = []
        self._restart_at = 0.0
        self._child: ChildProcess | None = self._start()

    def wait_ready(self) -> HeadsetReady:
        """Wait until the headset can begin.

        Raises:
            DeviceError: there is no runtime, no service behind it, or no headset.
            InPersonError: whatever else kept it from getting there.
        """
        assert self._child is not None
        message = self._child.receive(READY_PATIENCE_S)
        if not isinstance(message, HeadsetReady):
            raise self._child.crashed("did not get ready")
        self._ready = message
        # What the first one found out holds for those that are started again.
        passthrough = self._plan.passthrough and message.passthrough
        self._plan = replace(self._plan, bindings=(message.binding,), passthrough=passthrough)
        return message

    def go(self, start_ns: int) -> None:
        """Begin; a motion file plays from `start_ns` on (monotonic)."""
        self._go = Go(start_ns)
        self._tell(self._go)

    def poll(self) -> list[Recentred]:
        """Take what the process said, and start it again a moment after a crash.

        Returns:
            How the play space moved since the last call.

        Raises:
            InPersonError: it crashes again and again, or it says what the user must mend.
        """
        recentred: list[Recentred] = []
        if self._child is None and self._figures is None and time.monotonic() >= self._restart_at:
            self._plan = replace(self._plan, patient=True)
            self._child = self._start()
        try:
            while self._child is not None and self._figures is None and self._child.has_news():
                message = self._child.receive(0.0)
                self._take(message)
                if isinstance(message, Recentred):
                    recentred.append(message)
        except InPersonError as error:
            self._lost(error)
        return recentred

    @property
    def status(self) -> HeadsetStatus:
        """The newest that is known."""
        if not self._talks or time.monotonic() - self._heard_at < SILENCE_S:
            return self._status
        return replace(self._status, state="no answer", notice="the runtime does not answer")

    @property
    def ended(self) -> bool:
        """Whether the wearer, the runtime or the number of frames ended the session."""
        return self._figures is not None

    def newest_state(self) -> BodyState | None:
        """What the headset last drew, in its play space; None when it is not drawing now."""
        taken = self._states.take()
        if taken is None:
            return None
        state = unpack_state(taken[1])
        return state if time.monotonic_ns() - state.time_ns < FRESH_NS else None

    def recenter(self) -> None:
        """Put the wearer back into the middle."""
        self._tell(Recenter())

    def show_avatar(self, name: str) -> None:
        """Put on another avatar."""
        self._plan = replace(self._plan, avatar=name)
        self._tell(ShowAvatar(name))

    def play(self, tempo: Tempo) -> None:
        """Let a recorded session go on like this."""
        if tempo != self._tempo:
            self._tempo = tempo
            self._tell(Play(tempo))

    def show_sign(self, text: str) -> None:
        """Show the wearer that they are recorded; an empty text takes the sign away."""
        if text != self._sign:
            self._sign = text
            self._tell(ShowSign(text))

    def toggle_shader(self) -> None:
        """Draw without the video shader, or with it again."""
        self._tell(ToggleShader())

    def toggle_split(self) -> None:
        """Draw half of the person without the video shader, or all with it again."""
        self._tell(ToggleSplit())

    def stop(self) -> HeadsetFigures | None:
        """End the session, if it has not ended, through all its states; None if it never began or is not there.

        Raises:
            InPersonError: it crashed on the way out.
        """
        if self._go is None:
            return None
        deadline = time.monotonic() + STOP_PATIENCE_S
        self._tell(Stop())
        while self._child is not None and self._figures is None and time.monotonic() < deadline:
            message = self._child.receive(max(deadline - time.monotonic(), 0.0))
            if message is not None:
                self._take(message)
        if self._child is not None and self._figures is None:
            raise self._child.crashed("did not stop when told to")
        return self._figures and replace(self._figures, restarts=len(self._crashes))

    def __enter__(self) -> "HeadsetProcess":
        return self

    def __exit__(self, *error: object) -> None:
        if self._child is not None:
            self._child.close()

    def _start(self) -> ChildProcess:
        work = (self._plan, self._open_headset, self._tracked, self._states, self._dtype, self._ring)
        return ChildProcess("headset", self._context, drive, work)

    def _tell(self, message: object) -> None:
        if self._child is not None and self._figures is None:
            self._child.send(message)

    def _take(self, message: object) -> None:
        self._heard_at = time.monotonic()
        self._talks = isinstance(message, HeadsetStatus | Recentred | CalibrationSeen)
        match message:
            case HeadsetReady():
                if self._go is not None:  # started again
                    self._tell(self._go)
                    self._tell(ShowSign(self._sign))
                    if self._tempo is not None:
                        self._tell(Play(self._tempo))
            case HeadsetStatus():
                self._status = message
            case CalibrationSeen():
                self.seen = message
            case HeadsetFigures():
                self._figures = message
                self._status = HeadsetStatus("ended", runtime=message.runtime)

    def _lost(self, error: InPersonError) -> None:
        assert self._child is not None
        self._child.close()
        self._child, self._talks = None, False
        now = time.monotonic()
        self._restart_at = now + RESTART_AFTER_S
        self._crashes.append(now)
        if len(self._crashes) >= MOST_CRASHES and now - self._crashes[-MOST_CRASHES] < WITHIN_S:
            raise error
        runtime = self._ready.runtime if self._ready else ""
        self._status = HeadsetStatus("starting again", runtime, notice=f"{_it(error)}, starting it again")


def _it(error: InPersonError) -> str:
    return f"it {error.what.removeprefix('headset ')}"
