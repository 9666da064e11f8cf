"""Frames of a clip: shared out in time, made smaller and cropped without moving anything."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.errors import BadInputError
from inperson.reconstruct.refine.frames import MIN_FRAMES, ClipFrames, over, share_out, spread
from tests.reconstruct.refine.refine_cases import case


def falls_at(clip: ClipFrames, point: np.ndarray) -> np.ndarray:
    k, to_eye = clip.view.intrinsics, clip.view.T_cv_from_world
    x, y, z = to_eye[:3, :3] @ point + to_eye[:3, 3]
    return np.array([k.fx * x / z + k.cx, k.fy * y / z + k.cy])


@given(st.integers(MIN_FRAMES, 700))
def test_every_frame_has_one_use_and_the_end_is_held_out(count):
    frame = case().clip.frames[0]
    clip = ClipFrames(tuple(frame for _ in range(count)), case().clip.view)
    parts = share_out(clip, "x", 30.0)
    sizes = [len(parts.training), len(parts.validation), len(parts.held_out)]
    assert sum(sizes) == count
    assert abs(sizes[2] - count / 3) <= 0.5
    assert sizes[0] > 3 * sizes[1] > 0


def test_order_is_that_of_time():
    parts = share_out(case().clip, "x", 30.0)
    times = [s.time_ns for part in (parts.training, parts.validation, parts.held_out) for s in part.states]
    assert times == sorted(times)


def test_too_short_a_clip_says_how_much_is_needed():
    with pytest.raises(BadInputError, match=r"clip me\.mp4 shows the person in 23 frames.*24 frames \(1\.0 s\)"):
        share_out(case().clip.part(range(23)), "me.mp4", 25.0)


def test_cropped_and_scaled_pictures_show_the_same_place():
    clip = case().clip.part([3, 12])
    inside = case().clip.states[3].transl.astype(float) + np.array([0.0, 0.2, 0.0])
    cropped = clip.cropped()
    assert cropped.view.width < clip.view.width
    u, v = (falls_at(clip, inside)).astype(int)
    cu, cv = (falls_at(cropped, inside)).astype(int)
    assert (cropped.frames[0].rgba[cv, cu] == clip.frames[0].rgba[v, u]).all()
    outside = sum(int(f.rgba.sum(dtype=np.int64)) for f in clip.frames)
    kept = sum(int(f.rgba.sum(dtype=np.int64)) for f in cropped.frames)
    assert kept > 0.999 * outside
    half = clip.scaled(0.5)
    np.testing.assert_allclose(falls_at(half, inside), 0.5 * falls_at(clip, inside), atol=0.01)
    assert half.frames[0].rgba.shape == (80, 104, 4)
    assert clip.scaled(1.0) is clip


def test_nobody_cannot_be_cropped():
    clip = case().clip.part([0])
    empty = clip._with_pictures([np.zeros_like(clip.frames[0].rgba)], clip.view.intrinsics)
    with pytest.raises(ValueError, match="anybody in it"):
        empty.cropped()


def test_over_grey_and_spread():
    rgba = np.array([[[128, 0, 0, 128], [0, 0, 0, 0]]], np.uint8)
    np.testing.assert_allclose(over(rgba, 0.5)[0, 1], 0.5)
    np.testing.assert_allclose(over(rgba, 0.5)[0, 0], [0.75, 0.25, 0.25], atol=0.01)
    assert spread(101, 3) == [0, 50, 100]
    assert spread(2, 8) == [0, 1]
