"""Square, possibly rotated pieces of a picture: how the landmark networks look at one hand or one head."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8


@dataclass(frozen=True, slots=True)
class RotatedSquare:
    """A square region of an image. `angle` (radians) turns it clockwise as seen; at 0 its top is the image's top."""

    center: Float[np.ndarray, "2"]
    """Image pixels."""
    size: float
    """Side, image pixels."""
    angle: float = 0.0

    @property
    def rotation(self) -> Float[np.ndarray, "2 2"]:
        """Turns directions in the square into directions in the image."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return np.array([[c, -s], [s, c]])

    def cut(self, image: UInt8[np.ndarray, "H W 3"], pixels: int) -> UInt8[np.ndarray, "n n 3"]:
        """This region resampled to `pixels` x `pixels`; black where it leaves the image."""
        A = self.rotation * (self.size / pixels)
        # OpenCV counts pixel centres from 0, everything else here pixel corners: half a pixel on both sides.
        b = self.center - A @ np.full(2, 0.5 * pixels - 0.5) - 0.5
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(image, np.column_stack([A, b]), (pixels, pixels), flags=flags)

    def to_image(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Points of the square, 0..1 from its top-left corner, in image pixels."""
        return self.center + (points - 0.5) * self.size @ self.rotation.T

    def from_image(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """The inverse of `to_image`."""
        return (points - self.center) @ self.rotation / self.size + 0.5

    def moved(self, offset: Float[np.ndarray, "2"]) -> "RotatedSquare":
        """The same square elsewhere; `offset` in image pixels."""
        return RotatedSquare(self.center + offset, self.size, self.angle)


def angle_of_up(direction: Float[np.ndarray, "2"]) -> float:
    """The `RotatedSquare.angle` that makes an image direction point to the square's top, radians."""
    return float(np.arctan2(direction[0], -direction[1]))
