"""What a whole sequence needs before it is shaded offline: steady crops, and a beginning that knows the end."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from inperson.avatar.gaussians import PosedGaussians
from inperson.render.scene.crop import Crop, PixelRectangle, covered, sub_view
from inperson.render.views import EyeView, common_size
from inperson.shader_model.conditions.maker import ConditionMaker
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.interface import MULTIPLE, Conditions


def steady_crops(frames: Sequence[tuple[PosedGaussians, Sequence[EyeView]]]) -> tuple[Crop, ...]:
    """One rectangle for each eye, of one size, that holds the person in every frame.

    The live crop follows the person; offline it stands still, so that a cell of the teacher's attention is the same
    place in all frames.

    Args:
        frames: the posed person and the whole views, of one size and as many eyes in every frame.

    Raises:
        ValueError: views of several sizes or numbers of eyes, or the person is never seen.
    """
    width, height = common_size([view for _, views in frames for view in views])
    whole = PixelRectangle(0, 0, width, height)
    if len({len(views) for _, views in frames}) != 1:
        raise ValueError("all frames need as many eyes")
    by_eye = zip(*([covered(posed, view, whole) for view in views] for posed, views in frames), strict=True)
    seen = [_around([r for r in rectangles if r is not None]) for rectangles in by_eye]
    there = [rectangle for rectangle in seen if rectangle is not None]
    if not there:
        raise ValueError("the person is in none of the views")
    sides = (max(getattr(r, side) for r in there) for side in ("width", "height"))
    across, down = (-(-side // MULTIPLE) * MULTIPLE for side in sides)
    parts = tuple(_centred(rectangle or there[0], across, down) for rectangle in seen)
    return tuple(
        Crop(parts, tuple(sub_view(view, part) for view, part in zip(views, parts, strict=True)))
        for _, views in frames
    )


def begin_after(maker: ConditionMaker, last: Moment, time_ns: int) -> None:
    """Have what a maker draws next know a sequence's last moment, as if it had been at a time before; and nothing
    else."""
    maker.forget()
    maker.make(replace(last, time_ns=time_ns))


def closed_conditions(maker: ConditionMaker, moments: Sequence[Moment], step_ns: int) -> Iterator[Conditions]:
    """The conditions of a sequence whose last frame is followed by its first: that one knows the last.

    Args:
        maker: what it remembers is forgotten.
        step_ns: from the last frame to the first, nanoseconds.
    """
    begin_after(maker, moments[-1], moments[0].time_ns - step_ns)
    for moment in moments:
        yield maker.make(moment).conditions


def _around(rectangles: Sequence[PixelRectangle]) -> PixelRectangle | None:
    """The smallest rectangle about all of them."""
    if not rectangles:
        return None
    left, top = min(r.left for r in rectangles), min(r.top for r in rectangles)
    right, bottom = max(r.right for r in rectangles), max(r.bottom for r in rectangles)
    return PixelRectangle(left, top, right - left, bottom - top)


def _centred(rectangle: PixelRectangle, width: int, height: int) -> PixelRectangle:
    """A larger one about it; it may reach beyond the picture."""
    left = rectangle.left - (width - rectangle.width) // 2
    top = rectangle.top - (height - rectangle.height) // 2
    return PixelRectangle(left, top, width, height)
