"""Texels beside a cut get what lies across it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from inperson.avatar.body import BodyModel, load_body
from inperson.reconstruct.network.seams import SeamExchange, cut_edges, seam_texels
from inperson.reconstruct.surface.atlas import UvAtlas
from inperson.reconstruct.surface.places import at_places


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body("neutral")


LEFT = [(0.2, 0.2), (0.4, 0.2), (0.4, 0.8), (0.2, 0.8)]
"""Corners in uv: bottom left, bottom right, top right, top left."""


def two_squares(body: BodyModel, right: list[tuple[float, float]]) -> BodyModel:
    """A strip of two quads joined at the left one's right edge, cut apart there in the map."""
    return replace(
        body,
        faces=np.array([[0, 1, 2], [0, 2, 3], [1, 4, 5], [1, 5, 2]], np.int32),
        ft=np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32),
        vt=np.array([*LEFT, *right], np.float32),
    )


def exchange_of(body: BodyModel, size: int) -> dict[tuple[int, int], tuple[int, int]]:
    """(row, column) outside: (row, column) across."""
    outside, across = seam_texels(body, size)
    return {
        (int(o) // size, int(o) % size): (int(a) // size, int(a) % size) for o, a in zip(outside, across, strict=True)
    }


def test_a_straight_cut_joins_row_to_row(body: BodyModel) -> None:
    strip = two_squares(body, [(0.6, 0.2), (0.8, 0.2), (0.8, 0.8), (0.6, 0.8)])
    pairs = exchange_of(strip, 20)  # the left square ends with column 7, the right one begins with 12
    for row in range(5, 15):
        assert pairs[row, 8] == (row, 12)
        assert pairs[row, 9] == (row, 13)
        assert pairs[row, 11] == (row, 7)
        assert pairs[row, 10] == (row, 6)
    assert not any(column in (3, 16) for _, column in pairs)  # the strip's own ends are no cuts


def test_a_cut_whose_other_side_lies_turned_over(body: BodyModel) -> None:
    """The right square is turned by 180 degrees: its joined edge is its right one, upside down."""
    strip = two_squares(body, [(0.8, 0.8), (0.6, 0.8), (0.6, 0.2), (0.8, 0.2)])
    pairs = exchange_of(strip, 20)
    for row in range(5, 15):
        assert pairs[row, 8] == (19 - row, 15)
        assert pairs[row, 9] == (19 - row, 14)
        assert pairs[row, 16] == (19 - row, 7)


def test_a_cut_whose_other_side_is_drawn_at_half_the_size(body: BodyModel) -> None:
    strip = two_squares(body, [(0.6, 0.35), (0.7, 0.35), (0.7, 0.65), (0.6, 0.65)])
    pairs = exchange_of(strip, 40)  # rows 8-31 on the left become 14-25 on the right
    assert pairs[8, 16] == (14, 24)
    assert pairs[9, 17] == (14, 24)
    assert pairs[31, 16] == (25, 24)
    assert pairs[14, 23][1] == 14  # a texel from the small side is two of the large one


def test_cuts_come_once_from_either_side(body: BodyModel) -> None:
    assert body.ft is not None
    start, end, start_across, end_across = cut_edges(body.faces, body.ft)
    here = set(zip(start.tolist(), end.tolist(), end_across.tolist(), start_across.tolist(), strict=True))
    there = set(zip(end_across.tolist(), start_across.tolist(), start.tolist(), end.tolist(), strict=True))
    assert here == there
    assert len(here) == len(start) > 100
    vertex = np.empty(len(body.vt), int)  # type: ignore[arg-type]
    vertex[body.ft.ravel()] = body.faces.ravel()
    assert (vertex[start] == vertex[start_across]).all()
    assert (vertex[end] == vertex[end_across]).all()


@pytest.mark.parametrize("size", [256, 128])
def test_on_the_body_what_is_put_beside_a_cut_is_near_it(body: BodyModel, size: int) -> None:
    atlas = UvAtlas.of(body, size)
    places = np.zeros((size * size, 3))
    inside = atlas.inside.ravel()
    places[inside] = at_places(
        body.v_template, body.faces, atlas.face_index[atlas.inside], atlas.barycentric[atlas.inside]
    )
    outside, across = seam_texels(body, size)
    assert not inside[outside].any()
    assert inside[across].all()
    assert len(np.unique(outside)) == len(outside) > 10 * size
    beside = atlas.nearest.ravel()[outside]
    apart = np.linalg.norm(places[across] - places[beside], axis=1)
    texel = 1.6 / size  # the body is about that large on the map
    gap = np.hypot(outside % size - beside % size, outside // size - beside // size)
    nearest, further = apart[gap < 1.1], apart[gap > 1.9]
    assert np.median(nearest) < 1.5 * texel
    assert np.median(nearest) < 0.7 * np.median(further) < 2.5 * texel
    assert np.mean(nearest < 5.0 * texel) > 0.95  # where islands nearly touch, the nearest cut may be the other's


def test_the_spine_s_two_sides_meet(body: BodyModel) -> None:
    """What is painted on one side of the back stands beside the other side after the exchange."""
    size = 256
    atlas = UvAtlas.of(body, size)
    seams = SeamExchange(body, size)
    place = np.zeros((size, size, 3))
    place[atlas.inside] = at_places(
        body.v_template, body.faces, atlas.face_index[atlas.inside], atlas.barycentric[atlas.inside]
    )
    back = atlas.inside & (place[..., 2] < -0.02) & (np.abs(place[..., 1]) < 0.2) & (np.abs(place[..., 0]) < 0.06)
    left = back & (place[..., 0] > 0)
    painted = torch.from_numpy(left.astype(np.float32))[None, None]
    new = (seams(painted) - painted)[0, 0].numpy() > 0
    rows, columns = np.nonzero(new)
    beside = atlas.nearest[rows, columns]
    across = place.reshape(-1, 3)[beside]
    right_back = (across[:, 0] < 0.004) & (across[:, 2] < 0.0)
    assert right_back.sum() > 30
    assert right_back.mean() > 0.7  # the rest lie above and below, where the waist is cut


def test_exchange_is_a_copy_and_differentiable(body: BodyModel) -> None:
    seams = SeamExchange(body, 64)
    x = torch.randn(2, 3, 64, 64, requires_grad=True)
    y = seams(x)
    flat_x, flat_y = x.flatten(2), y.flatten(2)
    assert torch.equal(flat_y[..., seams.outside], flat_x[..., seams.across])
    untouched = torch.ones(64 * 64, dtype=torch.bool)
    untouched[seams.outside] = False
    assert torch.equal(flat_y[..., untouched], flat_x[..., untouched])
    y.sum().backward()
    counts = untouched.float() + torch.bincount(seams.across, minlength=64 * 64)
    assert x.grad is not None
    torch.testing.assert_close(x.grad.flatten(2), counts.expand(2, 3, -1))


def test_exchange_keeps_channels_last(body: BodyModel) -> None:
    x = torch.randn(1, 8, 64, 64).to(memory_format=torch.channels_last)
    seams = SeamExchange(body, 64)
    assert seams(x).is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(seams(x), seams(x.contiguous()))
