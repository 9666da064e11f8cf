"""Every conversion there and back, and views against pinhole cameras and GL's projection."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from inperson.conventions import (
    T_GL_FROM_CV,
    Intrinsics,
    gl_from_cv_points,
    invert_rigid,
    linear_from_srgb,
    quat_wxyz_from_xyzw,
    quat_xyzw_from_wxyz,
    srgb_from_linear,
)
from inperson.render.views import EyeView, common_size, look_at

coordinates = st.floats(-10, 10)
points = arrays(np.float64, (5, 3), elements=coordinates)
cameras = st.builds(
    Intrinsics,
    fx=st.floats(50, 2000),
    fy=st.floats(50, 2000),
    cx=st.floats(-100, 900),
    cy=st.floats(-100, 900),
    width=st.integers(1, 2000),
    height=st.integers(1, 2000),
)


@st.composite
def rigid(draw) -> np.ndarray:
    T = np.eye(4)
    T[:3, :3] = Rotation.from_rotvec(draw(st.tuples(*[st.floats(-3, 3)] * 3))).as_matrix()
    T[:3, 3] = draw(st.tuples(*[coordinates] * 3))
    return T


@given(arrays(np.float64, (4, 4), elements=coordinates))
def test_quaternion_orders_round_trip(q):
    np.testing.assert_array_equal(quat_xyzw_from_wxyz(quat_wxyz_from_xyzw(q)), q)


def test_quaternion_order_is_scipys():
    turn = Rotation.from_rotvec([0, 0, np.pi / 2])
    np.testing.assert_allclose(quat_wxyz_from_xyzw(turn.as_quat()), [np.sqrt(0.5), 0, 0, np.sqrt(0.5)])


@given(points)
def test_camera_axes_round_trip(p):
    np.testing.assert_array_equal(gl_from_cv_points(gl_from_cv_points(p)), p)
    np.testing.assert_array_equal(gl_from_cv_points(p), p @ T_GL_FROM_CV[:3, :3].T)


@given(rigid(), points)
def test_rigid_inverse(T, p):
    moved = p @ T[:3, :3].T + T[:3, 3]
    back = invert_rigid(T)
    np.testing.assert_allclose(moved @ back[:3, :3].T + back[:3, 3], p, atol=1e-12 * 1e3)
    np.testing.assert_allclose(invert_rigid(back), T, atol=1e-12)


@given(arrays(np.float64, 7, elements=st.floats(0, 1)))
def test_srgb_round_trip(x):
    np.testing.assert_allclose(linear_from_srgb(srgb_from_linear(x)), x, atol=1e-6)
    np.testing.assert_allclose(srgb_from_linear(linear_from_srgb(x)), x, atol=1e-6)


def test_srgb_is_the_standards():
    np.testing.assert_allclose(
        srgb_from_linear(np.array([0, 0.0031308, 0.5, 1])), [0, 0.04045, 0.735357, 1], atol=1e-5
    )


@given(cameras)
def test_a_view_of_a_camera_has_its_intrinsics(K):
    back = EyeView.from_intrinsics(K).intrinsics
    assert (back.width, back.height) == (K.width, K.height)
    np.testing.assert_allclose(back.matrix, K.matrix, rtol=1e-6, atol=1e-6 * max(K.fx, K.fy, K.width, K.height))


@given(cameras, rigid(), st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.1, 50)))
def test_projection_and_intrinsics_see_a_point_at_the_same_pixel(K, T_world_from_eye, direction):
    view = EyeView.from_intrinsics(K, T_world_from_eye, near=0.05, far=100)
    depth = direction[2]
    in_eye = np.array([direction[0] * depth, direction[1] * depth, -depth])
    world = T_world_from_eye[:3, :3] @ in_eye + T_world_from_eye[:3, 3]

    in_camera = view.T_cv_from_world @ np.append(world, 1)
    assert in_camera[2] == pytest.approx(depth, abs=1e-9)
    u, v, _ = K.matrix @ (in_camera[:3] / in_camera[2])

    clip = view.projection @ np.append(in_eye, 1)
    ndc = clip[:3] / clip[3]
    size = max(abs(u), abs(v), K.width, K.height)
    assert (ndc[0] + 1) / 2 * K.width == pytest.approx(u, abs=1e-5 * size)
    assert (1 - ndc[1]) / 2 * K.height == pytest.approx(v, abs=1e-5 * size)
    assert -1 <= ndc[2] <= 1


def test_projection_takes_near_and_far_to_the_ends():
    view = EyeView(np.eye(4), -0.5, 0.6, 0.4, -0.3, 64, 48, near=0.1, far=20)
    for z, expected in ((0.1, -1), (20, 1)):
        clip = view.projection @ [0, 0, -z, 1]
        assert clip[2] / clip[3] == pytest.approx(expected)


def test_corners_of_the_field_of_view_are_corners_of_the_image():
    view = EyeView(np.eye(4), -0.5, 0.6, 0.4, -0.3, 64, 48)
    K = view.intrinsics
    assert K.fx * np.tan(-0.5) + K.cx == pytest.approx(0)
    assert K.fx * np.tan(0.6) + K.cx == pytest.approx(64)
    assert -K.fy * np.tan(0.4) + K.cy == pytest.approx(0)
    assert -K.fy * np.tan(-0.3) + K.cy == pytest.approx(48)


def test_a_camera_of_62_degrees():
    K = Intrinsics.from_horizontal_fov(640, 480)
    view = EyeView.from_intrinsics(K)
    assert np.rad2deg(view.angle_right - view.angle_left) == pytest.approx(62)
    assert view.angle_right == pytest.approx(-view.angle_left)


def test_look_at_puts_the_target_ahead():
    T = look_at(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 0.0]))
    np.testing.assert_allclose(T[:3, :3], np.eye(3), atol=1e-12)
    sideways = invert_rigid(look_at(np.array([2.0, 1.0, 0.5]), np.array([0.3, 0.2, -0.4])))
    ahead = sideways @ [0.3, 0.2, -0.4, 1]
    np.testing.assert_allclose(ahead[:2], 0, atol=1e-12)
    assert ahead[2] < 0


def test_views_share_a_size():
    view = EyeView.from_intrinsics(Intrinsics.from_horizontal_fov(64, 48))
    assert common_size([view, view]) == (64, 48)
    with pytest.raises(ValueError, match="one or more"):
        common_size([])
