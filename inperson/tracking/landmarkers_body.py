"""The body landmarker: one person's 33 landmarks, the same person from frame to frame.

What MediaPipe's `PoseLandmarker` (full) does, without its graph around the networks and without the mask it draws:
the same landmarks at half the cost. `landmarkers_reference.ReferenceBody` is the task itself.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from inperson.tracking.crops import RotatedSquare
from inperson.tracking.landmarkers_body_network import BodyGuess, BodyNetwork, PersonDetector
from inperson.tracking.landmarkers_clock import FrameClock
from inperson.tracking.landmarkers_smoothing import IN_PICTURE, IN_WORLD, LandmarkFilter, VisibilityFilter
from inperson.tracking.people import PersonKeeper, box_of

Image = UInt8[np.ndarray, "H W 3"]
_MOST_PEOPLE = 3
_LEAST_PRESENCE = 0.5


@dataclass(frozen=True, slots=True)
class BodyLandmarks:
    """MediaPipe's pose landmarks of one person."""

    pixels: Float[np.ndarray, "33 2"]
    world: Float[np.ndarray, "33 3"]
    """Metres about the middle of the hips, OpenCV camera axes."""
    visibility: Float[np.ndarray, " 33"]


class BodyLandmarker:
    """Pose landmarks, kept on one person.

    Where a person was in the last frame, the landmark network looks for them in the next. While nobody is followed,
    a detector finds up to three people, and `PersonKeeper` chooses. So several people cost nothing while one is
    followed.
    """

    def __init__(self, bundle: Path) -> None:
        self._detector = PersonDetector(bundle)
        self._network = BodyNetwork(bundle)
        self._keeper = PersonKeeper()
        self._clock = FrameClock()
        self._around: RotatedSquare | None = None
        self._visibility = VisibilityFilter()
        self._pixels, self._world = LandmarkFilter(IN_PICTURE), LandmarkFilter(IN_WORLD)

    def detect(self, image: Image, time_ns: int) -> BodyLandmarks | None:
        """The person's landmarks; None when nobody is in view."""
        dt = self._clock.step_s(time_ns)
        guess = self._choose(image, time_ns) if self._around is None else self._network.look(image, self._around)
        if guess is None or guess.presence < _LEAST_PRESENCE:
            self._drop()
            return None
        person = self._steadied(guess, dt)
        if not self._keeper.keep(box_of(person.pixels, person.visibility), time_ns):
            self._drop()
            return None
        self._around = guess.around
        return person

    def forget(self) -> None:
        """Start afresh (another clip, another person)."""
        self._drop()
        self._keeper = PersonKeeper()

    def _find(self, image: Image) -> list[BodyGuess]:
        guesses = [self._network.look(image, square) for square in self._detector.find(image, _MOST_PEOPLE)]
        return [guess for guess in guesses if guess.presence >= _LEAST_PRESENCE]

    def _choose(self, image: Image, time_ns: int) -> BodyGuess | None:
        people = self._find(image)
        chosen = self._keeper.choose([box_of(person.pixels, person.visibility) for person in people], time_ns)
        return None if chosen is None else people[chosen]

    def _steadied(self, guess: BodyGuess, dt: float) -> BodyLandmarks:
        return BodyLandmarks(
            self._pixels(guess.pixels, dt, guess.around.size),
            self._world(guess.world, dt, 1.0),
            self._visibility(guess.visibility),
        )

    def _drop(self) -> None:
        """Let go of whom it follows."""
        self._around = None
        for memory in (self._pixels, self._world, self._visibility):
            memory.reset()
        self._keeper.lost()
