"""Windows: they cover a sequence with weights that add up, and a closed one has no seam."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inperson.shader_model.teacher.windows import blended, spans_of

shapes = st.tuples(st.integers(1, 40), st.integers(1, 12)).flatmap(
    lambda n: st.tuples(st.just(n[0]), st.just(n[1]), st.integers(0, n[1] - 1), st.booleans())
)


@given(shape=shapes)
def test_weights_add_up_to_one_for_every_frame(shape: tuple[int, int, int, bool]) -> None:
    frames, length, overlap, closed = shape
    spans = spans_of(frames, length, overlap, closed)
    total = torch.zeros(frames)
    for span in spans:
        assert len(span.frames) == min(length, frames)
        assert (span.weights > 0).all()
        steps = {(b - a) % frames for a, b in zip(span.frames, span.frames[1:], strict=False)}
        assert steps <= {1 % frames}  # consecutive, across the seam too
        assert closed or span.frames[0] <= span.frames[-1]
        total[list(span.frames)] += span.weights
    torch.testing.assert_close(total, torch.ones(frames))


@given(shape=shapes)
def test_neighbours_share_at_least_the_overlap(shape: tuple[int, int, int, bool]) -> None:
    frames, length, overlap, closed = shape
    spans = spans_of(frames, length, overlap, closed)
    neighbours = list(zip(spans, spans[1:] + spans[:1] if closed else spans[1:], strict=False))
    for a, b in neighbours:
        assert len(set(a.frames) & set(b.frames)) >= min(overlap, frames)


def test_one_window_s_length_is_one_window() -> None:
    for frames in (3, 8):
        (span,) = spans_of(frames, 8, 4, closed=False)
        assert span.frames == tuple(range(frames))
        torch.testing.assert_close(span.weights, torch.ones(frames))
        prediction = torch.randn(frames, 2, 3)
        torch.testing.assert_close(blended([span], lambda _: prediction, prediction), prediction)  # noqa: B023


@pytest.mark.parametrize(("frames", "length", "overlap"), [(12, 8, 4), (12, 6, 3), (8, 8, 4), (9, 4, 1)])
def test_a_closed_sequence_looks_the_same_from_every_window(frames: int, length: int, overlap: int) -> None:
    spans = spans_of(frames, length, overlap, closed=True)
    step = length - overlap
    assert frames % step == 0
    assert [span.frames[0] for span in spans] == list(range(0, frames, step))
    for span in spans:
        torch.testing.assert_close(span.weights, spans[0].weights)
    weights = spans[0].weights
    torch.testing.assert_close(weights, weights.flip(0), atol=1e-6, rtol=0)  # as smooth in as out


def test_opinions_are_weighted() -> None:
    spans = spans_of(6, 4, 2, closed=False)
    assert [span.frames for span in spans] == [(0, 1, 2, 3), (2, 3, 4, 5)]
    mixed = blended(spans, lambda span: torch.full((4, 1), float(span.frames[0])), torch.zeros(6, 1))[:, 0]
    assert mixed[0] == mixed[1] == 0.0
    assert mixed[4] == mixed[5] == 2.0
    assert 0.0 < mixed[2] < 1.0 < mixed[3] < 2.0
