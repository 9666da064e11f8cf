"""What crosses the mailbox comes out as it went in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.app.motion.tracked import (
    MARKS,
    PREVIEW_HEIGHT,
    PREVIEW_WIDTH,
    Tracked,
    marks_of,
    pack,
    preview_of,
    tracked_dtype,
    unpack,
)
from inperson.avatar.state import BodyState, Source
from inperson.conventions import Intrinsics
from inperson.tracking.observation import CameraFrame, HandObservation, Observation


def random_tracked(seed: int, num_betas: int, num_expression: int, parts: set[str]) -> Tracked:
    rng = np.random.default_rng(seed)
    rest = BodyState.rest(num_betas, num_expression)
    arrays = {
        name: rng.normal(size=getattr(rest, name).shape).astype(np.float32)
        for name in BodyState.__slots__
        if isinstance(getattr(rest, name), np.ndarray)
    }
    sources = tuple(Source(int(s)) for s in rng.integers(0, len(Source), 5))
    height, width = rng.integers(1, PREVIEW_HEIGHT + 1), rng.integers(1, PREVIEW_WIDTH + 1)
    return Tracked(
        state=BodyState(**arrays, time_ns=int(rng.integers(2**62)), source=sources),
        sequence=int(rng.integers(2**40)),
        dropped=int(rng.integers(1000)),
        stage_ns=rng.random(3) * 1e8,
        preview=rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        marks={part: rng.random((MARKS[part], 2), np.float32) for part in parts},
    )


@given(st.integers(0, 2**32 - 1), st.integers(0, 300), st.integers(0, 100), st.sets(st.sampled_from(sorted(MARKS))))
def test_pack_and_unpack_are_inverse(seed, num_betas, num_expression, parts):
    given_ = random_tracked(seed, num_betas, num_expression, parts)
    back = unpack(pack(given_, tracked_dtype(num_betas, num_expression)))
    for name in BodyState.__slots__:
        np.testing.assert_array_equal(getattr(back.state, name), getattr(given_.state, name))
    assert back.state.source == given_.state.source
    assert (back.sequence, back.dropped) == (given_.sequence, given_.dropped)
    np.testing.assert_array_equal(back.stage_ns, given_.stage_ns)
    np.testing.assert_array_equal(back.preview, given_.preview)
    assert back.marks.keys() == parts
    for part in parts:
        np.testing.assert_array_equal(back.marks[part], given_.marks[part])


def test_marks_are_fractions_of_the_picture():
    hand = HandObservation(np.full((21, 2), (320.0, 120.0)), np.zeros((21, 3)), 1.0)
    seen = Observation(
        *(0, 0, Intrinsics.from_horizontal_fov(640, 480)), body_pixels=np.full((33, 2), 48.0), body_world=None,
        body_visibility=None, left_hand=None, right_hand=hand, face=None,
    )  # fmt: skip
    marks = marks_of(seen)
    assert marks.keys() == {"body", "right_hand"}
    assert marks["right_hand"] == pytest.approx(np.full((21, 2), (0.5, 0.25)))
    assert marks["body"] == pytest.approx(np.full((33, 2), (0.075, 0.1)))


@given(st.integers(1, 900), st.integers(1, 1400))
def test_a_preview_always_fits_and_keeps_the_first_pixel(height, width):
    image = np.arange(height * width * 3, dtype=np.uint64).astype(np.uint8).reshape(height, width, 3)
    preview = preview_of(CameraFrame(image, 0, 0, Intrinsics.from_horizontal_fov(width, height)))
    assert preview.shape[0] <= PREVIEW_HEIGHT
    assert preview.shape[1] <= PREVIEW_WIDTH
    np.testing.assert_array_equal(preview[0, 0], image[0, 0])
