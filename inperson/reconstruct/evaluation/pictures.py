"""One drawn frame against the real one."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8

from inperson.reconstruct.evaluation.metrics import overlap, psnr_inside, ssim_map
from inperson.reconstruct.perceptual import SMALLEST_SIDE, Perceptual
from inperson.tracking.observation import Observation

HAND_MARGIN = 4
"""Pixels around a hand's landmarks that its box takes in."""
_BORDER = 16
"""Pixels around the person that the perceptual network sees."""


@dataclass(frozen=True, slots=True)
class PictureScore:
    """Inside the union of the real and the drawn person."""

    psnr: float
    """dB."""
    ssim: float
    perceptual: float
    """`Perceptual`'s distance: lower is better."""
    iou: float
    """Of the two outlines."""
    hands: float
    """PSNR inside the boxes around the hands that were detected; NaN without any."""


@dataclass(frozen=True, slots=True, eq=False)
class RealPicture:
    """What the camera saw."""

    image: Float[np.ndarray, "H W 3"]
    """Whole, with what is behind the person, 0 to 1."""
    inside: Bool[np.ndarray, "H W"]
    """Where the person is."""
    observation: Observation


def score_picture(
    drawn: Float[np.ndarray, "H W 3"],
    drawn_inside: Bool[np.ndarray, "H W"],
    truth: RealPicture,
    perceptual: Perceptual,
) -> PictureScore:
    """Scores of a drawn picture.

    Args:
        drawn: whole, with what is behind the avatar, 0 to 1.
        drawn_inside: where the avatar is in it.
        truth: the camera's picture.
        perceptual: the network that sees as people do.
    """
    real, union = truth.image, drawn_inside | truth.inside
    if not union.any():
        nan = float("nan")
        return PictureScore(nan, nan, nan, nan, nan)
    return PictureScore(
        psnr_inside(drawn, real, union),
        float(ssim_map(drawn, real)[union].mean()),
        _perceptual(drawn, real, union, perceptual),
        overlap(drawn_inside, truth.inside),
        psnr_inside(drawn, real, union & hand_boxes(truth.observation, *union.shape)),
    )


def hand_boxes(observation: Observation, height: int, width: int) -> Bool[np.ndarray, "H W"]:
    """The upright boxes around the landmarks of each hand that was read in this very frame."""
    boxes = np.zeros((height, width), bool)
    for hand in (observation.left_hand, observation.right_hand):
        if hand is not None:
            left, top = np.maximum(np.floor(hand.pixels.min(axis=0) - HAND_MARGIN), 0).astype(int)
            right, bottom = np.maximum(np.ceil(hand.pixels.max(axis=0) + HAND_MARGIN), 0).astype(int)
            boxes[top:bottom, left:right] = True
    return boxes


def to_float(image: UInt8[np.ndarray, "H W C"]) -> Float[np.ndarray, "H W C"]:
    """0 to 1, float32."""
    return image.astype(np.float32) / 255


def _perceptual(
    drawn: Float[np.ndarray, "H W 3"],
    real: Float[np.ndarray, "H W 3"],
    union: Bool[np.ndarray, "H W"],
    perceptual: Perceptual,
) -> float:
    window = tuple(_span(np.any(union, axis=axis)) for axis in (1, 0))

    def batch(image: np.ndarray) -> torch.Tensor:
        part = np.ascontiguousarray(np.moveaxis(np.atleast_3d(image)[window], 2, 0), np.float32)
        return torch.from_numpy(part)[None]

    with torch.inference_mode():
        return float(perceptual.distance(batch(drawn), batch(real), batch(union))[0])


def _span(used: np.ndarray) -> slice:
    """From the first used row to the last, with a border, and never too few for the network."""
    at = np.flatnonzero(used)
    start, stop = max(int(at[0]) - _BORDER, 0), min(int(at[-1]) + 1 + _BORDER, len(used))
    return slice(max(min(start, stop - SMALLEST_SIDE), 0), max(stop, min(SMALLEST_SIDE, len(used))))
