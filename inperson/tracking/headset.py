"""`HeadsetFusion`: headset and webcam become one body. Where the headset knows a part it wins, part by part."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.tracking.fit.limits import pose_prior, rest_pose
from inperson.tracking.fit.so3 import log_all
from inperson.tracking.play_calibration import PlayCalibration

_EYES = (23, 24)
_HEAD = 15


class HeadsetFusion:
    """One wearer. Call `fuse` once per display frame, in time order.

    Args:
        body: the body.
        betas: its shape, the one the result is posed with.
        calibration: where the webcam is; None leaves the webcam's heading unused (its limbs, relative to the
            trunk, still count).
    """

    def __init__(self, body: BodyModel, betas: Float[np.ndarray, " B"], calibration: PlayCalibration | None) -> None:
        self._poser = BodyPoser(body, betas)
        self._betas = np.asarray(betas, np.float32)
        self._calibration = calibration
        self._rest = BodyState.rest(0, body.num_expression).with_full_pose(rest_pose(pose_prior(body)))
        self._last = self._rest

    def fuse(self, camera: BodyState | None, pose: HeadsetPose) -> BodyState:
        """The wearer's body in the play space at `pose.time_ns`.

        Args:
            camera: the webcam's newest state, in camera space; None before anybody was seen.
            pose: what the headset knows at this display time.
        """
        state = replace(camera or self._rest, betas=self._betas, time_ns=pose.time_ns)
        if pose.T_play_from_head is None:
            return replace(self._last, time_ns=pose.time_ns)
        R_head = pose.T_play_from_head[:3, :3] @ np.diag([-1.0, 1.0, -1.0])
        transforms, _, _ = self._poser.joint_transforms(replace(state, global_orient=np.zeros(3, np.float32)))
        R_root = R_head @ transforms[_HEAD, :, :3].astype(np.float64).T
        state = replace(state, global_orient=log_all(R_root[None])[0].astype(np.float32))
        _, joints, _ = self._poser.joint_transforms(replace(state, transl=np.zeros(3, np.float32)))
        eyes = joints[list(_EYES)].mean(axis=0)
        self._last = replace(state, transl=(pose.T_play_from_head[:3, 3] - eyes).astype(np.float32))
        return self._last

    def recentred(self, T_new_from_old: Float[np.ndarray, "4 4"]) -> None:
        """The play space was recentred: what is remembered moves along.

        Args:
            T_new_from_old: takes points of the old play space to the new one (a turn about y and a shift).
        """
        if self._calibration is not None:
            self._calibration = self._calibration.recentred(T_new_from_old)
