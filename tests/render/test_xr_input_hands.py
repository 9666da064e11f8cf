"""What a runtime writes about a hand, read back: structs filled as xrLocateHandJointsEXT fills them."""

import ctypes

import numpy as np
import pytest
import xr
from hypothesis import given
from hypothesis import strategies as st

from inperson.avatar.headset_pose import HAND_JOINTS
from inperson.render.xr.hands import JOINT_DTYPE, hand_joints

FLAGS = xr.SpaceLocationFlags
VALID = FLAGS.POSITION_VALID_BIT | FLAGS.ORIENTATION_VALID_BIT
TRACKED = FLAGS.POSITION_TRACKED_BIT | FLAGS.ORIENTATION_TRACKED_BIT


def filled(flags: list[int], *, active: bool = True) -> xr.HandJointLocationsEXT:
    """Joint k at (k, 2k, 3k), turned about x, with radius k/100; flags per joint."""
    joints = (xr.HandJointLocationEXT * 26)()
    for k, joint in enumerate(joints):
        half = 0.05 * k
        joint.location_flags = flags[k]
        joint.pose = xr.Posef(xr.Quaternionf(np.sin(half), 0, 0, np.cos(half)), xr.Vector3f(k, 2 * k, 3 * k))
        joint.radius = k / 100
    return xr.HandJointLocationsEXT(is_active=active, joint_locations=joints)


def test_memory_layout_is_the_structs():
    assert JOINT_DTYPE.itemsize == ctypes.sizeof(xr.HandJointLocationEXT)
    for field, path in (("flags", "_location_flags"), ("quat_xyzw", "pose"), ("radius", "radius")):
        assert JOINT_DTYPE.fields[field][1] == getattr(xr.HandJointLocationEXT, path).offset
    assert JOINT_DTYPE.fields["position"][1] == xr.HandJointLocationEXT.pose.offset + xr.Posef.position.offset


def test_order_of_the_joints_is_openxrs():
    names = [name.lower() for name, value in sorted(xr.HandJointEXT.__members__.items(), key=lambda item: item[1])]
    assert tuple(names) == HAND_JOINTS


def test_every_joint_is_read():
    hand = hand_joints(filled([int(VALID | TRACKED)] * 26), None)
    k = np.arange(26, dtype=np.float32)
    np.testing.assert_array_equal(hand.positions, np.stack([k, 2 * k, 3 * k], axis=1))
    np.testing.assert_allclose(hand.quats_xyzw[:, 0], np.sin(0.05 * k), rtol=1e-6)
    np.testing.assert_allclose(hand.quats_xyzw[:, 3], np.cos(0.05 * k), rtol=1e-6)
    np.testing.assert_allclose(hand.radii, k / 100, rtol=1e-6)
    assert hand.valid.all()
    assert hand.from_controller is None
    assert {array.dtype for array in (hand.positions, hand.quats_xyzw, hand.radii)} == {np.dtype(np.float32)}


@given(st.lists(st.integers(0, 15), min_size=26, max_size=26))
def test_joints_are_valid_with_position_and_orientation_and_harmless_without(flags):
    hand = hand_joints(filled(flags), None)
    expected = np.array([flag & VALID == VALID for flag in flags])
    if not expected.any():
        assert hand is None
        return
    np.testing.assert_array_equal(hand.valid, expected)
    np.testing.assert_array_equal(hand.quats_xyzw[~expected], np.tile([0, 0, 0, 1], (int((~expected).sum()), 1)))
    assert not hand.positions[~expected].any()
    assert not hand.radii[~expected].any()
    np.testing.assert_allclose(np.linalg.norm(hand.quats_xyzw, axis=1), 1.0, rtol=1e-6)


def test_inactive_hand_is_no_hand():
    assert hand_joints(filled([int(VALID | TRACKED)] * 26, active=False), None) is None


def test_a_hand_outlives_the_structs_it_was_read_from():
    locations = filled([int(VALID)] * 26)
    hand = hand_joints(locations, None)
    for joint in locations.joint_locations:
        joint.pose.position.x = 99.0
        joint.radius = 99.0
    assert hand.positions.max() < 99.0
    assert hand.radii.max() < 99.0


@pytest.mark.parametrize(
    ("active", "source", "expected"),
    [
        (True, xr.HandTrackingDataSourceEXT.CONTROLLER, True),
        (True, xr.HandTrackingDataSourceEXT.UNOBSTRUCTED, False),
        (False, xr.HandTrackingDataSourceEXT.CONTROLLER, None),
    ],
)
def test_hands_made_from_controllers_are_told_from_seen_ones(active, source, expected):
    state = xr.HandTrackingDataSourceStateEXT(is_active=active, data_source=source)
    assert hand_joints(filled([int(VALID)] * 26), state).from_controller is expected
