"""From a video file to frames that can be learned from: one person, tracked with the avatar's shape, cut out."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np
from jaxtyping import Float, UInt8

from inperson.avatar.body import BodyModel
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.errors import BadInputError
from inperson.reconstruct.photo.matte import Matter
from inperson.reconstruct.photo.people import PeopleFinder
from inperson.reconstruct.refine.frames import ClipFrame, ClipFrames
from inperson.reconstruct.stages import Matte
from inperson.render.views import EyeView
from inperson.tracking.landmarkers import Perception
from inperson.tracking.landmarkers_hand_search import body_size
from inperson.tracking.models import POSE, model_path
from inperson.tracking.observation import CameraFrame, Observation
from inperson.tracking.offline import track_observations
from inperson.tracking.profile import UserProfile
from inperson.tracking.sources import open_source
from inperson.tracking.tracker import Tracker

MOST_FRAMES = 600
"""Longer clips are used up to here: 20 seconds at 30 frames a second."""
_COUNT_EVERY = 15
"""Frames between looks for further people."""
_BYSTANDER = 0.3
"""People smaller than this share of the largest one stand in the background."""
_FACES = 12
"""Pictures of the face that are kept, about, to tell who it is."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """A frame in which the face was seen."""

    number: int
    """Of the frame."""

    image: UInt8[np.ndarray, "H W 3"]
    observation: Observation


@dataclass(frozen=True, slots=True, eq=False)
class WatchedClip:
    """A clip with everything that was seen in it; which shape the person has is not said yet."""

    name: str
    sha256: str
    """Of the file's bytes, or of the pictures' in a folder."""
    fps: float
    pictures: list[UInt8[np.ndarray, "h w 4"]]
    """The person cut out, premultiplied, at the size that is learned from."""
    observations: list[Observation]
    """Of every frame, at its own size."""
    faces: list[SeenFace]

    def states(self, body: BodyModel, betas: Float[np.ndarray, " B"]) -> list[BodyState]:
        """Of every frame, as the tracker gives them to somebody of this shape."""
        profile = msgspec.structs.replace(self._learned_profile(body), betas=tuple(float(b) for b in betas))
        tracked = track_observations(self.observations, body, framerate=self.fps, profile=profile)
        return [tracked.motion.state(n) for n in range(len(tracked.motion))]

    def tracked(self, body: BodyModel, betas: Float[np.ndarray, " B"]) -> ClipFrames:
        """The frames that show the person, in `states`."""
        states = self.states(body, betas)
        k, (height, width) = self.observations[0].intrinsics, self.pictures[0].shape[:2]
        sx, sy = width / k.width, height / k.height
        view = EyeView.from_intrinsics(Intrinsics(k.fx * sx, k.fy * sy, k.cx * sx, k.cy * sy, width, height))
        seen = [n for n, o in enumerate(self.observations) if o.body_pixels is not None and self.pictures[n].any()]
        return ClipFrames(tuple(ClipFrame(self.pictures[n], states[n]) for n in seen), view)

    def _learned_profile(self, body: BodyModel) -> UserProfile:
        """What the clip says of the person's hands, head and face at rest."""
        learner = Tracker(body, smooth=False)
        for observation in self.observations:
            learner.update(observation)
        return learner.finish_profile()


def watch_clip(path: Path, longest_side: int, told: Callable[[int], None] = lambda frames: None) -> WatchedClip:
    """Read a clip once: landmarks and mattes of every frame.

    Args:
        path: a video file or a folder of pictures.
        longest_side: pixels; larger frames are kept at this size.
        told: the number of frames so far.

    Raises:
        BadInputError: not a clip, nobody in it, or several people.
        MissingModelError: the model files are not there.
    """
    pictures: list[np.ndarray] = []
    observations: list[Observation] = []
    faces: list[SeenFace] = []
    crowds: list[int] = []
    matter = Matter()
    with (
        open_source(path, live=False) as source,
        Perception() as perception,
        PeopleFinder(model_path(POSE)) as finder,
    ):
        for frame in iter(source.read, None):
            observation = perception.observe(frame)
            observations.append(observation)
            pictures.append(_cut_out(matter, frame, observation, longest_side))
            if len(observations) % _COUNT_EVERY == 1:
                crowds.append(_people(finder, frame.image))
                if observation.face is not None:
                    faces = [*faces, SeenFace(len(observations) - 1, frame.image, observation)][-_FACES:]
            told(len(observations))
            if len(observations) == MOST_FRAMES:
                break
        fps = source.fps
    if all(o.body_pixels is None for o in observations):
        raise BadInputError(f"clip {path} shows no person", "give a clip of the person, from the hips up")
    if np.median(crowds) > 1:
        raise BadInputError(
            f"clip {path} shows {round(float(np.median(crowds)))} people", "give one of the avatar's person alone"
        )
    return WatchedClip(path.name, _sha256(path), fps, pictures, observations, faces)


def _people(finder: PeopleFinder, image: UInt8[np.ndarray, "H W 3"]) -> int:
    sizes = [body_size(person.pixels) for person in finder.find(image)]
    return sum(size >= _BYSTANDER * max(sizes) for size in sizes)


def _cut_out(
    matter: Matter, frame: CameraFrame, observation: Observation, longest_side: int
) -> UInt8[np.ndarray, "h w 4"]:
    height, width = frame.image.shape[:2]
    share = min(longest_side / max(height, width), 1.0)
    if observation.body_pixels is None:
        return np.zeros((round(height * share), round(width * share), 4), np.uint8)
    rgba = _premultiplied(matter.cut_out(frame.image, observation))
    if share == 1.0:
        return rgba
    return cv2.resize(rgba, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)


def _premultiplied(matte: Matte) -> UInt8[np.ndarray, "H W 4"]:
    rgba = np.concatenate([matte.foreground * matte.alpha[..., None], matte.alpha[..., None]], axis=2)
    return np.rint(np.clip(rgba, 0.0, 1.0) * 255).astype(np.uint8)


def _sha256(path: Path) -> str:
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
