"""What an avatar is polished and scored against: the person's box of the photo, cut out, with its camera."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from inperson.conventions import Intrinsics
from inperson.reconstruct.stages import Matte
from inperson.render.views import EyeView

MARGIN = 12
"""Pixels of background around the person's box: the outline is learned from both sides."""
MAX_SIDE = 1100
"""Larger boxes are scaled down: more pixels than Gaussians can show."""


@dataclass(frozen=True, slots=True, eq=False)
class PolishTarget:
    """The person in the photo."""

    rgba: UInt8[np.ndarray, "H W 4"]
    """Colour premultiplied by alpha, sRGB-encoded, and alpha: as captures are stored."""
    view: EyeView
    """Of this picture."""
    box: tuple[int, int, int, int]
    """Left, top, right, bottom of the cut in the photo, pixels."""

    def finer(self) -> "PolishTarget":
        """Twice the size, smooth between the photo's pixels, unless that is larger than `MAX_SIDE`.

        Gaussians finer than a pixel that are compared pixel by pixel ring: they overshoot, each its own way, and
        only their blurred sum is right. A picture that is smooth between the pixels forbids it.
        """
        width, height = 2 * self.view.width, 2 * self.view.height
        if max(width, height) > MAX_SIDE:
            return self
        rgba = cv2.resize(self.rgba, (width, height), interpolation=cv2.INTER_CUBIC)
        rgba[..., :3] = np.minimum(
            rgba[..., :3], rgba[..., 3:]
        )  # cubics overshoot: premultiplied is never above alpha
        return replace(self, rgba=rgba, view=replace(self.view, width=width, height=height))

    def cut(self, image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w 3"]:
        """The same cut of the photo itself, background and all, at this picture's size."""
        piece = Image.fromarray(image).crop(self.box)
        return np.asarray(piece.resize((self.view.width, self.view.height), Image.Resampling.BOX))


def polish_target(matte: Matte, view: EyeView, max_side: int = MAX_SIDE) -> PolishTarget:
    """Cut the person's box out of the photo.

    Args:
        matte: of the whole photo.
        view: the photo's camera.
        max_side: pixels of the longer side at most; larger boxes are averaged down to it.

    Raises:
        ValueError: the matte is empty.
    """
    left, top, right, bottom = _box(matte.alpha)
    alpha = matte.alpha[top:bottom, left:right, None]
    rgba = np.concatenate([matte.foreground[top:bottom, left:right] * alpha, alpha], axis=2)
    width, height = right - left, bottom - top
    scale = min(1.0, max_side / max(width, height))
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    if scale < 1.0:
        planes = [Image.fromarray(plane).resize(size, Image.Resampling.BOX) for plane in np.moveaxis(rgba, 2, 0)]
        rgba = np.stack([np.asarray(plane) for plane in planes], axis=2)
    K = view.intrinsics
    fx, fy = size[0] / width, size[1] / height
    cropped = Intrinsics(K.fx * fx, K.fy * fy, (K.cx - left) * fx, (K.cy - top) * fy, *size)
    as_bytes = np.ascontiguousarray((np.clip(rgba, 0, 1) * 255).round().astype(np.uint8))
    eye = EyeView.from_intrinsics(cropped, view.T_world_from_eye, view.near, view.far)
    return PolishTarget(as_bytes, eye, (left, top, right, bottom))


def _box(alpha: Float[np.ndarray, "H W"]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is covered, with a margin, inside the picture."""
    rows, columns = (np.flatnonzero((alpha > 0.5).any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        raise ValueError("nobody is left in the matte")
    height, width = alpha.shape
    left, top = max(int(columns[0]) - MARGIN, 0), max(int(rows[0]) - MARGIN, 0)
    return left, top, min(int(columns[-1]) + 1 + MARGIN, width), min(int(rows[-1]) + 1 + MARGIN, height)
