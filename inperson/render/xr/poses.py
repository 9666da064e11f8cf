"""OpenXR's poses and fields of view as numpy, and back."""

from dataclasses import dataclass

import numpy as np
import xr
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.render.views import EyeView


def matrix_from_posef(pose: xr.Posef) -> Float[np.ndarray, "4 4"]:
    """The rigid transform of an XrPosef (`T_base_from_space` of a located space), float64."""
    q, p = pose.orientation, pose.position
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_quat([q.x, q.y, q.z, q.w]).as_matrix()
    matrix[:3, 3] = p.x, p.y, p.z
    return matrix


def posef_from_matrix(matrix: Float[np.ndarray, "4 4"]) -> xr.Posef:
    """The XrPosef of a rigid transform."""
    quat = Rotation.from_matrix(matrix[:3, :3]).as_quat()
    return xr.Posef(xr.Quaternionf(*map(float, quat)), xr.Vector3f(*map(float, matrix[:3, 3])))


@dataclass(frozen=True, slots=True)
class EyePoses:
    """Where both eyes are and what they see at one display time, left first. What was located here is drawn and
    then submitted, to the bit."""

    positions: Float[np.ndarray, "2 3"]
    """Of the eyes in the play space, metres."""
    quats_xyzw: Float[np.ndarray, "2 4"]
    """`T_play_from_eye`'s rotations."""
    fov_angles: Float[np.ndarray, "2 4"]
    """XrFovf: left, right, up, down, radians from the optical axis; left and down are negative."""

    @property
    def T_play_from_eye(self) -> tuple[Float[np.ndarray, "4 4"], Float[np.ndarray, "4 4"]]:
        """Of the left and the right eye, float64."""
        matrices = np.tile(np.eye(4), (2, 1, 1))
        matrices[:, :3, :3] = Rotation.from_quat(self.quats_xyzw).as_matrix()
        matrices[:, :3, 3] = self.positions
        return matrices[0], matrices[1]

    def views(self, width: int, height: int, near: float, far: float) -> tuple[EyeView, EyeView]:
        """Both eyes as views of `width` x `height` pixels over the whole field of view; planes in metres."""
        left, right = self.T_play_from_eye
        return (
            EyeView(left, *self._angles(0), width=width, height=height, near=near, far=far),
            EyeView(right, *self._angles(1), width=width, height=height, near=near, far=far),
        )

    def _angles(self, eye: int) -> tuple[float, float, float, float]:
        left, right, up, down = map(float, self.fov_angles[eye])
        return left, right, up, down

    @classmethod
    def from_xr(cls, left: xr.View, right: xr.View) -> "EyePoses":
        """What xrLocateViews said."""
        poses, fovs = [view.pose for view in (left, right)], [view.fov for view in (left, right)]
        return cls(
            positions=np.array([[p.position.x, p.position.y, p.position.z] for p in poses]),
            quats_xyzw=np.array(
                [[p.orientation.x, p.orientation.y, p.orientation.z, p.orientation.w] for p in poses]
            ),
            fov_angles=np.array([[f.angle_left, f.angle_right, f.angle_up, f.angle_down] for f in fovs]),
        )

    def xr_pose(self, eye: int) -> xr.Posef:
        """Of one eye (0 left, 1 right), as it was located."""
        return xr.Posef(xr.Quaternionf(*self.quats_xyzw[eye]), xr.Vector3f(*self.positions[eye]))

    def xr_fov(self, eye: int) -> xr.Fovf:
        """Of one eye, as it was located."""
        return xr.Fovf(*self.fov_angles[eye])
