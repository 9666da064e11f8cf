"""Tracking what the landmarkers saw of a whole clip: the user's shape known from the start, smoothed both ways."""

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TypedDict

import numpy as np
from jaxtyping import Bool

from inperson.avatar.body import BodyModel
from inperson.tracking.lookahead import smooth_states
from inperson.tracking.motion_file import MotionClip, clip_of_states
from inperson.tracking.observation import Observation
from inperson.tracking.parts import HoldTiming, Part
from inperson.tracking.profile import UserProfile
from inperson.tracking.residuals import Residuals
from inperson.tracking.tracker import TrackedFrame, Tracker


class StageRow(TypedDict):
    """Times of one stage."""

    median_ms: float
    p95_ms: float
    count: int


class ClipReport(TypedDict):
    """What tracking a clip gave; `inperson track --report` writes it as it is."""

    frames: int
    seconds: float
    tracking_fps: float
    stages: dict[str, StageRow]
    residuals: dict[str, float]
    """Medians over frames: pixels, and `body_relative` as a share of the shoulder-to-hip distance."""
    part_rates: dict[str, float]
    """Share of frames in which each part was seen."""


@dataclass(frozen=True, slots=True)
class TrackedClip:
    """A motion, how it was come by, and the user it belongs to."""

    motion: MotionClip
    report: ClipReport
    profile: UserProfile
    frames: tuple[TrackedFrame, ...]


def track_observations(
    observations: list[Observation],
    body: BodyModel,
    *,
    framerate: float,
    profile: UserProfile | None = None,
    landmark_ns: Iterable[int] = (),
) -> TrackedClip:
    """Tracks a clip twice: first to learn the user (unless `profile` is given), then with the user known.

    Args:
        observations: of every frame, in time order.
        body: the body to fit.
        framerate: nominal frames per second.
        profile: the user, if known.
        landmark_ns: what the landmarkers took per frame, for the report.
    """
    if profile is None:
        learner = Tracker(body, smooth=False)
        for obs in observations:
            learner.update(obs)
        profile = learner.finish_profile()
    tracker = Tracker(body, profile, timing=HoldTiming(blend=0.05), smooth=False)
    fit_ns: list[int] = []
    frames: list[TrackedFrame] = []
    for obs in observations:
        start = perf_counter_ns()
        frames.append(tracker.update(obs))
        fit_ns.append(perf_counter_ns() - start)
    states = smooth_states([f.state for f in frames], _seen_by_part(frames))
    residuals = tuple(
        tracker.residuals(frame.observation, state) for frame, state in zip(frames, states, strict=True)
    )
    motion = clip_of_states(
        states,
        framerate=framerate,
        intrinsics=observations[0].intrinsics,
        residuals=residuals,
        expr_names=body.expr_names,
        body_name=body.name,
        body_sha256=body.sha256,
    )
    landmarks = list(landmark_ns)
    stages = {"landmarks": landmarks, "fit": fit_ns} if landmarks else {"fit": fit_ns}
    report = _report(frames, residuals, stages)
    return TrackedClip(motion, report, profile, tuple(frames))


def _seen_by_part(frames: list[TrackedFrame]) -> dict[Part, Bool[np.ndarray, " T"]]:
    return {part: np.array([part not in f.held for f in frames]) for part in Part}


def _report(frames: list[TrackedFrame], residuals: tuple[Residuals, ...], stages: dict[str, list[int]]) -> ClipReport:
    medians = {}
    for name in ("body_px", "left_hand_px", "right_hand_px", "face_px"):
        values = np.array([getattr(r, name) for r in residuals])
        if np.isfinite(values).any():
            medians[name] = float(np.nanmedian(values))
    relative = np.array([r.body_px / r.person_px for r in residuals])
    if np.isfinite(relative).any():
        medians["body_relative"] = float(np.nanmedian(relative))
    total_s = sum(map(sum, stages.values())) * 1e-9
    return ClipReport(
        frames=len(frames),
        seconds=(frames[-1].state.time_ns - frames[0].state.time_ns) * 1e-9,
        tracking_fps=len(frames) / max(total_s, 1e-9),
        stages={name: _row(samples) for name, samples in stages.items()},
        residuals=medians,
        part_rates={part.name.lower(): float(np.mean([part not in f.held for f in frames])) for part in Part},
    )


def _row(samples_ns: list[int]) -> StageRow:
    ms = np.array(samples_ns) * 1e-6
    return StageRow(
        median_ms=round(float(np.median(ms)), 3), p95_ms=round(float(np.percentile(ms, 95)), 3), count=len(ms)
    )
