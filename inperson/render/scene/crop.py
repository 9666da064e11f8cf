"""The part of each eye's picture that Gaussians cover, as a view of its own with the same pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.views import EyeView


@dataclass(frozen=True, slots=True)
class PixelRectangle:
    """Whole pixels of a picture; the first row is the top one."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Crop:
    """One rectangle of one size in every view, and the views that see just that."""

    rectangles: tuple[PixelRectangle, ...]
    """In the pictures of the views that were cropped."""
    views: tuple[EyeView, ...]
    """Their pixel (x, y) has the ray of the whole view's pixel (left + x, top + y)."""


def crop_views(gaussians: PosedGaussians, views: Sequence[EyeView]) -> Crop | None:
    """The smallest crop, of whole multiples of 16 pixels where the views allow it, in which every Gaussian that can
    be seen is seen out to 3 standard deviations. None where nothing is in any view."""
    raise NotImplementedError
