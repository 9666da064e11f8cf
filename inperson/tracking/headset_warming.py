"""What fusion fuses once before its first frame: every kind of input, so that nothing is compiled on the way."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from inperson.avatar.body import BodyModel
from inperson.avatar.headset_pose import HAND_JOINTS, HandJoints, HeadsetPose
from inperson.avatar.state import BodyState

_STEP_NS = 20_000_000


def warming_up(body: BodyModel) -> Iterator[tuple[BodyState | None, HeadsetPose]]:
    """Webcam states and headset poses of nobody in particular."""
    head = np.eye(4)
    head[1, 3] = 1.5
    valid = np.ones(len(HAND_JOINTS), bool)
    valid[-3] = False
    quats = np.tile(np.array([0.0, 0.0, 0.0, 1.0], np.float32), (len(valid), 1))
    positions = np.tile(np.array([0.2, 1.1, -0.3], np.float32), (len(valid), 1))
    hand = HandJoints(positions, quats, np.full(len(valid), 0.01, np.float32), valid)
    poses = (
        HeadsetPose(0, None),
        HeadsetPose(0, head),
        HeadsetPose(0, head, T_play_from_left_grip=head, T_play_from_right_grip=head, T_play_from_gaze=head),
        HeadsetPose(0, head, left_hand=hand, right_hand=hand),
    )
    camera = BodyState.rest(body.num_betas, body.num_expression)
    time_ns = 0
    for pose in poses:
        for seen in (None, camera):
            time_ns += _STEP_NS
            yield seen and replace(seen, time_ns=time_ns), replace(pose, time_ns=time_ns)
