"""The tracking clock: camera frames to body states in a process of its own, newest state in a mailbox.

A process and not threads: landmarkers and fit spend part of their time under Python's global lock, and a slow
frame there must never cost a display frame. The process ends when it is told to, when its source ends, when it
fails, or when the process that started it is gone; however it ends, the other side learns why.
"""

import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np

from inperson.app.live.recording.rings import TrackingRings
from inperson.app.live.recording.taps import TrackingTap
from inperson.app.motion.pipeline import Pipeline, TrackingPlan, open_pipeline
from inperson.app.motion.tracked import STAGES, Tracked, TrackedReader, marks_of, pack, preview_of, tracked_dtype
from inperson.app.processes.child_process import JOIN_PATIENCE_S, ChildProcess
from inperson.app.processes.mailbox import Mailbox
from inperson.app.timing import Rate, StageRow, StageTimes
from inperson.avatar.state import PARTS, Source

BODY = PARTS.index("body")

READY_PATIENCE_S = 180.0
"""Compilation on a slow machine's first start takes most of this."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The source is open and everything is compiled."""

    source: str
    """What the source calls itself."""
    clip_seconds: float | None
    """How long the clip is; None for cameras and clips that do not say."""
    fps: float
    """Frames a second of the source, nominal."""


@dataclass(frozen=True, slots=True)
class TrackingSummary:
    """What the tracking clock did, told when it ends."""

    stages: dict[str, StageRow]
    rate: Rate
    """Of tracked frames."""
    dropped: int
    seen: int
    """Frames with a person in them."""
    notices: tuple[str, ...] = ()
    """What there is to say of its inputs."""


class TrackingProcess:
    """The handle on a tracking process. Start it, `wait_ready`, `go`, look at `newest`; leave through `with`.

    Args:
        plan: what to track.
        num_betas, num_expression: of the plan's body.
        open_tracking: makes the pipeline inside the process (a module-level function).
        rings: where every frame goes besides the mailbox, if a recording wants them all.
    """

    def __init__(
        self,
        plan: TrackingPlan,
        num_betas: int,
        num_expression: int,
        open_tracking: Callable[[TrackingPlan], Pipeline] = open_pipeline,
        rings: TrackingRings | None = None,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        dtype = tracked_dtype(num_betas, num_expression)
        self.mailbox = Mailbox(context, dtype)
        """The newest `Tracked`, as records of `tracked_dtype`; others may read it too."""
        self._reader = TrackedReader(self.mailbox)
        self._child = ChildProcess("tracking", context, _track, (plan, open_tracking, self.mailbox, dtype, rings))
        self._summary: TrackingSummary | None = None

    def wait_ready(self) -> Ready:
        """Wait until tracking can begin.

        Raises:
            InPersonError: whatever kept it from getting there.
        """
        message = self._child.receive(READY_PATIENCE_S)
        if not isinstance(message, Ready):
            raise self._child.crashed("did not get ready")
        return message

    def go(self) -> None:
        """Let the source run."""
        self._child.send(True)

    def newest(self) -> Tracked | None:
        """The newest tracked frame, if there is one that was not taken yet."""
        return self._reader.newest()

    def ended(self) -> bool:
        """Whether the source has ended and every frame of it is tracked.

        Raises:
            InPersonError: tracking failed, or its process died.
        """
        if self._summary is None and self._child.has_news():
            self._summary = self._last_message()
        return self._summary is not None

    def stop(self) -> TrackingSummary:
        """End tracking, if it has not ended, and say what it did."""
        if self._summary is None:
            self._child.send(False)
            self._summary = self._last_message()
        self._child.process.join(JOIN_PATIENCE_S)
        return self._summary

    def __enter__(self) -> "TrackingProcess":
        return self

    def __exit__(self, *error: object) -> None:
        self._child.close()

    def _last_message(self) -> TrackingSummary:
        message = self._child.receive(JOIN_PATIENCE_S)
        if not isinstance(message, TrackingSummary):
            raise self._child.crashed("did not stop when told to")
        return message


def _track(
    plan: TrackingPlan,
    open_tracking: Callable[[TrackingPlan], Pipeline],
    mailbox: Mailbox,
    dtype: np.dtype,
    rings: TrackingRings | None,
    control: Connection,
) -> None:
    """What runs in the process."""
    if plan.niceness and hasattr(os, "nice"):
        os.nice(plan.niceness)
    with open_tracking(plan) as pipeline, TrackingTap(rings) as tap:
        control.send(Ready(pipeline.describe(), pipeline.clip_seconds, pipeline.fps))
        if control.recv():
            summary = _track_until_told(pipeline, mailbox, dtype, tap, control)
            tap.finish()
            control.send(summary)


def _track_until_told(
    pipeline: Pipeline, mailbox: Mailbox, dtype: np.dtype, tap: TrackingTap, control: Connection
) -> TrackingSummary:
    # One after the other: to fit one frame beside the landmarks of the next gives a tenth more frames a second on
    # two cores, but the two then wait for Python's lock, and every picture is older.
    times = StageTimes()
    seen = 0
    at_ns: list[int] = []
    while not (control.poll() and not control.recv()):
        frame = pipeline.next_frame()
        if frame is None:
            break
        begin = time.monotonic_ns()
        observation = pipeline.observe(frame)
        observed = time.monotonic_ns()
        state = pipeline.fit(observation)
        fitted = time.monotonic_ns()
        stage_ns = np.array([begin - frame.time_ns, observed - begin, fitted - observed], np.float64)
        tracked = Tracked(
            state=state,
            sequence=frame.sequence,
            dropped=pipeline.dropped,
            stage_ns=stage_ns,
            preview=preview_of(frame),
            marks=marks_of(observation),
        )
        mailbox.put(pack(tracked, dtype))
        tap.put(frame, state, stage_ns, fitted)
        in_view = observation.body_pixels is not None or state.source[BODY] is Source.EXTERNAL
        seen += in_view and bool(state.confidence[BODY] > 0.0)
        at_ns.append(fitted)
        for stage, duration in zip(STAGES, stage_ns, strict=True):
            times.add(stage, int(duration))
    seconds = (at_ns[-1] - at_ns[0]) / 1e9 if at_ns else 0.0
    return TrackingSummary(times.table(), Rate(len(at_ns), seconds), pipeline.dropped, seen, pipeline.notices)
