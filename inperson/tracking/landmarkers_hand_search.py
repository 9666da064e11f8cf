"""Where to look for a hand, and whether to believe what was seen there."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from inperson.tracking.crops import RotatedSquare, angle_of_up
from inperson.tracking.landmarkers_hand_network import HandGuess, Side, square_around

Body = Float[np.ndarray, "33 2"]
Image = UInt8[np.ndarray, "H W 3"]

_SHOULDERS, _HIPS = [11, 12], [23, 24]
_ELBOW, _PINKY, _INDEX = -2, 2, 4
"""Neighbours of a wrist among the body landmarks, relative to its index."""
_FINGERS = ((1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16), (17, 18, 19, 20))
_PALM_OUTLINE = [0, 1, 5, 9, 13, 17]
_PAINT = (128, 128, 128)
_FORESHORTENED = 0.12
"""A body hand shorter than this (unit: `body_size`) says nothing about its direction; the forearm does."""
_BEND = 0.7
"""How far wrists are bent sideways in the search, radians."""


@dataclass(frozen=True, slots=True)
class HandSettings:
    """How readily a hand is believed, and how long one is looked for."""

    keep: float = 0.25
    """Score from which a followed hand is kept without searching."""
    take: float = 0.3
    """Score from which a searched hand is taken."""
    clear: float = 0.5
    """Score from which a hand's shape is good enough to be carried on."""
    wrist_sigma: float = 0.35
    """How far a hand's wrist may lie from the body's before it is doubted; unit: `body_size`."""
    same_hand: float = 0.2
    """Two hands whose landmarks are closer than this share of their length are one and the same."""
    hidden: float = 0.7
    """Share of a hand's landmarks that may lie on the other hand, which was looked at first."""
    sure: float = 0.5
    """Presence from which a hand is painted over to look behind it."""
    touching: float = 1.0
    """Two palms closer than this share of their length disturb each other's landmarks."""
    momentum: float = 0.7
    """Share of the last frame's motion that a hand is expected to repeat."""
    max_looks: int = 3
    """Squares searched for one lost hand in one frame: the likeliest, then others, which take turns."""
    carry_frames: int = 15
    """Frames a hand that cannot be read (blurred, hidden) is carried along by the body's wrist."""
    carry_confidence: float = 0.3
    """Confidence of a carried hand in its first frame."""
    carry_decay: float = 0.85
    """What the confidence is multiplied by in each further one."""


def body_size(body: Body) -> float:
    """The body's size in the picture, pixels: its shoulder width, or what its torso says when seen from the side."""
    shoulders = np.linalg.norm(body[_SHOULDERS[0]] - body[_SHOULDERS[1]])
    torso = np.linalg.norm(body[_SHOULDERS].mean(axis=0) - body[_HIPS].mean(axis=0))
    return max(float(shoulders), 0.6 * float(torso), 1.0)


def knuckles(body: Body, side: Side) -> Float[np.ndarray, "2"]:
    """Where the body landmarks put the middle finger's knuckle."""
    return (2 * body[side.value + _INDEX] + body[side.value + _PINKY]) / 3


def judge(settings: HandSettings, guess: HandGuess, side: Side, body: Body | None) -> float:
    """How believable a guess is, 0..1.

    The network's presence, times being the right kind of hand (what tells crossing and touching hands
    apart), times hanging on the right wrist.
    """
    score = guess.presence * (0.2 + 0.8 * guess.handedness(side))
    if body is not None:
        off = np.linalg.norm(guess.pixels[0] - body[side.value]) / body_size(body)
        score *= float(np.exp(-0.5 * (off / settings.wrist_sigma) ** 2))
    return score


def same_hand(settings: HandSettings, a: HandGuess, b: HandGuess) -> bool:
    """Whether two guesses are of one hand."""
    apart = np.linalg.norm(a.pixels - b.pixels, axis=1).mean()
    return bool(apart < settings.same_hand * min(a.length, b.length))


def touching(settings: HandSettings, a: HandGuess, b: HandGuess) -> bool:
    """Whether two hands are so close that the network may take one for the other."""
    apart = np.linalg.norm(a.center - b.center)
    return bool(apart < settings.touching * max(a.length, b.length))


def wrist_squares(body: Body, side: Side) -> list[RotatedSquare]:
    """Where a lost hand may be, likeliest first: along the body's own fingers, the forearm, a bent wrist."""
    size = body_size(body)
    wrist, knuckle = body[side.value], knuckles(body, side)
    fingers, arm = angle_of_up(knuckle - wrist), angle_of_up(wrist - body[side.value + _ELBOW])

    def ahead(angle: float, scale: float) -> RotatedSquare:
        return RotatedSquare(wrist + 0.25 * size * np.array([np.sin(angle), -np.cos(angle)]), scale * size, angle)

    return [
        RotatedSquare(knuckle, 0.75 * size, fingers),
        ahead(arm, 0.75),
        ahead(arm - _BEND, 0.75),
        ahead(arm + _BEND, 0.75),
        RotatedSquare(knuckle, 0.55 * size, fingers),
        ahead(arm, 1.0),
    ]


def squares_beside(other: HandGuess, body: Body, side: Side) -> list[RotatedSquare]:
    """Where a hand that touches the found `other` one may be: next to it, on its own elbow's side."""
    square = square_around(other.pixels)
    across = square.rotation[:, 0]
    towards = np.sign(across @ (body[side.value + _ELBOW] - other.center))
    width = np.linalg.norm(other.pixels[5] - other.pixels[17])
    return [square.moved(towards * share * width * across) for share in (1.2, 0.7)]


@dataclass(frozen=True, slots=True)
class PaintedOver:
    """A picture in which one hand is painted grey, so that the network sees the one beside or beneath it."""

    image: Image
    paint: UInt8[np.ndarray, "H W"]
    """Non-zero where it was painted."""

    @staticmethod
    def of(image: Image, hand: HandGuess) -> "PaintedOver":
        """Paint `hand` over: its palm and its fingers."""
        paint = np.zeros(image.shape[:2], np.uint8)
        width = max(float(np.linalg.norm(hand.pixels[5] - hand.pixels[17])), 0.25 * hand.length)
        points = np.rint(hand.pixels).astype(np.int32)
        cv2.fillConvexPoly(paint, cv2.convexHull(points[_PALM_OUTLINE]), 255)
        for finger in _FINGERS:
            cv2.polylines(paint, [points[list(finger)]], False, 255, max(2, round(0.28 * width)))
        painted = image.copy()
        painted[paint > 0] = _PAINT
        return PaintedOver(painted, paint)

    def hides(self, hand: HandGuess, share: float) -> bool:
        """Whether more than that share of a hand lies on the paint: then it is the painted hand's outline again."""
        height, width = self.paint.shape
        x, y = np.clip(np.rint(hand.pixels).astype(int), 0, [width - 1, height - 1]).T
        return bool((self.paint[y, x] > 0).mean() > share)


def carried(guess: HandGuess, side: Side, body: Body) -> HandGuess:
    """A hand seen earlier, hung on the body's wrist and turned in the picture to point where the body's hand points.

    The body landmarks stay right through motion blur in which no finger can be read.
    """
    wrist = body[side.value]
    points = knuckles(body, side) - wrist
    if np.linalg.norm(points) < _FORESHORTENED * body_size(body):
        points = wrist - body[side.value + _ELBOW]
    turn = angle_of_up(points) - angle_of_up(guess.pixels[9] - guess.pixels[0])
    R = RotatedSquare(wrist, 1.0, turn).rotation
    pixels = wrist + (guess.pixels - guess.pixels[0]) @ R.T
    world = guess.world.copy()
    world[:, :2] = world[:, :2] @ R.T
    return HandGuess(pixels, world, 0.0, guess.right)
