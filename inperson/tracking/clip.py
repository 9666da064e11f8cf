"""Tracking a video file or folder of pictures offline: every frame of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns

from inperson.avatar.body import BodyModel
from inperson.errors import BadInputError
from inperson.tracking.landmarkers import Perception
from inperson.tracking.observation import Observation
from inperson.tracking.offline import TrackedClip, track_observations
from inperson.tracking.profile import UserProfile
from inperson.tracking.sources import open_source


@dataclass(frozen=True, slots=True)
class ObservedClip:
    """What the landmarkers saw of every frame of a clip."""

    observations: list[Observation]
    fps: float
    landmark_ns: list[int]
    """What they took, frame by frame."""


def observe_clip(path: Path, progress: Callable[[int], None] | None = None) -> ObservedClip:
    """Runs the landmarkers over every frame.

    Args:
        path: a video file or folder of pictures.
        progress: called with the number of frames observed so far.

    Raises:
        BadInputError: not a clip, or nobody is in it.
        MissingModelError: the landmarkers' models are not there.
    """
    observations: list[Observation] = []
    landmark_ns: list[int] = []
    with open_source(path, live=False) as source, Perception() as perception:
        for frame in iter(source.read, None):
            start = perf_counter_ns()
            observations.append(perception.observe(frame))
            landmark_ns.append(perf_counter_ns() - start)
            if progress is not None:
                progress(len(observations))
        if all(obs.body_pixels is None for obs in observations):
            raise BadInputError(f"{path}: no person in view", "give a clip that shows someone's upper body")
        return ObservedClip(observations, source.fps, landmark_ns)


def track_clip(
    path: Path,
    body: BodyModel,
    *,
    profile: UserProfile | None = None,
    progress: Callable[[int], None] | None = None,
) -> TrackedClip:
    """Tracks every frame of a video file or folder of pictures.

    Args:
        path: the clip.
        body: the body to fit.
        profile: the user; None learns them from the clip itself first.
        progress: called with the number of frames observed so far.

    Raises:
        BadInputError: not a clip, or nobody is in it.
        MissingModelError: the landmarkers' models are not there.
    """
    seen = observe_clip(path, progress)
    return track_observations(
        seen.observations, body, framerate=seen.fps, profile=profile, landmark_ns=seen.landmark_ns
    )
