"""`HandTracking`: the wearer's hands, joint by joint (XR_EXT_hand_tracking)."""

import ctypes

import numpy as np
import xr

from inperson.avatar.headset_pose import HAND_JOINTS, HandJoints
from inperson.render.xr import extensions
from inperson.render.xr.frames import FrameTiming
from inperson.render.xr.functions import extension_function
from inperson.render.xr.loss import destroy
from inperson.render.xr.runtime import XrRuntime
from inperson.render.xr.session import XrSession

JOINT_DTYPE = np.dtype([("flags", "<u8"), ("quat_xyzw", "<f4", 4), ("position", "<f4", 3), ("radius", "<f4")])
"""XrHandJointLocationEXT, in its memory layout."""
_VALID = int(xr.SpaceLocationFlags.POSITION_VALID_BIT | xr.SpaceLocationFlags.ORIENTATION_VALID_BIT)


class HandTracking:
    """Both hands of a session; its methods but `close` may raise `RuntimeLost`."""

    def __init__(self, session: XrSession) -> None:
        self._left = _HandTracker(session, xr.HandEXT.LEFT)
        try:
            self._right = _HandTracker(session, xr.HandEXT.RIGHT)
        except BaseException:
            self._left.close()
            raise

    @staticmethod
    def offered(runtime: XrRuntime) -> bool:
        """Whether this runtime's headset follows hands."""
        if extensions.HAND_TRACKING not in runtime.enabled:
            return False
        properties = xr.SystemHandTrackingPropertiesEXT()
        runtime.query_system(properties)
        return bool(properties.supports_hand_tracking)

    def read(self, timing: FrameTiming) -> tuple[HandJoints | None, HandJoints | None]:
        """The left and the right hand in the play space at display time; None for one that is not seen."""
        return self._left.locate(timing), self._right.locate(timing)

    def close(self) -> None:
        """Destroy both trackers; before the session, and once."""
        self._left.close()
        self._right.close()


class _HandTracker:
    def __init__(self, session: XrSession, hand: xr.HandEXT) -> None:
        self._session = session
        instance = session.runtime.instance
        self._locate = extension_function(instance, "xrLocateHandJointsEXT")
        self._joints = (xr.HandJointLocationEXT * len(HAND_JOINTS))()
        self._locations = xr.HandJointLocationsEXT(joint_locations=self._joints)
        info = xr.HandTrackerCreateInfoEXT(hand=hand)
        self._source: xr.HandTrackingDataSourceStateEXT | None = None
        if extensions.HAND_DATA_SOURCE in session.runtime.enabled:
            sources = [xr.HandTrackingDataSourceEXT.UNOBSTRUCTED, xr.HandTrackingDataSourceEXT.CONTROLLER]
            requested = xr.HandTrackingDataSourceInfoEXT(requested_data_sources=sources)
            info.next = ctypes.addressof(requested)
            self._source = xr.HandTrackingDataSourceStateEXT()
            self._locations.next = ctypes.addressof(self._source)
        self._handle = xr.HandTrackerEXT()
        self._handle.instance = instance
        create = extension_function(instance, "xrCreateHandTrackerEXT")
        create(session.handle, ctypes.byref(info), ctypes.byref(self._handle))

    def locate(self, timing: FrameTiming) -> HandJoints | None:
        info = xr.HandJointsLocateInfoEXT(base_space=self._session.play_space, time=timing.xr_time)
        self._locate(self._handle, ctypes.byref(info), ctypes.byref(self._locations))
        return hand_joints(self._locations, self._source)

    def close(self) -> None:
        destroy(xr.destroy_hand_tracker_ext, self._handle)


def hand_joints(
    locations: xr.HandJointLocationsEXT, source: xr.HandTrackingDataSourceStateEXT | None
) -> HandJoints | None:
    """What xrLocateHandJointsEXT filled in, copied; None where the hand is not active or no joint is valid.

    Args:
        locations: of the 26 joints.
        source: chained to `locations` where the runtime tells hands from controllers.
    """
    joints = np.frombuffer(locations.joint_locations, JOINT_DTYPE)
    valid = (joints["flags"] & _VALID) == _VALID
    if not locations.is_active or not valid.any():
        return None
    from_controller = None
    if source is not None and source.is_active:
        from_controller = source.data_source == xr.HandTrackingDataSourceEXT.CONTROLLER
    identity = np.array([0, 0, 0, 1], np.float32)
    return HandJoints(
        positions=np.where(valid[:, None], joints["position"], np.float32(0)),
        quats_xyzw=np.where(valid[:, None], joints["quat_xyzw"], identity),
        radii=np.where(valid, joints["radius"], np.float32(0)),
        valid=valid,
        from_controller=from_controller,
    )
