"""One hand of the wearer: tracked joints before a controller, a controller before the webcam, else at rest."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from inperson.avatar.body import BodyModel
from inperson.avatar.headset_pose import HandJoints, HeadsetPose
from inperson.avatar.state import PARTS, Source
from inperson.tracking.headset_camera import SeenBody
from inperson.tracking.headset_crossover import RotationCrossover
from inperson.tracking.headset_grip import gripping_fingers, wrist_from_grip
from inperson.tracking.headset_hands import (
    XR_JOINT,
    TrackedWrist,
    rest_hand,
    retarget_fingers,
    tracked_wrist,
    usable,
)
from inperson.tracking.headset_skeleton import WearerSkeleton

REST, CAMERA, GRIP, JOINTS, HELD = range(5)
"""Where a hand or a finger joint comes from."""
_GRIP_CONFIDENCE = 0.5
"""Of a hand that holds a controller: its wrist is known, its fingers are where fingers usually are."""


@dataclass(frozen=True, slots=True, eq=False)
class HandReading:
    """What a headset knows of one hand."""

    origin: int
    """GRIP, JOINTS, or REST when it knows nothing."""
    wrist: TrackedWrist | None
    joints: HandJoints | None = None
    valid: Bool[np.ndarray, "26"] | None = None
    """Which of the joints can be used."""


class Hand:
    """Keeps one hand's fingers without jumps.

    Args:
        body: the body, in the shape `betas`.
        skeleton: the same.
        rest: local rotations of resting fingers.
        left: which hand.
    """

    def __init__(
        self,
        body: BodyModel,
        betas: Float[np.ndarray, " B"],
        skeleton: WearerSkeleton,
        rest: Float[np.ndarray, "15 3 3"],
        *,
        left: bool,
    ) -> None:
        self._left = left
        self._part = PARTS.index("left_hand" if left else "right_hand")
        self._first = 25 if left else 40
        self._frames = rest_hand(body, betas, skeleton, left=left)
        self._grip, self._rest = gripping_fingers(body, left=left), rest
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self._crossover = RotationCrossover(15)
        self.confidence = 0.0
        """As of the last update."""
        self.source = Source.HELD

    def read(self, pose: HeadsetPose) -> HandReading:
        """This hand in what the headset knows."""
        joints = pose.left_hand if self._left else pose.right_hand
        grip = pose.T_play_from_left_grip if self._left else pose.T_play_from_right_grip
        if joints is not None:
            valid = usable(joints)
            wrist = tracked_wrist(joints, valid, self._frames)
            if wrist is not None:
                return HandReading(JOINTS, wrist, joints, valid)
        if grip is not None:
            return HandReading(GRIP, wrist_from_grip(grip, self._frames, left=self._left))
        return HandReading(REST, None)

    def fingers(self, reading: HandReading, seen: SeenBody | None, dt: float) -> Float[np.ndarray, "15 3 3"]:
        """Local rotations of the finger joints `dt` seconds after the last call."""
        if reading.joints is not None and reading.wrist is not None and reading.valid is not None:
            held = self._crossover.shown
            quats = np.ascontiguousarray(reading.joints.quats_xyzw, np.float32)
            target = retarget_fingers(quats, reading.valid, reading.wrist.rotation, self._frames.frames, held)
            tracked = reading.valid[XR_JOINT]
            self.confidence, self.source = float(tracked.mean()), Source.HEADSET
            return self._crossover(np.where(tracked, JOINTS, HELD), target, dt)
        if reading.origin == GRIP:
            self.confidence, self.source = _GRIP_CONFIDENCE, Source.HEADSET
            return self._crossover(GRIP, self._grip, dt)
        if seen is not None:
            self.confidence = float(seen.state.confidence[self._part])
            self.source = seen.state.source[self._part]
            return self._crossover(CAMERA, seen.rotations[self._first : self._first + 15], dt)
        self.confidence, self.source = 0.0, Source.HELD
        return self._crossover(REST, self._rest, dt)
