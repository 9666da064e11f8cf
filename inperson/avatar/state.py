"""`BodyState`: one instant of a person as SMPL-X parameters. What tracking writes and everything else reads."""

from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
from jaxtyping import Float

PARTS = ("body", "left_hand", "right_hand", "face", "eyes")
"""The parts that carry their own confidence and source, in the order of `BodyState.confidence`."""


class Source(IntEnum):
    """Where a part of a `BodyState` came from."""

    CAMERA = 0
    HEADSET = 1
    VOICE = 2
    HELD = 3
    """Not seen in this frame: the last value, held or easing to rest."""
    FILE = 4
    EXTERNAL = 5
    """Another program's, live."""


@dataclass(frozen=True, slots=True)
class BodyState:
    """SMPL-X parameters by their own names, in the world frame of CONVENTIONS.md.

    All arrays are float32. Rotations are axis-angle (radians), relative to the parent joint as in SMPL-X;
    `global_orient` turns about the pelvis joint, then `transl` (metres) moves the whole body. Hands are
    full 15-joint rotations *relative to the flat hand* (no PCA, no mean pose added). `betas` and
    `expression` are coefficients of the body the state was made for.
    """

    betas: Float[np.ndarray, " B"]
    global_orient: Float[np.ndarray, "3"]
    transl: Float[np.ndarray, "3"]
    body_pose: Float[np.ndarray, "21 3"]
    left_hand_pose: Float[np.ndarray, "15 3"]
    right_hand_pose: Float[np.ndarray, "15 3"]
    jaw_pose: Float[np.ndarray, "3"]
    leye_pose: Float[np.ndarray, "3"]
    reye_pose: Float[np.ndarray, "3"]
    expression: Float[np.ndarray, " E"]
    time_ns: int = 0
    """Capture time, monotonic nanoseconds."""
    confidence: Float[np.ndarray, "5"] = field(default_factory=lambda: np.ones(len(PARTS), np.float32))
    """Per part of `PARTS`, 0 (not seen) to 1."""
    source: tuple[Source, ...] = (Source.FILE,) * len(PARTS)

    @staticmethod
    def rest(num_betas: int, num_expression: int, time_ns: int = 0) -> "BodyState":
        """T-pose at the origin with zero shape and expression."""
        z3 = lambda *s: np.zeros((*s, 3), np.float32)  # noqa: E731
        return BodyState(
            betas=np.zeros(num_betas, np.float32),
            global_orient=z3(),
            transl=z3(),
            body_pose=z3(21),
            left_hand_pose=z3(15),
            right_hand_pose=z3(15),
            jaw_pose=z3(),
            leye_pose=z3(),
            reye_pose=z3(),
            expression=np.zeros(num_expression, np.float32),
            time_ns=time_ns,
        )

    @property
    def full_pose(self) -> Float[np.ndarray, "55 3"]:
        """Axis-angle of all 55 joints in SMPL-X's order."""
        return np.concatenate(
            [
                self.global_orient[None],
                self.body_pose,
                self.jaw_pose[None],
                self.leye_pose[None],
                self.reye_pose[None],
                self.left_hand_pose,
                self.right_hand_pose,
            ]
        )

    def with_full_pose(self, full_pose: Float[np.ndarray, "55 3"]) -> "BodyState":
        """The same state with all 55 joint rotations replaced."""
        p = np.asarray(full_pose, np.float32)
        return replace(
            self,
            global_orient=p[0],
            body_pose=p[1:22],
            jaw_pose=p[22],
            leye_pose=p[23],
            reye_pose=p[24],
            left_hand_pose=p[25:40],
            right_hand_pose=p[40:55],
        )
