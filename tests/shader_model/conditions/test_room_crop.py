"""People's crops agree on a size where one step for all costs less than one for each."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.render.scene.crop import Crop, PixelRectangle, sub_view
from inperson.shader_model.conditions.crop import STEP
from inperson.shader_model.conditions.room_crop import STEP_PIXELS, agreed_crops, agreed_sizes
from tests.shader_model.conditions.scenes import eye, pixels_of

side = st.integers(1, 32).map(lambda n: 32 * n)
sizes = st.lists(st.tuples(side, side), min_size=1, max_size=4)


def cost(agreed: list[tuple[int, int]], eyes: int) -> int:
    return sum(eyes * w * h for w, h in agreed) + STEP_PIXELS * len(set(agreed))


@given(sizes, st.integers(1, 2))
def test_nobody_loses_and_all_together_pay_less(own: list[tuple[int, int]], eyes: int) -> None:
    agreed = agreed_sizes(own, eyes)
    for (width, height), (w, h) in zip(own, agreed, strict=True):
        assert w >= width
        assert h >= height
        assert w in [x for x, _ in own]
        assert h in [y for _, y in own]
    together = [(max(w for w, _ in own), max(h for _, h in own))] * len(own)
    assert cost(agreed, eyes) <= min(cost(own, eyes), cost(together, eyes))
    assert agreed_sizes(agreed, eyes) == agreed


@given(sizes)
def test_it_does_not_matter_who_is_first(own: list[tuple[int, int]]) -> None:
    best = cost(agreed_sizes(own, 2), 2)
    for order in permutations(own):
        assert cost(agreed_sizes(order, 2), 2) == best


@pytest.mark.parametrize(
    ("own", "agreed"),
    [
        ([(256, 512), (288, 480)], [(288, 512)] * 2),
        ([(64, 64), (1024, 1024)], [(64, 64), (1024, 1024)]),
        ([(96, 64), (64, 64), (1024, 992), (992, 1024)], [(96, 64)] * 2 + [(1024, 1024)] * 2),
    ],
)
def test_alike_are_brought_together_and_others_left(own: list, agreed: list) -> None:
    assert agreed_sizes(own, 1) == agreed


@given(st.data())
def test_a_larger_crop_holds_the_old_one_and_shows_the_same(data: st.DataObject) -> None:
    """Moved by whole steps, inside the view where it fits; and a point is where it was in the whole picture."""
    whole = (data.draw(st.integers(320, 700)), data.draw(st.integers(320, 700)))
    views = [eye((x, 0, 1), size=whole) for x in (-0.03, 0.03)]

    def crop(size: tuple[int, int]) -> Crop:
        parts = tuple(
            PixelRectangle(*(data.draw(st.integers(0, w - s)) for w, s in zip(whole, size, strict=True)), *size)
            for _ in views
        )
        return Crop(parts, tuple(sub_view(view, part) for view, part in zip(views, parts, strict=True)))

    small, large = crop((192, 224)), crop((224, 320))
    grown, same = agreed_crops([small, large], views)
    assert same is large
    point = np.array([0.02, 0.01, 0.0])
    for old, new, view, sub in zip(small.rectangles, grown.rectangles, views, grown.views, strict=True):
        assert (new.width, new.height) == (224, 320) == (sub.width, sub.height)
        assert new.left <= old.left <= old.right <= new.right
        assert new.top <= old.top <= old.bottom <= new.bottom
        assert (old.left - new.left) % STEP == (old.top - new.top) % STEP == 0
        assert new.left > -STEP
        assert new.right < whole[0] + STEP
        np.testing.assert_allclose(
            pixels_of(point, sub) + np.array([new.left, new.top]), pixels_of(point, view), atol=1e-6
        )
