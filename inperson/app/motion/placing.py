"""Bodies somewhere else: moved as a whole, or set up opposite somebody."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.avatar.body import BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState

PELVIS, ANKLES_AND_FEET = 0, (7, 8, 10, 11)
LEFT_HIP, RIGHT_HIP = 1, 2
T_ABOUT_FACE: Float[np.ndarray, "4 4"] = np.diag([-1.0, 1.0, -1.0, 1.0])
"""Half a turn about y: who looks along -z, as in a play space, then faces +z, as in front of a webcam."""
APART_M = 1.3
"""From the wearer's place to whoever stands opposite: an easy distance for a talk."""
SETTLING_STATES = 60
"""Their place follows the mean of so many states, then holds still: a webcam's first seconds still move in depth."""


def moved(state: BodyState, T: Float[np.ndarray, "4 4"], pelvis: Float[np.ndarray, "3"]) -> BodyState:
    """The body as a whole, moved by a rigid transform of its world.

    Args:
        pelvis: of the body's rest pose, about which `global_orient` turns.
    """
    turned = Rotation.from_matrix(T[:3, :3]) * Rotation.from_rotvec(state.global_orient)
    transl = T[:3, :3] @ (pelvis + state.transl) + T[:3, 3] - pelvis
    return replace(state, global_orient=turned.as_rotvec().astype(np.float32), transl=transl.astype(np.float32))


class Opposite:
    """Sets a body up opposite the wearer of a headset: feet on the floor, face to face.

    Args:
        body, betas: whose states are placed.
    """

    def __init__(self, body: BodyModel, betas: Float[np.ndarray, " B"]) -> None:
        self._poser = BodyPoser(body, betas)
        rest = self._poser.rest_joints
        self._pelvis = rest[PELVIS].astype(float)
        lowest = rest[list(ANKLES_AND_FEET), 1].min()
        self._sole = float(lowest - self._poser.shaped_vertices[:, 1].min())
        self._place = np.zeros(3)
        self._across = np.zeros(2)
        self._settled = 0

    def settle_anew(self) -> None:
        """Find their place again from the states that follow."""
        self._settled = 0

    def __call__(self, state: BodyState) -> BodyState:
        """The state in the play space. Its own world is y up, and stands still."""
        if self._settled < SETTLING_STATES:
            self._settle(state)
        turn = np.eye(4)
        turn[:3, :3] = Rotation.from_euler("y", np.arctan2(self._across[1], self._across[0])).as_matrix()
        turn[:3, 3] = np.array([0.0, 0.0, -APART_M]) - turn[:3, :3] @ self._place
        return moved(state, turn, self._pelvis)

    def _settle(self, state: BodyState) -> None:
        """Where they stand (the floor under the pelvis), and which way their hips lie, in the mean."""
        _, joints, _ = self._poser.joint_transforms(replace(state, expression=state.expression[:0]))
        x, _, z = joints[PELVIS].astype(float)
        floor = float(joints[list(ANKLES_AND_FEET), 1].min()) - self._sole
        across = (joints[LEFT_HIP] - joints[RIGHT_HIP])[[0, 2]].astype(float)
        self._settled += 1
        self._place += (np.array([x, floor, z]) - self._place) / self._settled
        self._across += (across / np.linalg.norm(across) - self._across) / self._settled
