"""What a camera gives (`CameraFrame`) and what the landmarkers saw in it (`Observation`)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from inperson.conventions import Intrinsics


@dataclass(frozen=True, slots=True)
class CameraFrame:
    """One picture, never mirrored."""

    image: UInt8[np.ndarray, "H W 3"]
    """RGB, sRGB-encoded, C-contiguous."""
    time_ns: int
    """Capture time, monotonic nanoseconds (for files: the frame's place on the clip's own clock)."""
    sequence: int
    """Counts every frame the source produced, so gaps show what was dropped."""
    intrinsics: Intrinsics


@dataclass(frozen=True, slots=True)
class HandObservation:
    """One hand's 21 landmarks (MediaPipe's order)."""

    pixels: Float[np.ndarray, "21 2"]
    """Image pixels."""
    world: Float[np.ndarray, "21 3"]
    """Metres about the hand's centre, OpenCV camera axes (x right, y down, z away)."""
    confidence: float
    carried: bool = False
    """True when the hand could not be read in this frame (motion blur) and its last landmarks were moved along
    with the body's wrist: the place is evidence, the shape is memory."""


@dataclass(frozen=True, slots=True)
class FaceObservation:
    """MediaPipe's face mesh."""

    pixels: Float[np.ndarray, "478 2"]
    depth: Float[np.ndarray, " 478"]
    """MediaPipe's relative depth, in image pixels (negative is nearer)."""
    blendshapes: Float[np.ndarray, "52"]
    """ARKit-named scores 0..1 in MediaPipe's order (index 0 is `_neutral`)."""
    T_cv_from_head: Float[np.ndarray, "4 4"]
    """MediaPipe's facial transformation, OpenCV camera axes, metres."""
    confidence: float


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything seen of one person in one frame. Parts that were not seen are None."""

    time_ns: int
    sequence: int
    intrinsics: Intrinsics
    body_pixels: Float[np.ndarray, "33 2"] | None
    """MediaPipe pose landmarks, image pixels."""
    body_world: Float[np.ndarray, "33 3"] | None
    """Metres about the middle of the hips, OpenCV camera axes."""
    body_visibility: Float[np.ndarray, " 33"] | None
    left_hand: HandObservation | None
    """The person's own left."""
    right_hand: HandObservation | None
    face: FaceObservation | None
    silhouette: UInt8[np.ndarray, "h w"] | None = None
    """Person mask (0..255) at the segmenter's own size, covering the whole frame, when one was asked for."""
