"""Who is tracked, and the geometry around the landmarkers that needs no picture of a person."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.conventions import T_GL_FROM_CV, Intrinsics
from inperson.tracking.crops import RotatedSquare
from inperson.tracking.landmarkers_clock import FrameClock
from inperson.tracking.landmarkers_face import face_confidence, head_in_camera, next_head_square
from inperson.tracking.people import BodyBox, PersonKeeper, box_of

SECOND = 1_000_000_000
NEAR, FAR = BodyBox(300, 50, 560, 470), BodyBox(60, 100, 160, 330)


def shifted(box, dx):
    return BodyBox(box.x0 + dx, box.y0, box.x1 + dx, box.y1)


def test_the_larger_of_two_people_is_chosen():
    assert PersonKeeper().choose([FAR, NEAR], 0) == 1
    assert PersonKeeper().choose([NEAR, FAR], 0) == 0
    assert PersonKeeper().choose([], 0) is None


def test_somebody_larger_coming_in_does_not_take_over():
    keeper = PersonKeeper()
    assert keeper.keep(FAR, 0)
    keeper.lost()
    assert keeper.choose([NEAR, shifted(FAR, 10)], SECOND) == 1


def test_nobody_else_is_taken_for_a_while_after_somebody_left():
    keeper = PersonKeeper()
    keeper.keep(FAR, 0)
    keeper.lost()
    assert keeper.choose([NEAR], SECOND) is None
    assert keeper.choose([NEAR, FAR], 2 * SECOND) == 0


def test_slipping_over_to_somebody_else_is_noticed():
    keeper = PersonKeeper()
    assert keeper.keep(FAR, 0)
    assert keeper.keep(shifted(FAR, 8), 1)
    assert not keeper.keep(NEAR, 2)


def test_boxes_ignore_landmarks_that_are_not_visible():
    pixels = np.array([[10.0, 20.0]] * 32 + [[900.0, 900.0]])
    visibility = np.array([0.9] * 32 + [0.1])
    assert box_of(pixels, visibility) == BodyBox(10, 20, 10, 20)


boxes = st.tuples(*[st.floats(0, 400)] * 2, *[st.floats(1, 200)] * 2).map(
    lambda b: BodyBox(b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(boxes, boxes)
def test_overlap_is_symmetric_and_one_only_for_itself(a, b):
    assert a.overlap(b) == pytest.approx(b.overlap(a))
    assert 0 <= a.overlap(b) <= 1 + 1e-9
    assert a.overlap(a) == pytest.approx(1)


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=20))
def test_frame_time_always_increases(times):
    clock = FrameClock()
    stamps = [clock.stamp_ms(t) for t in times]
    assert all(later > earlier for earlier, later in pairwise(stamps))


def body_with_head(center, width=60.0):
    body = np.zeros((33, 2))
    body[:11] = center
    body[7] += (width / 2, 0)
    body[8] -= (width / 2, 0)
    body[11], body[12] = np.add(center, (70, 90)), np.add(center, (-70, 90))
    body[23], body[24] = np.add(center, (50, 280)), np.add(center, (-50, 280))
    return body


IMAGE = np.zeros((480, 640, 3), np.uint8)


def test_head_square_stays_while_the_head_stays_in_it_and_then_follows():
    first = next_head_square(None, body_with_head((320, 150)), IMAGE)
    assert next_head_square(first, body_with_head((325, 148)), IMAGE) is first
    moved = next_head_square(first, body_with_head((420, 150)), IMAGE)
    assert moved is not first
    np.testing.assert_allclose(moved.center, (420, 150))


def test_the_head_square_grows_with_the_head():
    far = next_head_square(None, body_with_head((320, 150), 30), IMAGE)
    near = next_head_square(None, 4 * body_with_head((80, 40), 40), IMAGE)
    assert near.size > far.size


def test_without_a_body_the_whole_picture_is_looked_at():
    assert next_head_square(None, None, IMAGE).size == 640
    last = RotatedSquare(np.array([10.0, 10.0]), 50.0)
    assert next_head_square(last, None, IMAGE) is last


FOCAL = 240 / np.tan(np.deg2rad(31.5))
CAMERA = Intrinsics(FOCAL, FOCAL, 240, 240, 480, 480)
WHOLE = RotatedSquare(np.array([240.0, 240.0]), 480.0)


def mediapipe_matrix(rotation_y=0.3, t_cm=(4.0, 3.0, -45.0)):
    c, s = np.cos(rotation_y), np.sin(rotation_y)
    matrix = np.eye(4)
    matrix[:3, :3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]]
    matrix[:3, 3] = t_cm
    return matrix


def test_head_in_mediapipes_own_camera_only_changes_axes_and_units():
    matrix = mediapipe_matrix()
    expected = T_GL_FROM_CV @ matrix
    expected[:3, 3] *= 0.01
    np.testing.assert_allclose(head_in_camera(matrix, WHOLE, CAMERA), expected, atol=1e-12)


@given(st.floats(60, 480), st.floats(60, 400), st.floats(40, 300))
def test_head_from_a_square_projects_to_where_it_is_in_the_square(cx, cy, size):
    square = RotatedSquare(np.array([cx, cy]), size)
    camera = Intrinsics(520, 520, 320, 240, 640, 480)
    matrix = mediapipe_matrix()
    T = head_in_camera(matrix, square, camera)
    own = T_GL_FROM_CV @ matrix
    in_square = 0.5 + 0.5 / np.tan(np.deg2rad(31.5)) * own[:2, 3] / own[2, 3]
    projected = camera.matrix @ T[:3, 3]
    np.testing.assert_allclose(projected[:2] / projected[2], square.to_image(in_square[None])[0], atol=1e-6)
    np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.linalg.det(T[:3, :3]) == pytest.approx(1)


def test_a_head_half_as_large_in_the_picture_is_twice_as_far():
    near = head_in_camera(mediapipe_matrix(), RotatedSquare(np.array([320.0, 240.0]), 200.0), CAMERA)
    far = head_in_camera(mediapipe_matrix(), RotatedSquare(np.array([320.0, 240.0]), 100.0), CAMERA)
    assert far[2, 3] == pytest.approx(2 * near[2, 3])


def test_face_confidence_falls_as_face_and_body_disagree():
    mesh = np.zeros((478, 2))
    mesh[:, 0] = np.linspace(0, 80, 478)
    body = np.zeros((33, 2))
    confidences = []
    for off in (0.0, 10.0, 30.0, 80.0):
        body[0] = mesh[1] + (0, off)
        confidences.append(face_confidence(mesh, body))
    assert confidences[0] == pytest.approx(1)
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[-1] < 0.02
    assert face_confidence(mesh, None) == 1
