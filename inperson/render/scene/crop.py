"""The part of each eye's picture that Gaussians cover, as a view of its own with the same pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.reference import BLUR, MIN_ALPHA
from inperson.render.scene.polygon import cut
from inperson.render.views import EyeView, common_size

REACH = float(np.sqrt(2 * np.log(1 / MIN_ALPHA)))
"""Standard deviations within which the most opaque Gaussian is drawn: 3.33."""
STEP = 16
"""A crop's sides are multiples of this where the views are large enough, so that sizes repeat from frame to frame."""


@dataclass(frozen=True, slots=True)
class PixelRectangle:
    """Whole pixels of a picture; the first row is the top one."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column after it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class Crop:
    """A rectangle of one size in every view, and the views that see just that."""

    rectangles: tuple[PixelRectangle, ...]
    """In the pictures of the views that were cropped."""
    views: tuple[EyeView, ...]
    """Their pixel (x, y) has the ray of the whole view's pixel (left + x, top + y)."""


class Cropping(Protocol):
    """A way to choose what has to be drawn: `crop_views`, or one that is steady from frame to frame."""

    def __call__(
        self,
        gaussians: PosedGaussians,
        views: Sequence[EyeView],
        within: Sequence[PixelRectangle | None] | None = None,
    ) -> Crop | None:
        """See `crop_views`."""
        ...


def crop_views(
    gaussians: PosedGaussians, views: Sequence[EyeView], within: Sequence[PixelRectangle | None] | None = None
) -> Crop | None:
    """What has to be drawn of each view.

    Every Gaussian that a rasteriser would draw is taken for a ball of its largest scale, which is never too small
    and needs no rotation.

    Args:
        gaussians: in the world.
        views: of one size.
        within: the part of each view in which anything counts (a mirror's), None for nothing; by default all of it.

    Returns:
        None where no Gaussian is in any view.
    """
    width, height = common_size(views)
    limits = [PixelRectangle(0, 0, width, height)] * len(views) if within is None else within
    seen = [limit and covered(gaussians, view, limit) for view, limit in zip(views, limits, strict=True)]
    drawn = [rectangle for rectangle in seen if rectangle is not None]
    if not drawn:
        return None
    crop_width = min(width, _round_up(max(rectangle.width for rectangle in drawn)))
    crop_height = min(height, _round_up(max(rectangle.height for rectangle in drawn)))
    rectangles = tuple(
        PixelRectangle(
            min(rectangle.left, width - crop_width), min(rectangle.top, height - crop_height), crop_width, crop_height
        )
        for rectangle in (one or drawn[0] for one in seen)
    )
    return Crop(rectangles, tuple(sub_view(view, part) for view, part in zip(views, rectangles, strict=True)))


def covered(gaussians: PosedGaussians, view: EyeView, limit: PixelRectangle) -> PixelRectangle | None:
    """The pixels inside `limit` that Gaussians may reach; None where there are none."""
    K, T = view.intrinsics, view.T_cv_from_world.astype(np.float32)
    lens = tuple(np.float32(x) for x in (K.fx, K.fy, K.cx, K.cy, view.near, view.far))
    edges = np.array([limit.left, limit.top, limit.right, limit.bottom], np.float32)
    left, top, right, bottom = _bounds(gaussians.means, gaussians.scales, T, lens, edges)
    if left >= right or top >= bottom:
        return None
    x, y = int(np.floor(left)), int(np.floor(top))
    return PixelRectangle(x, y, int(np.ceil(right)) - x, int(np.ceil(bottom)) - y)


def sub_view(view: EyeView, part: PixelRectangle) -> EyeView:
    """The view of a rectangle of a view's pixels, which may reach beyond its edges."""
    left, right = np.tan(view.angle_left), np.tan(view.angle_right)
    up, down = np.tan(view.angle_up), np.tan(view.angle_down)
    across, downwards = (right - left) / view.width, (down - up) / view.height
    return replace(
        view,
        angle_left=float(np.arctan(left + part.left * across)),
        angle_right=float(np.arctan(left + part.right * across)),
        angle_up=float(np.arctan(up + part.top * downwards)),
        angle_down=float(np.arctan(up + part.bottom * downwards)),
        width=part.width,
        height=part.height,
    )


def pixels_of_polygon(corners: Float[np.ndarray, "N 3"], view: EyeView) -> PixelRectangle | None:
    """The pixels around a convex polygon in the world, as far as it lies in the view before the near plane."""
    T, K = view.T_cv_from_world, view.intrinsics
    camera = corners @ T[:3, :3].T + T[:3, 3]
    inside = cut(camera, camera[:, 2] - view.near)
    if not len(inside):
        return None
    x = K.fx * inside[:, 0] / inside[:, 2] + K.cx
    y = K.fy * inside[:, 1] / inside[:, 2] + K.cy
    left, right = np.clip([np.floor(x.min()), np.ceil(x.max())], 0, view.width).astype(int)
    top, bottom = np.clip([np.floor(y.min()), np.ceil(y.max())], 0, view.height).astype(int)
    if left == right or top == bottom:
        return None
    return PixelRectangle(int(left), int(top), int(right - left), int(bottom - top))


def _round_up(length: int) -> int:
    return -(-length // STEP) * STEP


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _bounds(means, scales, T, lens, limit):
    """left, top, right and bottom of all Gaussians' pixels inside `limit`; left after right where there are none."""
    fx, fy, cx, cy, near, far = lens
    left, top, right, bottom = limit[2], limit[3], limit[0], limit[1]
    blur = np.float32(BLUR)
    for n in range(len(means)):
        mx, my, mz = means[n, 0], means[n, 1], means[n, 2]
        z = T[2, 0] * mx + T[2, 1] * my + T[2, 2] * mz + T[2, 3]
        if not near < z < far:
            continue
        inverse = np.float32(1.0) / z
        u = (T[0, 0] * mx + T[0, 1] * my + T[0, 2] * mz + T[0, 3]) * inverse
        v = (T[1, 0] * mx + T[1, 1] * my + T[1, 2] * mz + T[1, 3]) * inverse
        scale = max(scales[n, 0], scales[n, 1], scales[n, 2]) * inverse
        # The projection's Jacobian has rows fx/z (1, 0, -u) and fy/z (0, 1, -v).
        reach_x = np.float32(REACH) * np.sqrt((fx * scale) ** 2 * (np.float32(1.0) + u * u) + blur)
        reach_y = np.float32(REACH) * np.sqrt((fy * scale) ** 2 * (np.float32(1.0) + v * v) + blur)
        x, y = fx * u + cx, fy * v + cy
        low_x, high_x = max(x - reach_x, limit[0]), min(x + reach_x, limit[2])
        low_y, high_y = max(y - reach_y, limit[1]), min(y + reach_y, limit[3])
        if low_x < high_x and low_y < high_y:
            left, right = min(left, low_x), max(right, high_x)
            top, bottom = min(top, low_y), max(bottom, high_y)
    return left, top, right, bottom
