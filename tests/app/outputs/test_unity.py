"""Unity's axes: against Unity's own formulas written out, and there and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inperson.app.outputs.unity import (
    mirror_points,
    mirror_rotations,
    rotations_from_unity,
    unity_euler_deg,
    unity_quat_xyzw,
)
from tests.app.outputs.hearing import unity_turn

rotations = st.integers(0, 2**32 - 1).map(
    lambda seed: Rotation.random(random_state=np.random.default_rng(seed)).as_matrix()
)


def test_a_body_keeps_its_left_and_faces_forward() -> None:
    left, up, forward = np.eye(3)  # of a body in our axes
    np.testing.assert_array_equal(mirror_points(left), [-1, 0, 0])  # Unity's x is right
    np.testing.assert_array_equal(mirror_points(up), [0, 1, 0])
    np.testing.assert_array_equal(mirror_points(forward), [0, 0, 1])


@given(rotations)
def test_turning_and_changing_axes_commute(R: np.ndarray) -> None:
    quat = unity_quat_xyzw(R[None])[0]
    for vector in np.eye(3):
        np.testing.assert_allclose(unity_turn(quat, mirror_points(vector)), mirror_points(R @ vector), atol=1e-12)
    np.testing.assert_allclose(rotations_from_unity(quat[None])[0], R, atol=1e-12)
    np.testing.assert_allclose(mirror_rotations(mirror_rotations(R)), R, atol=0)


@pytest.mark.parametrize("ours", [(0, 90, 0), (0, -30, 0)])
def test_a_turn_to_the_left_is_a_negative_yaw(ours) -> None:
    R = Rotation.from_euler("xyz", ours, degrees=True).as_matrix()  # about +y a right-handed turn goes to the left
    np.testing.assert_allclose(unity_euler_deg(R[None])[0], [0, -ours[1], 0], atol=1e-9)


def unity_euler_quat(x: float, y: float, z: float) -> Rotation:
    """`Quaternion.Euler`: z, then x, then y, about the parent's axes; products in Unity read as ours do."""
    about = lambda axis, angle: Rotation.from_rotvec(np.radians(angle) * np.eye(3)[axis])  # noqa: E731
    return about(1, y) * about(0, x) * about(2, z)


@given(rotations)
@settings(max_examples=200)
def test_euler_angles_are_unitys(R: np.ndarray) -> None:
    rebuilt = unity_euler_quat(*unity_euler_deg(R[None])[0])
    np.testing.assert_allclose(rebuilt.as_matrix(), mirror_rotations(R), atol=1e-9)


@pytest.mark.parametrize("pitch", [90.0, -90.0])
@pytest.mark.parametrize("roll", [0.0, 25.0])
def test_straight_up_and_down_are_angles_too(pitch: float, roll: float) -> None:
    R = mirror_rotations(unity_euler_quat(pitch, 40.0, roll).as_matrix())
    x, y, z = unity_euler_deg(R[None])[0]
    assert (x, z) == (pytest.approx(pitch, abs=1e-3), 0.0)
    np.testing.assert_allclose(unity_euler_quat(x, y, z).as_matrix(), mirror_rotations(R), atol=1e-4)
