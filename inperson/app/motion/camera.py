"""The real tracking pipeline: source, landmarkers, fit."""

from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from inperson.app.motion.inputs import DEMO, choose_source
from inperson.app.motion.pipeline import TrackingPlan
from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.state import BodyState
from inperson.tracking.landmarkers import Perception
from inperson.tracking.latest import LatestFrame
from inperson.tracking.observation import CameraFrame, Observation
from inperson.tracking.profile import load_profile, save_profile
from inperson.tracking.sources import FrameSource, open_source
from inperson.tracking.sources_video import VideoFileSource
from inperson.tracking.tracker import Tracker

WARM_UP_LOOKS, WARM_UP_FITS = 3, 90
"""The first look finds a person, the others follow; this many fits are past learning the user's shape."""
FRAME_NS = 33_000_000


class CameraPipeline:
    """See `Pipeline`. Opens and warms up everything when made.

    Raises:
        InPersonError: the source, the models or the body cannot be used.
    """

    def __init__(self, plan: TrackingPlan) -> None:
        self._plan = plan
        self._body = load_body(plan.body)
        source = open_source(plan.source, live=True)
        self._source = source
        self._described = source.describe()
        self.clip_seconds, self.fps = _clip_seconds(source), source.fps
        self._perception = Perception()
        _warm_up(self._perception, self._body)
        self._tracker = self._new_tracker()
        self._frames: LatestFrame | None = None
        self._dropped_before = 0

    def describe(self) -> str:
        """What the source calls itself."""
        return self._described

    @property
    def dropped(self) -> int:
        """Frames the source produced that were never asked for."""
        return self._dropped_before + (self._frames.dropped if self._frames else 0)

    @property
    def notices(self) -> tuple[str, ...]:
        """None."""
        return ()

    def next_frame(self) -> CameraFrame | None:
        """Wait for a frame newer than the last; None when the source has ended."""
        if self._frames is None:
            self._frames = LatestFrame(self._source)  # starts the clock of a clip
        frame = self._frames.get()
        if frame is None and self._plan.repeat:
            self._begin_again()
            frame = self._frames.get()
        return frame

    def observe(self, frame: CameraFrame) -> Observation:
        """Find the landmarks."""
        return self._perception.observe(frame)

    def fit(self, observation: Observation) -> BodyState:
        """Fit the body to them."""
        return self._tracker.update(observation).state

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        (self._frames or self._source).close()
        self._perception.close()
        if self._plan.profile is not None and self._tracker.calibrated:
            save_profile(self._tracker.profile, Path(self._plan.profile))

    def _begin_again(self) -> None:
        assert self._frames is not None
        self._dropped_before += self._frames.dropped
        self._frames.close()
        self._source = open_source(self._plan.source, live=True)
        self._frames = LatestFrame(self._source)

    def _new_tracker(self) -> Tracker:
        known = None if self._plan.profile is None else load_profile(Path(self._plan.profile), self._body)
        return Tracker(self._body, known)


def _clip_seconds(source: FrameSource) -> float | None:
    if isinstance(source, VideoFileSource) and source.frame_count is not None:
        return source.frame_count / source.fps
    return None


def _warm_up(perception: Perception, body: BodyModel) -> None:
    """Run (and so compile) every part of tracking once, on the shipped clip: a session must not begin with it."""
    tracker = Tracker(body)
    with open_source(choose_source(DEMO), live=False) as clip:
        frames = [frame for frame in (clip.read() for _ in range(WARM_UP_LOOKS)) if frame is not None]
    seen = [perception.observe(frame) for frame in frames]
    for number in range(WARM_UP_FITS):
        tracker.update(replace(seen[number % len(seen)], time_ns=number * FRAME_NS))
    perception.forget()
