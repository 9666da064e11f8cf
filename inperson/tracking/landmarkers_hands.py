"""Both hands of one person: followed from frame to frame, searched from the body's wrists when lost.

Each frame goes in two steps, so that the first can run beside the body landmarker:

1. `follow`: look where the hands should be now, judging by their last two places. No body needed.
2. `settle`: with the body known, judge what was followed; search from the wrists where that is not good
   enough; and where no hand can be read for some frames (motion blur), carry the last one along.

Where the hands touch, the network likes to see the same one twice. Then the clearer hand is looked at first
and painted over before the other is looked for.
"""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float, UInt8

from inperson.tracking.crops import RotatedSquare
from inperson.tracking.landmarkers_hand_network import HandGuess, Side, square_around
from inperson.tracking.landmarkers_hand_search import (
    Body,
    HandSettings,
    PaintedOver,
    carried,
    judge,
    same_hand,
    squares_beside,
    touching,
    wrist_squares,
)
from inperson.tracking.observation import HandObservation

Image = UInt8[np.ndarray, "H W 3"]
Hands = dict[Side, HandGuess | None]


class HandNetwork(Protocol):
    """Sees a hand in a square (see `landmarkers_hand_network.HandNetwork`)."""

    def look(self, image: Image, square: RotatedSquare) -> HandGuess: ...


@dataclass(frozen=True, slots=True)
class _Track:
    """A hand as last seen."""

    guess: HandGuess
    shape: HandGuess
    """The last that was seen clearly: what is carried when nothing can be read."""
    score: float
    motion: Float[np.ndarray, "2"]
    """How far it moved in that frame, image pixels."""
    behind: bool = False
    """It was found with the other hand painted over, and stays second in line until the hands part."""
    carried: int = 0
    """For how many frames it has not been read but only carried."""


class HandTracker:
    """Tracks the two hands of one person over a stream of frames.

    Args:
        networks: one for each side, because they run beside each other.
        executor: runs the two sides; needs two free workers.
    """

    def __init__(
        self, networks: Mapping[Side, HandNetwork], executor: Executor, settings: HandSettings | None = None
    ) -> None:
        self._settings = settings or HandSettings()
        self._executor = executor
        self._networks = networks
        self._tracks: dict[Side, _Track | None] = dict.fromkeys(Side)
        self._turn = dict.fromkeys(Side, 0)

    def forget(self) -> None:
        """Drop both tracks (another person, another clip)."""
        self._tracks = dict.fromkeys(Side)
        self._turn = dict.fromkeys(Side, 0)

    def follow(self, image: Image) -> Hands:
        """Step 1: what is seen where the hands should be; None for those not tracked."""
        first, second = self._front_first()
        one, two = self._tracks[first], self._tracks[second]
        if one and two and touching(self._settings, one.guess, two.guess):
            front = self._networks[first].look(image, self._expected(one))
            return {first: front, second: self._look_behind(image, second, front, self._expected(two))}
        pending = {
            side: self._executor.submit(self._networks[side].look, image, self._expected(track))
            for side, track in self._tracks.items()
            if track
        }
        return {side: pending[side].result() if side in pending else None for side in Side}

    def settle(self, image: Image, body: Body | None, followed: Hands) -> dict[Side, HandObservation | None]:
        """Step 2: the hands of this frame, None where there is none to be seen."""
        found: Hands = {side: guess if self._kept(guess, side, body) else None for side, guess in followed.items()}
        self._separate(found, body)
        if body is not None:
            self._search_lost(image, body, found)
        self._tracks = {side: self._next_track(image, side, found, body) for side in Side}
        return {side: _observation(track) for side, track in self._tracks.items()}

    def _front_first(self) -> list[Side]:
        def order(side: Side) -> tuple[bool, float]:
            track = self._tracks[side]
            return (track is None or track.behind, -track.score if track else 0.0)

        return sorted(Side, key=order)

    def _look_behind(self, image: Image, side: Side, front: HandGuess, square: RotatedSquare) -> HandGuess | None:
        """A hand beside or beneath `front`; None where only the painted hand's own outline is seen."""
        if front.presence < self._settings.sure:
            return self._networks[side].look(image, square)
        painted = PaintedOver.of(image, front)
        guess = self._networks[side].look(painted.image, square)
        return None if painted.hides(guess, self._settings.hidden) else guess

    def _expected(self, track: _Track) -> RotatedSquare:
        return square_around(track.guess.pixels).moved(self._settings.momentum * track.motion)

    def _score(self, guess: HandGuess, side: Side, body: Body | None) -> float:
        return judge(self._settings, guess, side, body)

    def _kept(self, guess: HandGuess | None, side: Side, body: Body | None) -> bool:
        return guess is not None and self._score(guess, side, body) >= self._settings.keep

    def _separate(self, found: Hands, body: Body | None) -> None:
        """Take a hand that both sides claim away from the side it fits less."""
        left, right = found[Side.LEFT], found[Side.RIGHT]
        if left and right and same_hand(self._settings, left, right):
            left_fits = self._score(left, Side.LEFT, body) >= self._score(right, Side.RIGHT, body)
            found[Side.RIGHT if left_fits else Side.LEFT] = None

    def _search_lost(self, image: Image, body: Body, found: Hands) -> None:
        """Search the hands that are not found yet: both beside each other, or one knowing where the other is."""
        lost = [side for side in Side if found[side] is None]
        if len(lost) == 2:
            pending = {side: self._executor.submit(self._search, image, body, side, None) for side in lost}
            found.update({side: future.result() for side, future in pending.items()})
            self._separate(found, body)
        else:
            for side in lost:
                found[side] = self._search(image, body, side, found[side.other])

    def _search(self, image: Image, body: Body, side: Side, other: HandGuess | None) -> HandGuess | None:
        """Look in a few squares, the likeliest first, until one holds the hand."""
        squares = [square for square in wrist_squares(body, side) if _inside(image, square)]
        if other is not None and self._near_wrist(other, body, side):
            squares = squares_beside(other, body, side) + squares
        else:
            other = None
        for square in self._this_frames(squares, side):
            if other is not None:
                guess = self._look_behind(image, side, other, square)
            else:
                guess = self._networks[side].look(image, square)
            if guess is not None and self._score(guess, side, body) >= self._settings.take:
                return guess
        return None

    def _near_wrist(self, other: HandGuess, body: Body, side: Side) -> bool:
        apart = np.linalg.norm(other.center - body[side.value])
        return bool(apart < self._settings.touching * other.length)

    def _this_frames(self, squares: list[RotatedSquare], side: Side) -> list[RotatedSquare]:
        """The likeliest squares and, in the last place, one of the others in turn."""
        sure = self._settings.max_looks - 1
        first, others = squares[:sure], squares[sure:]
        if not others:
            return first
        self._turn[side] += 1
        return [*first, others[self._turn[side] % len(others)]]

    def _next_track(self, image: Image, side: Side, found: Hands, body: Body | None) -> _Track | None:
        before, guess, other = self._tracks[side], found[side], found[side.other]
        if guess is not None:
            motion = guess.center - before.guess.center if before else np.zeros(2)
            score = self._score(guess, side, body)
            shape = before.shape if before and score < self._settings.clear else guess
            return _Track(guess, shape, score, motion, self._is_behind(side, guess, other, body))
        if before is None or before.carried >= self._settings.carry_frames or body is None:
            return None
        moved = carried(before.shape, side, body)
        if not _inside(image, RotatedSquare(moved.center, 1.0)):
            return None
        confidence = self._settings.carry_confidence * self._settings.carry_decay**before.carried
        return _Track(moved, before.shape, confidence, np.zeros(2), before.behind, before.carried + 1)

    def _is_behind(self, side: Side, guess: HandGuess, other: HandGuess | None, body: Body | None) -> bool:
        """Which of two touching hands is behind: as before, or else the one that is harder to see."""
        if other is None or not touching(self._settings, guess, other):
            return False
        mine, others = self._tracks[side], self._tracks[side.other]
        if mine and others and mine.behind != others.behind:
            return mine.behind
        return self._score(guess, side, body) < self._score(other, side.other, body)


def _inside(image: Image, square: RotatedSquare) -> bool:
    """Whether the middle of the square is in the picture: of a hand that is mostly outside nothing can be read."""
    height, width = image.shape[:2]
    x, y = square.center
    return bool(0 <= x < width and 0 <= y < height)


def _observation(track: _Track | None) -> HandObservation | None:
    if track is None:
        return None
    return HandObservation(track.guess.pixels, track.guess.world, track.score, carried=track.carried > 0)
