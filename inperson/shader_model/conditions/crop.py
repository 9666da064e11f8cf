"""The part of each eye's picture that the person is in, steady from frame to frame.

The shader's cost is its crop's, and what it remembers lies in the last crop's pixels: a crop that stays where it was
and as large as it was costs no new memory, no new graph and no resampling.
"""

from collections.abc import Sequence

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.scene.crop import Crop, PixelRectangle, covered, sub_view
from inperson.render.views import EyeView, common_size
from inperson.shader_model.interface import MULTIPLE

MARGIN = 16
"""Pixels of air on each side of a new crop, as far as the view goes."""
STEP = 16
"""A crop moves by whole steps, so that the hidden state, one cell a step, is moved and not resampled."""
PATIENCE = 60
"""Frames for which a smaller crop must have done before one is taken."""
MUCH_SMALLER = 0.5
"""Share of the last crop's area at which a smaller one is taken at once."""


class PersonCropper:
    """Crops the views of one person, frame after frame."""

    def __init__(self) -> None:
        self._last: tuple[PixelRectangle, ...] = ()
        self._whole = (0, 0)
        self._smaller_for = 0

    def crop(
        self,
        gaussians: PosedGaussians,
        views: Sequence[EyeView],
        within: Sequence[PixelRectangle | None] | None = None,
    ) -> Crop | None:
        """A rectangle of one size in every view, sides multiples of `MULTIPLE`, that holds all Gaussians in view.

        It may reach beyond a view whose sides are no such multiples. None where no Gaussian is in any view.

        Args:
            gaussians: in the world.
            views: of one size.
            within: the part of each view in which anything counts (a mirror's), None for nothing; by default all.
        """
        width, height = common_size(views)
        if self._whole != (width, height) or len(self._last) != len(views):
            self.forget()
        limits = [PixelRectangle(0, 0, width, height)] * len(views) if within is None else within
        seen = [limit and covered(gaussians, view, limit) for view, limit in zip(views, limits, strict=True)]
        drawn = [rectangle for rectangle in seen if rectangle is not None]
        if not drawn:
            self.forget()
            return None
        needed = tuple(rectangle or drawn[0] for rectangle in seen)
        size = _size_for(needed, width, height)
        if not self._still_right(needed, size):
            self._last = tuple(
                _placed(one, size, (width, height), last)
                for one, last in zip(needed, self._last or (None,) * len(needed), strict=True)
            )
            self._whole, self._smaller_for = (width, height), 0
        return Crop(self._last, tuple(sub_view(v, part) for v, part in zip(views, self._last, strict=True)))

    def forget(self) -> None:
        """The next crop fits the person as closely as it can."""
        self._last, self._smaller_for = (), 0

    def _still_right(self, needed: Sequence[PixelRectangle], size: tuple[int, int]) -> bool:
        """Whether the last crop holds the person and is not wastefully large."""
        if not all(_holds(last, one) for last, one in zip(self._last, needed, strict=False)) or not self._last:
            return False
        kept = self._last[0].width * self._last[0].height
        self._smaller_for = self._smaller_for + 1 if size[0] * size[1] < kept else 0
        return self._smaller_for <= PATIENCE and size[0] * size[1] > MUCH_SMALLER * kept


def _size_for(needed: Sequence[PixelRectangle], width: int, height: int) -> tuple[int, int]:
    """Width and height that hold every one of the rectangles with its margin."""
    across = max(min(r.right + MARGIN, width) - max(r.left - MARGIN, 0) for r in needed)
    down = max(min(r.bottom + MARGIN, height) - max(r.top - MARGIN, 0) for r in needed)
    return -(-across // MULTIPLE) * MULTIPLE, -(-down // MULTIPLE) * MULTIPLE


def _placed(
    needed: PixelRectangle, size: tuple[int, int], whole: tuple[int, int], last: PixelRectangle | None
) -> PixelRectangle:
    """A rectangle of a size around what is needed: inside the view if it fits, a whole step from the last one."""
    left = _origin(needed.left, needed.right, size[0], whole[0], None if last is None else last.left)
    top = _origin(needed.top, needed.bottom, size[1], whole[1], None if last is None else last.top)
    return PixelRectangle(left, top, *size)


def _origin(low: int, high: int, size: int, whole: int, last: int | None) -> int:
    """Where an interval of length `size` begins that holds [low, high)."""
    room = whole - size
    least, most = max(high - size, min(room, 0)), min(low, max(room, 0))
    middle = min(max((low + high - size) // 2, least), most)
    if last is None:
        return middle
    stepped = last + round((middle - last) / STEP) * STEP
    return stepped if least <= stepped <= most else middle


def _holds(outer: PixelRectangle, inner: PixelRectangle) -> bool:
    return (
        outer.left <= inner.left
        and inner.right <= outer.right
        and outer.top <= inner.top
        and inner.bottom <= outer.bottom
    )
