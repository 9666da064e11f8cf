"""A clip with everything that evaluation needs to know of its frames."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from inperson.conventions import Intrinsics
from inperson.errors import BadInputError
from inperson.reconstruct.photo.matte import Matter
from inperson.reconstruct.stages import Photo
from inperson.tracking.landmarkers import Perception
from inperson.tracking.observation import CameraFrame, Observation
from inperson.tracking.sources import open_source

MOST_FRAMES = 600
"""Longer clips are used up to here: 20 seconds at 30 frames a second."""
LEAST_FRAMES = 6


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """T frames of one person, of a camera that stands still."""

    name: str
    sha256: str
    fps: float
    frames: list[CameraFrame]

    @property
    def photo(self) -> Photo:
        """The first frame."""
        return Photo(self.frames[0].image, self.name, self.sha256)


@dataclass(frozen=True, slots=True, eq=False)
class SeenFrame:
    """A frame and what is seen in it."""

    frame: CameraFrame
    observation: Observation
    """Found live: from this frame and those before. With the segmenter's quick silhouette."""
    cut_out: UInt8[np.ndarray, "H W 4"]
    """The person, premultiplied; empty where nobody was found."""

    @property
    def alpha(self) -> UInt8[np.ndarray, "H W"]:
        """The person's matte."""
        return self.cut_out[..., 3]


def read_footage(path: Path) -> Footage:
    """The frames of a video file or a folder of pictures.

    Raises:
        BadInputError: not a clip, or too short a one.
    """
    with open_source(path, live=False) as source:
        frames = []
        for frame in iter(source.read, None):
            frames.append(frame)
            if len(frames) == MOST_FRAMES:
                break
        fps = source.fps
    if len(frames) < LEAST_FRAMES:
        raise BadInputError(f"clip {path} has {len(frames)} frames", f"give one of {LEAST_FRAMES} or more")
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(frame.image.tobytes())
    return Footage(path.name, digest.hexdigest(), fps, frames)


def watch(footage: Footage, camera: Intrinsics, told: Callable[[int], None] = lambda frames: None) -> list[SeenFrame]:
    """Landmarks and mattes of all frames.

    Args:
        footage: the frames.
        camera: what they were taken with, as the avatar's maker takes it to be.
        told: the number of frames so far.

    Raises:
        MissingModelError: the model files are not there.
    """
    matter, out = Matter(), []
    with Perception(silhouette_every=1) as perception:
        for frame in footage.frames:
            frame = replace(frame, intrinsics=camera)
            observation = perception.observe(frame)
            out.append(SeenFrame(frame, observation, _cut_out(matter, frame, observation)))
            told(len(out))
    return out


def _cut_out(matter: Matter, frame: CameraFrame, observation: Observation) -> UInt8[np.ndarray, "H W 4"]:
    if observation.body_pixels is None:
        return np.zeros((*frame.image.shape[:2], 4), np.uint8)
    matte = matter.cut_out(
        frame.image, replace(observation, silhouette=None)
    )  # scores owe nothing to what is tracked
    rgba = np.concatenate([matte.foreground * matte.alpha[..., None], matte.alpha[..., None]], axis=2)
    return np.rint(np.clip(rgba, 0.0, 1.0) * 255).astype(np.uint8)
