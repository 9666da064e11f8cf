"""The parts around the landmark networks, each against a plain computation."""

import math
import zipfile

import numpy as np
import pytest
from google.protobuf import struct_pb2, wrappers_pb2
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inperson.tracking.crops import RotatedSquare
from inperson.tracking.filters import FilterTuning, VectorFilter
from inperson.tracking.landmarkers_body_network import PersonDetector, refine, square_around
from inperson.tracking.landmarkers_cut import cut_for_detector, cut_for_landmarks
from inperson.tracking.landmarkers_detector import cell_middles, merge_overlapping
from inperson.tracking.landmarkers_face_geometry import CANONICAL_FOV, CanonicalFace, weighted_similarity
from inperson.tracking.landmarkers_litert import Network
from inperson.tracking.landmarkers_prune import with_outputs
from inperson.tracking.landmarkers_smoothing import IN_PICTURE, LandmarkFilter, VisibilityFilter
from inperson.tracking.models import FACE, POSE, model_path
from inperson.tracking.models_protobuf import floats, messages, varint


def pose_network():
    with zipfile.ZipFile(model_path(POSE)) as members:
        return members.read("pose_landmarks_detector.tflite")


def test_a_network_without_its_mask_says_the_same(model_cache):
    tflite = pose_network()
    whole, pruned = Network(tflite), Network(tflite, outputs=(0, 1, 3, 4))
    picture = np.random.default_rng(1).random(whole.shape).astype(np.float32)
    every, wanted = whole.run(picture), pruned.run(picture)
    assert [out.shape for out in wanted] == [every[i].shape for i in (0, 1, 3, 4)]
    for ours, i in zip(wanted, (0, 1, 3, 4), strict=True):
        np.testing.assert_array_equal(ours, every[i])
    assert len(with_outputs(tflite, (1,))) < len(tflite)


def plain_refine(points, heat):
    """As `refine_landmarks_from_heatmap_calculator.cc` has it, one landmark after the other."""
    height, width, _ = heat.shape
    out = points.copy()
    for n, (x, y) in enumerate(points):
        column, row = math.trunc(x * width), math.trunc(y * height)
        if column < 0 or column >= width or row < 0:
            continue
        total = across = down = most = 0.0
        for r in range(max(0, row - 3), min(height, row + 4)):
            for c in range(max(0, column - 3), min(width, column + 4)):
                sure = 1 / (1 + math.exp(-heat[r, c, n]))
                total, across, down, most = total + sure, across + c * sure, down + r * sure, max(most, sure)
        if most >= 0.5 and total > 0:
            out[n] = across / total / width, down / total / height
    return out


@given(arrays(np.float64, (5, 2), elements=st.floats(-0.3, 1.3)), st.integers(0, 2**32 - 1))
def test_refining_by_heat_is_the_plain_loop(points, seed):
    heat = np.random.default_rng(seed).normal(-2, 3, (16, 16, 7)).astype(np.float32)
    np.testing.assert_allclose(refine(points, heat), plain_refine(points, heat), atol=1e-9)


def plain_cut(image, square, pixels, outside):
    """Bilinear look-ups, one pixel after the other."""
    height, width = image.shape[:2]
    out = np.zeros((pixels, pixels, 3))
    for row in range(pixels):
        for column in range(pixels):
            x, y = np.rint(32 * square.to_image(np.array([[column, row]]) / pixels)[0]) / 32
            x0, y0 = math.floor(x), math.floor(y)
            for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
                weight = (1 - abs(x - x0 - dx)) * (1 - abs(y - y0 - dy))
                cx, cy = min(max(x0 + dx, 0), width - 1), min(max(y0 + dy, 0), height - 1)
                there = (cx, cy) == (x0 + dx, y0 + dy)
                out[row, column] += weight * (image[cy, cx] if there or outside == "edge" else 0)
    return out


@pytest.mark.parametrize(("cut", "outside"), [(cut_for_detector, "black"), (cut_for_landmarks, "edge")])
@pytest.mark.parametrize("angle", [0.0, 0.4, -2.0])
def test_pieces_are_cut_as_mediapipe_cuts_them(cut, outside, angle):
    y, x = np.mgrid[:40, :60]
    image = np.stack([4 * x, 6 * y, 3 * x + y], axis=2).astype(np.uint8)
    square = RotatedSquare(np.array([45.0, 12.0]), 44.0, angle)
    difference = np.abs(cut(image, square, 16) - plain_cut(image, square, 16, outside))
    assert np.percentile(difference, 99) <= 0.51, "rounded to whole grey levels"
    assert difference.max() < 12, "at most a place or two is the next one, by rounding"


def test_detections_of_one_object_are_averaged_by_score_and_others_kept():
    box, far = np.array([[0, 0], [1, 1], [0.5, 0.5]]), np.array([[5, 5], [6, 6], [5.5, 5.5]])
    shifted = np.add(box, (0.1, 0))
    merged = merge_overlapping(np.stack([box, far, shifted]), np.array([0.9, 0.8, 0.6]), most=3)
    assert [score for _, score in merged] == [0.9, 0.8]
    np.testing.assert_allclose(merged[0][0], (0.9 * box + 0.6 * shifted) / 1.5)
    np.testing.assert_allclose(merged[1][0], far)
    assert len(merge_overlapping(np.stack([box, far]), np.array([0.9, 0.8]), most=1)) == 1
    assert merge_overlapping(np.zeros((0, 3, 2)), np.zeros(0), most=3) == []


def test_anchors_lie_in_the_middle_of_their_cells():
    np.testing.assert_allclose(cell_middles(2, 2)[:4], [[0.25, 0.25], [0.25, 0.25], [0.75, 0.25], [0.75, 0.25]])
    assert len(cell_middles(28, 2)) + len(cell_middles(14, 2)) + len(cell_middles(7, 6)) == 2254


def test_nobody_is_found_in_an_empty_picture(model_cache):
    assert PersonDetector(model_path(POSE)).find(np.zeros((90, 120, 3), np.uint8), 3) == []


@given(st.floats(-3, 3), st.floats(10, 500))
def test_the_square_around_a_person_holds_their_circle(angle, radius):
    circle = 100 + radius * np.array([np.sin(angle), -np.cos(angle)])
    square = square_around(np.array([100.0, 100.0]), circle)
    assert square.size == pytest.approx(2.5 * radius)
    np.testing.assert_allclose(square.from_image(circle[None])[0], (0.5, 0.1), atol=1e-9)  # straight up in it


@given(arrays(np.float64, (8, 3), elements=st.floats(-5, 5)), st.floats(0.01, 0.2))
def test_the_landmark_filter_is_a_one_euro_of_relative_speeds(points, dt):
    ours, plain = LandmarkFilter(IN_PICTURE), VectorFilter(FilterTuning(0.05, 80.0 / 7.0, 1.0))
    for frame in points:
        np.testing.assert_allclose(ours(frame[None], dt, 7.0)[0], plain(frame, dt), atol=1e-9)


def test_a_filter_forgets():
    landmarks, visibility = LandmarkFilter(IN_PICTURE), VisibilityFilter()
    landmarks(np.zeros((2, 2)), 0.03, 1.0)
    visibility(np.zeros(2))
    assert visibility(np.ones(2)) == pytest.approx(0.1)
    landmarks.reset()
    visibility.reset()
    np.testing.assert_array_equal(landmarks(np.ones((2, 2)), 0.03, 1.0), np.ones((2, 2)))
    np.testing.assert_array_equal(visibility(np.ones(2)), np.ones(2))


def random_rotation(rng):
    Q, R = np.linalg.qr(rng.normal(size=(3, 3)))
    Q *= np.sign(np.diag(R))
    return Q if np.linalg.det(Q) > 0 else -Q


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10))
def test_a_similarity_is_found_again(seed, scale):
    rng = np.random.default_rng(seed)
    source, R, t = rng.normal(size=(12, 3)), random_rotation(rng), rng.normal(size=3)
    T = weighted_similarity(source, scale * source @ R.T + t, rng.uniform(0.1, 1, 12))
    np.testing.assert_allclose(T[:3, :3], scale * R, atol=1e-9 * scale)
    np.testing.assert_allclose(T[:3, 3], t, atol=1e-9 * scale + 1e-9)


def test_the_canonical_face_before_the_canonical_camera_is_where_it_was(model_cache):
    """Its picture, as the network would draw it: depth relative to the head's, in the picture's unit."""
    canonical = CanonicalFace.load(model_path(FACE))
    yaw = np.array([[0.96, 0, 0.28], [0, 1, 0], [-0.28, 0, 0.96]])
    place = np.array([3.0, -2.0, -60.0])
    x, y, z = (canonical.points @ yaw.T + place).T
    side = 2 * np.tan(0.5 * CANONICAL_FOV)
    mesh = np.zeros((478, 3))
    mesh[list(canonical.indices)] = np.column_stack(
        [0.5 - x / z / side, 0.5 + y / z / side, (z.mean() - z) / 60 / side]
    )
    T = canonical.transformation(mesh)
    np.testing.assert_allclose(T[:3, :3], yaw, atol=0.03)
    np.testing.assert_allclose(T[:3, 3], place, rtol=0.03, atol=0.3)


def test_protobuf_fields_are_read_as_the_library_writes_them():
    value = struct_pb2.ListValue(values=[struct_pb2.Value(string_value="a"), struct_pb2.Value(bool_value=True)])
    first, second = messages(value.SerializeToString(), 1)
    assert messages(first, 3) == [b"a"]
    assert varint(second, 4) == 1
    assert varint(wrappers_pb2.UInt64Value(value=2**40 + 5).SerializeToString(), 1) == 2**40 + 5
    assert varint(b"", 1) == 0
    number = wrappers_pb2.FloatValue(value=-2.5).SerializeToString()
    np.testing.assert_array_equal(floats(number + number, 1), [-2.5, -2.5])


@pytest.mark.parametrize("broken", [b"\x0a\x05ab", b"\x08\xff", b"\x0b"])
def test_broken_protobuf_is_refused(broken):
    with pytest.raises(ValueError, match="protobuf"):
        messages(broken, 1)
