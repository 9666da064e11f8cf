"""Crops of several people of one size, so that one step of the network shades them all.

A batch costs what its pixels cost and something more, so a small crop is enlarged to the size of a larger one where
that costs less than a step of its own. What is decided depends on the crops alone: as long as those are steady
(`PersonCropper`) these are.
"""

from collections.abc import Iterator, Sequence

from inperson.render.scene.crop import Crop, PixelRectangle, sub_view
from inperson.render.views import EyeView, common_size
from inperson.shader_model.conditions.crop import STEP

STEP_PIXELS = 65536
"""What a step costs beside its pixels, in pixels of an eye: a quarter of 512 x 512."""

Size = tuple[int, int]


def agreed_crops(crops: Sequence[Crop], views: Sequence[EyeView]) -> list[Crop]:
    """The crops, some of them enlarged. They may reach beyond the views, as a `PersonCropper`'s.

    Args:
        crops: one of each person, of `PersonCropper`; a room's four people at most: all ways to group them are tried.
        views: that were cropped.
    """
    whole = common_size(views)
    sizes = agreed_sizes([(crop.rectangles[0].width, crop.rectangles[0].height) for crop in crops], len(views))
    return [_grown(crop, size, whole, views) for crop, size in zip(crops, sizes, strict=True)]


def agreed_sizes(sizes: Sequence[Size], eyes: int) -> list[Size]:
    """For each the size of its group, grouped as it costs least; the fewest groups of what costs the same."""

    def cost(groups: list[list[int]]) -> tuple[int, int]:
        pixels = [len(group) * eyes * width * height for group, (width, height) in _with_sizes(groups, sizes)]
        return sum(pixels) + STEP_PIXELS * len(groups), len(groups)

    best = min(_groupings(len(sizes)), key=cost)
    out: list[Size] = list(sizes)
    for group, size in _with_sizes(best, sizes):
        for number in group:
            out[number] = size
    return out


def _with_sizes(groups: list[list[int]], sizes: Sequence[Size]) -> Iterator[tuple[list[int], Size]]:
    for group in groups:
        yield group, (max(sizes[n][0] for n in group), max(sizes[n][1] for n in group))


def _groupings(count: int) -> Iterator[list[list[int]]]:
    """All ways to part range(count) into groups."""
    if count == 0:
        yield []
        return
    for smaller in _groupings(count - 1):
        yield [*smaller, [count - 1]]
        for number in range(len(smaller)):
            yield [group + [count - 1] * (k == number) for k, group in enumerate(smaller)]


def _grown(crop: Crop, size: Size, whole: Size, views: Sequence[EyeView]) -> Crop:
    if (crop.rectangles[0].width, crop.rectangles[0].height) == size:
        return crop
    rectangles = tuple(
        PixelRectangle(
            _origin(old.left, size[0] - old.width, size[0], whole[0]),
            _origin(old.top, size[1] - old.height, size[1], whole[1]),
            *size,
        )
        for old in crop.rectangles
    )
    return Crop(rectangles, tuple(sub_view(view, part) for view, part in zip(views, rectangles, strict=True)))


def _origin(old: int, more: int, size: int, whole: int) -> int:
    """Where an interval begins that is enlarged by `more`: whole steps from where it began, so that hidden states are
    moved and not resampled; as little outside the view as can be, then as evenly on both sides."""

    def badness(start: int) -> tuple[int, int]:
        return max(-start, 0) + max(start + size - whole, 0), abs(start - (old - more // 2))

    return min(range(old - more, old + 1, STEP), key=badness)
