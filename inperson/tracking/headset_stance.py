"""Where the feet should be: under a body that leans, or where the webcam sees them."""

import numpy as np
from jaxtyping import Float

from inperson.tracking.headset_camera import SeenBody
from inperson.tracking.headset_feet import Feet, Footing
from inperson.tracking.headset_frames import ramp
from inperson.tracking.headset_legs import legs_of, stand
from inperson.tracking.headset_skeleton import JOINT, WearerSkeleton

_LEGS = np.array([1, 2, 4, 5, 7, 8, 10, 11])
"""Hips, knees, ankles and balls of the feet, left and right in turns."""
_HIPS, _ANKLES = (JOINT["left_hip"], JOINT["right_hip"]), (JOINT["left_ankle"], JOINT["right_ankle"])
_OVERSTEP = 0.10
"""Metres that a step goes further than it must, so that the next is not due at once."""
_UNSEEN, _SEEN = 0.03, 0.12
"""Radians of hips and knees: a webcam that sees no legs gives them straight."""
_RAISED_LOW, _RAISED_HIGH = 0.06, 0.15
"""Metres that the webcam must see one foot above the other for it to have left the floor."""


class Stance:
    """Keeps the wearer's feet on the floor."""

    def __init__(self, skeleton: WearerSkeleton) -> None:
        self._skeleton = skeleton
        self._legs = legs_of(skeleton)
        self._feet = Feet()

    def middle(self, otherwise: Float[np.ndarray, "2"]) -> Float[np.ndarray, "2"]:
        """(x, z) between the ankles; `otherwise` while nobody stands yet."""
        footing = self._feet.footing
        return otherwise if footing is None else footing.places.mean(axis=0)

    def moved(self, T_new_from_old: Float[np.ndarray, "4 4"], yaw: float) -> None:
        """The play space was recentred: by a transform that turns by `yaw` radians about y."""
        self._feet.moved(T_new_from_old, yaw)

    def stand(
        self,
        rotations: Float[np.ndarray, "55 3 3"],
        transl: Float[np.ndarray, "3"],
        yaw: float,
        stray: Float[np.ndarray, "2"],
        seen: SeenBody | None,
        dt: float,
    ) -> None:
        """Writes the legs' local rotations into `rotations`.

        Args:
            rotations: local rotations of the body, pelvis in the play space.
            transl: of the body.
            yaw: its heading.
            stray: how far (x, z) the body has gone from over the feet, metres.
            seen: the webcam's body, or None.
        """
        skeleton = self._skeleton
        pelvis = rotations[0]
        root = skeleton.rest[0] + transl
        offsets = skeleton.rest[list(_ANKLES)] - skeleton.rest[0]
        upright = np.array([[np.cos(yaw), np.sin(yaw)], [-np.sin(yaw), np.cos(yaw)]])
        apart = (offsets - offsets.mean(axis=0))[:, [0, 2]] @ upright.T
        under = root[[0, 2]] + offsets.mean(axis=0)[[0, 2]] @ upright.T
        wished = self.middle(under) + _overstepped(stray) + apart
        lifts, places = np.zeros(2), wished
        if seen is not None:
            bent = float(np.linalg.norm(seen.state.body_pose[[0, 1, 3, 4]], axis=1).max())
            believed = ramp(bent, _UNSEEN, _SEEN)
            places = _seen_ankles(skeleton, pelvis, root, seen)
            lifts = believed * _raised(places[:, 1])
            places = places[:, [0, 2]]
            wished = wished + believed * (places - wished)
        footing = self._feet.follow(wished, yaw, dt)
        up = np.array([ramp(float(lift), _RAISED_LOW, _RAISED_HIGH) for lift in lifts])
        footing = Footing(
            footing.places + up[:, None] * (places - footing.places), footing.yaws, footing.lifts + up * lifts
        )
        hips = root + (skeleton.rest[list(_HIPS)] - skeleton.rest[0]) @ pelvis.T
        rotations[_LEGS] = stand(self._legs, pelvis, hips, footing)


def _overstepped(stray: Float[np.ndarray, "2"]) -> Float[np.ndarray, "2"]:
    distance = float(np.hypot(*stray))
    return stray * (1.0 + _OVERSTEP / distance) if distance > 1e-6 else np.zeros(2)


def _seen_ankles(
    skeleton: WearerSkeleton, pelvis: Float[np.ndarray, "3 3"], root: Float[np.ndarray, "3"], seen: SeenBody
) -> Float[np.ndarray, "2 3"]:
    """Where the webcam's legs, hung from this pelvis, have their ankles."""
    out = np.empty((2, 3))
    for k in range(2):
        R, at = pelvis, root
        for joint in (1 + k, 4 + k):
            at = at + R @ skeleton.tree.offsets[joint]
            R = R @ seen.rotations[joint]
        out[k] = at + R @ skeleton.tree.offsets[7 + k]
    return out


def _raised(heights: Float[np.ndarray, "2"]) -> Float[np.ndarray, "2"]:
    """How far each foot is above the lower one."""
    return heights - heights.min()
