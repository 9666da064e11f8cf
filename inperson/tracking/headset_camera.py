"""The webcam's share: its newest state as local rotations and, with a calibration, its place in the play space."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.avatar.state import PARTS, BodyState
from inperson.tracking.fit.problem import NUM_JOINTS
from inperson.tracking.fit.skeleton import SkeletonModel, forward_joints
from inperson.tracking.fit.so3 import exp_all
from inperson.tracking.headset_skeleton import JOINT
from inperson.tracking.play_calibration import PlayCalibration

APPEARS, DISAPPEARS = 0.35, 0.15
"""Confidence from which a webcam's body counts, and below which it no longer does."""
STALE_NS = 700_000_000
"""A webcam state older than this is no longer believed: its camera has gone."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenBody:
    """A body that the webcam sees."""

    state: BodyState
    rotations: Float[np.ndarray, "55 3 3"]
    """Local; the root's is in camera space."""
    confidence: float
    """Of the trunk, 0 to 1."""


def fresh(camera: BodyState | None, time_ns: int) -> BodyState | None:
    """The webcam's state, unless it is too old to be believed at a display time."""
    return None if camera is None or time_ns - camera.time_ns > STALE_NS else camera


class WebcamBody:
    """Decides when the webcam's body counts."""

    def __init__(self) -> None:
        self._seen = False

    def look(self, camera: BodyState | None) -> SeenBody | None:
        """The body as seen, or None."""
        if camera is None:
            self._seen = False
            return None
        confidence = float(camera.confidence[PARTS.index("body")])
        self._seen = confidence > (DISAPPEARS if self._seen else APPEARS)
        if not self._seen:
            return None
        return SeenBody(camera, exp_all(camera.full_pose.astype(np.float64)), confidence)


class CameraSkeleton:
    """Joints of webcam states, in the shape that the webcam's fit has."""

    def __init__(self, body: BodyModel) -> None:
        self._model = SkeletonModel.from_body(body)

    def joints(self, state: BodyState) -> tuple[Float[np.ndarray, "55 3 3"], Float[np.ndarray, "55 3"]]:
        """World rotations and places of a state's joints, in camera space."""
        G, P = np.empty((NUM_JOINTS, 3, 3)), np.empty((NUM_JOINTS, 3))
        rotations = exp_all(state.full_pose.astype(np.float64))
        forward_joints(self._model.shaped(state.betas), rotations, state.transl.astype(np.float64), G, P)
        return G, P

    def view(
        self, seen: SeenBody, calibration: PlayCalibration
    ) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
        """Rotation and place of the head's VIEW space, as far as the webcam knows, in the play space."""
        G, P = self.joints(seen.state)
        T = calibration.T_play_from_camera
        R_head = T[:3, :3] @ G[JOINT["head"]]
        eyes = 0.5 * (P[JOINT["left_eye"]] + P[JOINT["right_eye"]])
        return R_head * np.array([-1.0, 1.0, -1.0]), T[:3, :3] @ eyes + T[:3, 3]
