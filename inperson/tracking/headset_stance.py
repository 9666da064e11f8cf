"""Where the feet should be: under a body that leans, or where the webcam sees them."""

import numpy as np
from jaxtyping import Float

from inperson.tracking.headset_camera import SeenBody
from inperson.tracking.headset_crossover import RotationCrossover
from inperson.tracking.headset_feet import STILL, Feet, Footing
from inperson.tracking.headset_frames import ramp
from inperson.tracking.headset_legs import legs_of, stand
from inperson.tracking.headset_skeleton import JOINT, WearerSkeleton
from inperson.tracking.headset_trunk import SWAY, TrunkPose

_LEGS = np.array([1, 2, 4, 5, 7, 8, 10, 11])
"""Hips, knees, ankles and balls of the feet, left and right in turns."""
_HIPS, _ANKLES = (JOINT["left_hip"], JOINT["right_hip"]), (JOINT["left_ankle"], JOINT["right_ankle"])
_OVERSTEP = 0.13
"""Metres that a step goes further than it must, so that the next is not due at once."""
_SPEED_S = 0.25
"""Time constant of the body's speed over the floor."""
_UNSEEN, _SEEN = 0.03, 0.12
"""Radians of hips and knees: a webcam that sees no legs gives them straight."""
_RAISED_LOW, _RAISED_HIGH = 0.06, 0.15
"""Metres that the webcam must see one foot above the other for it to have left the floor."""


class Stance:
    """Keeps the wearer's feet on the floor."""

    def __init__(self, skeleton: WearerSkeleton) -> None:
        self._skeleton = skeleton
        self._legs = legs_of(skeleton)
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self._feet, self._crossover = Feet(), RotationCrossover(len(_LEGS))
        self._over: np.ndarray | None = None
        self._speed = np.zeros(2)

    @property
    def middle(self) -> Float[np.ndarray, "2"] | None:
        """(x, z) between the ankles; None while nobody stands yet."""
        footing = self._feet.footing
        return None if footing is None else footing.places.mean(axis=0)

    def moved(self, T_new_from_old: Float[np.ndarray, "4 4"], yaw: float) -> None:
        """The play space was recentred: by a transform that turns by `yaw` radians about y."""
        self._feet.moved(T_new_from_old, yaw)
        turn = T_new_from_old[[0, 2]][:, [0, 2]]
        self._speed = turn @ self._speed
        if self._over is not None:
            self._over = turn @ self._over + T_new_from_old[[0, 2], 3]

    def stand(
        self,
        rotations: Float[np.ndarray, "55 3 3"],
        transl: Float[np.ndarray, "3"],
        yaw: float,
        trunk: TrunkPose,
        seen: SeenBody | None,
        dt: float,
    ) -> None:
        """Writes the legs' local rotations into `rotations`.

        Args:
            rotations: local rotations of the body, pelvis in the play space.
            transl: of the body.
            yaw: its heading.
            trunk: where the feet would be below the head, and how far away they may be.
            seen: the webcam's body, or None.
        """
        skeleton = self._skeleton
        pelvis = rotations[0]
        root = skeleton.rest[0] + transl
        offsets = skeleton.rest[list(_ANKLES)] - skeleton.rest[0]
        upright = np.array([[np.cos(yaw), np.sin(yaw)], [-np.sin(yaw), np.cos(yaw)]])
        apart = (offsets - offsets.mean(axis=0))[:, [0, 2]] @ upright.T
        self._note_speed(trunk.over, dt)
        wished = self._wished_middle(trunk) + apart
        lifts, places = np.zeros(2), wished
        if seen is not None:
            bent = float(np.linalg.norm(seen.state.body_pose[[0, 1, 3, 4]], axis=1).max())
            believed = ramp(bent, _UNSEEN, _SEEN)
            places = _seen_ankles(skeleton, pelvis, root, seen)
            lifts = believed * _raised(places[:, 1])
            places = places[:, [0, 2]]
            wished = wished + believed * (places - wished)
        footing = self._feet.follow(wished, yaw, self._speed, dt)
        up = np.array([ramp(float(lift), _RAISED_LOW, _RAISED_HIGH) for lift in lifts])
        footing = Footing(
            footing.places + up[:, None] * (places - footing.places), footing.yaws, footing.lifts + up * lifts
        )
        hips = root + (skeleton.rest[list(_HIPS)] - skeleton.rest[0]) @ pelvis.T
        rotations[_LEGS] = self._crossover(int(seen is not None), stand(self._legs, pelvis, hips, footing), dt)

    def _wished_middle(self, trunk: TrunkPose) -> Float[np.ndarray, "2"]:
        """Where (x, z) between the ankles should be: where it is, unless the body has left it behind."""
        if self._feet.footing is None:
            return trunk.over
        stray = trunk.over - self._feet.aim
        distance = float(np.hypot(*stray))
        reach = trunk.reach - (SWAY if np.hypot(*self._speed) < STILL else 0.0)
        if distance <= reach:
            return self._feet.aim
        return trunk.over - stray / max(distance, 1e-9) * max(reach - _OVERSTEP, 0.0)

    def _note_speed(self, over: Float[np.ndarray, "2"], dt: float) -> None:
        if self._over is not None and dt > 0.0:
            self._speed += (1.0 - np.exp(-dt / _SPEED_S)) * ((over - self._over) / dt - self._speed)
        self._over = over


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
