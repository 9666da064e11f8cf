"""Where the eyes are in a window, and which part of the person their crops hold."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import JOINT_NAMES
from inperson.conventions import invert_rigid
from inperson.render.views import EyeView, look_at
from inperson.shader_model.data.recipe import FramingRecipe, MotionRecipe
from inperson.synthetic.lights import direction

_AIMS = ("head", "head", "head", "neck", "spine3", "left_wrist", "right_wrist")
"""Joints that crops are centred on: faces oftenest."""
_ABOVE_HEAD = 0.065
"""Metres from the head's joint to the face's middle, about."""


@dataclass(frozen=True, slots=True)
class CameraPath:
    """Eyes that move evenly past a person. World frame, metres and radians."""

    aim: Float[np.ndarray, "3"]
    """What the crops are centred on; it moves with the eyes' drift alone, not with the person."""
    azimuth: float
    elevation: float
    distance: float
    across: float
    """Metres that a crop covers at the aim."""
    gaze: Float[np.ndarray, "3"]
    """Where the eyes look, relative to the aim: crops lie off their axes."""
    turning: float
    """Radians a second about the aim."""
    drift: Float[np.ndarray, "3"]
    """Of the eyes, metres a second."""
    offsets: tuple[float, ...]
    """Of each eye to the right of their middle, metres."""

    def views(self, seconds: float, size: int) -> tuple[EyeView, ...]:
        """The crops of all eyes at a time, `size` pixels square."""
        around = direction(self.azimuth + self.turning * seconds, self.elevation)
        middle = self.aim + self.distance * around + self.drift * seconds
        T = look_at(middle, self.aim + self.gaze)
        return tuple(self._crop(_moved_right(T, offset), size) for offset in self.offsets)

    def _crop(self, T_world_from_eye: Float[np.ndarray, "4 4"], size: int) -> EyeView:
        """The square about the aim in one eye's picture: its field of view need not hold the eye's axis."""
        eye_from_world = invert_rigid(T_world_from_eye)
        x, y, z = eye_from_world[:3, :3] @ self.aim + eye_from_world[:3, 3]
        across, up, half = x / -z, y / -z, 0.5 * self.across / self.distance
        left, right, top, bottom = (
            float(angle) for angle in np.arctan([across - half, across + half, up + half, up - half])
        )
        return EyeView(T_world_from_eye, left, right, top, bottom, size, size)


def sample_path(
    joints: Float[np.ndarray, "55 3"],
    framing: FramingRecipe,
    motion: MotionRecipe,
    rng: np.random.Generator,
) -> CameraPath:
    """Eyes about a person who faces +z.

    Args:
        joints: of the posed body in the middle of the window.
    """
    joint = _AIMS[rng.integers(len(_AIMS))]
    across = float(np.exp(rng.uniform(np.log(framing.least_across), np.log(framing.most_across))))
    lift = np.array([0.0, _ABOVE_HEAD if joint == "head" else 0.0, 0.0])
    aim = joints[JOINT_NAMES.index(joint)] + lift + rng.normal(0.0, 0.08, 3) * across
    anywhere = rng.random() < framing.all_round
    azimuth = rng.uniform(-np.pi, np.pi) if anywhere else rng.normal(0.0, framing.sideways)
    still = rng.random() < motion.still_camera
    moves = 0.0 if still else 1.0
    distance = float(rng.uniform(max(framing.nearest, 0.9 * across), framing.farthest))
    half = 0.5 * framing.eye_distance
    return CameraPath(
        aim=aim,
        azimuth=float(azimuth),
        elevation=float(rng.normal(0.0, framing.height)),
        distance=distance,
        across=across,
        gaze=rng.normal(0.0, 0.15, 3) * distance,
        turning=moves * float(rng.normal(0.0, motion.camera_turning)),
        drift=moves * rng.normal(0.0, motion.camera_speed, 3),
        offsets=(-half, half) if rng.random() < framing.stereo else (0.0,),
    )


def _moved_right(T: Float[np.ndarray, "4 4"], by: float) -> Float[np.ndarray, "4 4"]:
    moved = T.copy()
    moved[:3, 3] += by * T[:3, 0]
    return moved
