"""The body landmarker: one person's 33 landmarks, the same person from frame to frame."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from mediapipe.tasks.python import vision

from inperson.tracking.landmarkers_tasks import TaskClock, model_options, native_chatter_muted, task_image
from inperson.tracking.people import BodyBox, PersonKeeper, box_of

Image = UInt8[np.ndarray, "H W 3"]
_MOST_PEOPLE = 3


@dataclass(frozen=True, slots=True)
class BodyLandmarks:
    """MediaPipe's pose landmarks of one person."""

    pixels: Float[np.ndarray, "33 2"]
    world: Float[np.ndarray, "33 3"]
    """Metres about the middle of the hips, OpenCV camera axes."""
    visibility: Float[np.ndarray, " 33"]


class BodyLandmarker:
    """MediaPipe's pose landmarker (full), kept on one person.

    It follows one person by itself once it has found one. While it has none, a second landmarker that sees up
    to three people finds out who there is, `PersonKeeper` chooses, and everybody else is greyed out of the
    picture in which it starts. So several people cost nothing while one is followed.
    """

    def __init__(self, bundle: Path) -> None:
        self._follower = _pose_task(bundle, vision.RunningMode.VIDEO, people=1)
        self._scout = _pose_task(bundle, vision.RunningMode.IMAGE, people=_MOST_PEOPLE)
        self._keeper = PersonKeeper()
        self._clock = TaskClock()

    def detect(self, image: Image, time_ns: int) -> BodyLandmarks | None:
        """The person's landmarks; None when nobody is in view."""
        time_ms = self._clock.stamp_ms(time_ns)
        if not self._keeper.following:
            people = self.find_people(image)
            chosen = self._keeper.choose([box_of(person.pixels, person.visibility) for person in people], time_ns)
            if chosen is None:
                return None
            image = _without_the_others(image, people, chosen)
        found = _people(self._follower.detect_for_video(task_image(image), time_ms), image)
        if not found:
            self._keeper.lost()
            return None
        person = found[0]
        if self._keeper.keep(box_of(person.pixels, person.visibility), time_ns):
            return person
        self._drop()
        return None

    def find_people(self, image: Image) -> list[BodyLandmarks]:
        """Everybody in the picture, at most three; nothing is remembered."""
        with native_chatter_muted():  # its first person makes it warn about something that does not apply
            return _people(self._scout.detect(task_image(image)), image)

    def forget(self) -> None:
        """Start afresh (another clip, another person)."""
        self._drop()
        self._keeper = PersonKeeper()

    def close(self) -> None:
        """Free the networks."""
        self._follower.close()
        self._scout.close()

    def _drop(self) -> None:
        """Make the follower let go of whom it follows: show it an empty picture."""
        empty = np.zeros((64, 64, 3), np.uint8)
        self._follower.detect_for_video(task_image(empty), self._clock.next_ms())
        self._keeper.lost()


def _pose_task(bundle: Path, mode: vision.RunningMode, people: int) -> vision.PoseLandmarker:
    options = vision.PoseLandmarkerOptions(base_options=model_options(bundle), running_mode=mode, num_poses=people)
    return vision.PoseLandmarker.create_from_options(options)


def _people(result: vision.PoseLandmarkerResult, image: Image) -> list[BodyLandmarks]:
    size = np.array([image.shape[1], image.shape[0]], dtype=np.float64)
    return [
        BodyLandmarks(
            np.array([[p.x, p.y] for p in flat]) * size,
            np.array([[p.x, p.y, p.z] for p in world]),
            np.array([p.visibility for p in flat]),
        )
        for flat, world in zip(result.pose_landmarks, result.pose_world_landmarks, strict=True)
    ]


def _without_the_others(image: Image, people: list[BodyLandmarks], chosen: int) -> Image:
    """The picture with everybody but the chosen one greyed out (the chosen one's own box stays whole)."""
    if len(people) == 1:
        return image
    out = image.copy()
    boxes: list[BodyBox] = [box_of(person.pixels, person.visibility).grown(0.15) for person in people]
    for i, box in enumerate(boxes):
        if i != chosen:
            out[box.slices(image)] = 128
    own = boxes[chosen].slices(image)
    out[own] = image[own]
    return out
